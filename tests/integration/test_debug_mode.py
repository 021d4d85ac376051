"""Debug mode on a real server: on, live, unchanged by a second run, and back exactly, by whomever and whenever."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.begin import MOST_MINUTES
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.script import main as run_program
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import StateFiles
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import SiteLock, this_holder
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import debug_mode

from tests.debug_stage import CONFIGURATION, NOW, ONE, TWO, DebugStage, own_server
from tests.lab import MariaDBServer
from tests.lab.processes import wait_until
from tests.modules import run_module

HALF_AN_HOUR = 1800
SLOW = "a slow one"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with own_server(tmp_path_factory) as server:
        yield server


@pytest.fixture
def stage(server: MariaDBServer, tmp_path: Path) -> DebugStage:
    return DebugStage(tmp_path, server.login)


def query_slowly(stage: DebugStage, log: Path) -> None:
    before = log.read_text().count(SLOW)
    with closing(connect(stage.login)) as connection:
        execute(connection, f"SELECT SLEEP(0.01) /* {SLOW} */")
    # The server writes the log after it has answered.
    wait_until(lambda: log.read_text().count(SLOW) == before + 1, "the slow log")


def test_on_live_and_back_by_itself(stage: DebugStage) -> None:
    before = stage.variables()
    stage.install_units()
    begun = stage.begin(long_query_seconds=0.005, allow_without_timer=False)
    assert begun["changed"]
    assert [command.split()[0] for command in stage.commands] == ["daemon-reload", "enable", "start"]
    for name in (ONE, TWO):
        assert {"monitor": 1, "logging": 1, "enable_frappe_logger": 1}.items() <= stage.configuration(name).items()
    assert {"slow_query_log": "ON", "long_query_time": "0.005000"}.items() <= stage.variables().items()
    (log,) = {Path(server.log_path) for server in begun["state"].servers}
    query_slowly(stage, log)

    assert not stage.begin(long_query_seconds=0.005)["changed"]
    assert stage.tick(HALF_AN_HOUR - 1) == []
    assert stage.configuration(ONE)["monitor"] == 1
    assert stage.tick(1) == []
    stage.assert_over(before)
    assert stage.commands[-1] == "disable --now lifeboat-debug.timer"
    assert log.exists()

    assert not stage.end()["changed"]
    assert stage.end(remove_logs=True)["changed"]
    assert not log.exists()
    left = stage.end()["ended"]
    assert left is not None
    assert left.files == ()
    assert not stage.end(remove_logs=True)["changed"]
    assert [record["action"] for record in read_records(stage.state_path) if record["module"] == "debug_mode"] == [
        "present",
        "end",
    ]


def test_each_site_has_its_time_and_the_last_one_ends_the_slow_log(stage: DebugStage) -> None:
    before = stage.variables()
    stage.begin(ONE, minutes=10)
    stage.begin(TWO, minutes=20)
    assert not stage.begin(ONE, minutes=10)["changed"]
    assert stage.tick(600) == []
    assert stage.bench.site(ONE).config_path.read_text() == CONFIGURATION
    assert stage.configuration(TWO)["monitor"] == 1
    assert stage.variables()["slow_query_log"] == "ON"
    assert stage.end(TWO)["changed"]
    stage.assert_over(before)


def test_another_time_begins_anew_and_the_first_values_come_back(stage: DebugStage) -> None:
    stage.set_variables(log_slow_rate_limit="1000", long_query_time="7.5", log_slow_verbosity="innodb")
    before = stage.variables()
    stage.begin(minutes=10, long_query_seconds=2.0)
    stage.now += 300
    longer = stage.begin(minutes=20, long_query_seconds=1.0, logging=2)
    assert {site.until for site in longer["state"].sites} == {NOW + 1500}
    assert stage.variables()["long_query_time"] == "1.000000"
    assert sorted(stage.variables()["log_slow_verbosity"].split(",")) == ["explain", "innodb", "query_plan"]
    assert stage.configuration(ONE)["logging"] == 2
    assert not stage.begin(minutes=20, long_query_seconds=1.0, logging=2)["changed"]
    stage.end()
    stage.assert_over(before)
    stage.set_variables(log_slow_rate_limit="1", long_query_time="10", log_slow_verbosity="")


def test_what_tells_more_stays_and_so_does_what_somebody_changes_meanwhile(stage: DebugStage) -> None:
    stage.set_variables(slow_query_log="ON", long_query_time="0.1", log_slow_verbosity="explain,query_plan")
    before = stage.variables()
    stage.configure(TWO, '{"monitor": true, "logging": 2, "enable_frappe_logger": 1}')
    begun = stage.begin()
    assert stage.variables() == before
    assert begun["state"].servers == ()
    stage.set_variables(slow_query_log="OFF")
    stage.begin()
    stage.set_variables(long_query_time="3")
    stage.configure(ONE, CONFIGURATION.replace('"monitor": 0', '"monitor": 7'))
    ended = stage.end()
    assert stage.configuration(TWO) == {"monitor": True, "logging": 2, "enable_frappe_logger": 1}
    assert stage.configuration(ONE)["monitor"] == 7
    assert "logging" not in stage.configuration(ONE)
    assert stage.variables() == {**before, "slow_query_log": "OFF", "long_query_time": "3.000000"}
    notes = "\n".join(ended["notes"])
    assert "somebody else changed monitor" in notes
    assert "long_query_time is '3.000000'" in notes
    stage.set_variables(long_query_time="10", log_slow_verbosity="")


def test_restart_of_the_server_and_a_server_that_is_down(server: MariaDBServer, stage: DebugStage) -> None:
    before = stage.variables()
    stage.begin()
    server.stop()
    assert {error.error_code for error in stage.tick()} == {"mariadb_unreachable"}
    assert stage.end(ONE, bench_path=str(stage.bench.path))["changed"]
    assert stage.configuration(TWO)["monitor"] == 1
    with pytest.raises(LifeboatError) as down:
        stage.end()
    assert down.value.error_code == "mariadb_unreachable"
    assert stage.bench.site(TWO).config_path.read_text() == CONFIGURATION
    assert {error.error_code for error in stage.tick(HALF_AN_HOUR)} == {"mariadb_unreachable"}
    server.start()
    assert stage.tick(60) == []
    stage.assert_over(before)

    stage.begin()
    server.stop()
    server.start()
    assert stage.variables() == before
    assert stage.begin()["changed"], "what the restart turned off is turned on again"
    assert stage.variables()["slow_query_log"] == "ON"
    stage.end()
    stage.assert_over(before)


def test_a_site_that_is_gone_and_one_that_is_recovered(stage: DebugStage) -> None:
    before = stage.variables()
    stage.begin()
    lock = SiteLock(stage.state_path, TWO)
    lock.acquire("20261121-1", this_holder())
    shutil.rmtree(stage.bench.site(ONE).path)
    assert [error.error_code for error in stage.tick(HALF_AN_HOUR)] == ["site_locked"]
    assert stage.variables() == before, "nothing grows any more, whatever holds a site"
    lock.release("20261121-1")
    assert stage.tick(60) == []
    assert stage.variables() == before
    assert stage.bench.site(TWO).config_path.read_text() == CONFIGURATION
    ended = StateFiles(stage.state_path).read_ended()
    assert ended is not None
    assert not (stage.state_path / ONE / "configuration-debug.json").exists()


def test_slow_log_stays_small(stage: DebugStage) -> None:
    begun = stage.begin(long_query_seconds=0.005, max_log_bytes=600)
    log = Path(begun["state"].servers[0].log_path)
    query_slowly(stage, log)
    query_slowly(stage, log)
    assert stage.tick() == []
    assert Path(f"{log}.1").read_text().count(SLOW) == 2
    query_slowly(stage, log)
    assert log.read_text().count(SLOW) == 1
    # A run that was killed between the two steps of the rotation is gone on with.
    log.unlink()
    assert stage.tick() == []
    assert log.exists()
    stage.end(remove_logs=True)
    assert not log.exists()
    assert not Path(f"{log}.1").exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"allow_without_timer": False}, "debug_timer_missing"),
        ({"min_free_percent": 101.0}, "disk_space"),
        ({"minutes": 0}, "debug_time_invalid"),
        ({"minutes": MOST_MINUTES + 1}, "debug_time_invalid"),
    ],
    ids=["no timer", "full disk", "no end", "too long"],
)
def test_refusals_change_nothing(stage: DebugStage, changes: dict[str, Any], code: str) -> None:
    before = stage.variables()
    with pytest.raises(LifeboatError) as refused:
        stage.begin(**changes)
    assert refused.value.error_code == code
    stage.assert_over(before)


def test_plan_promises_a_timer_only_where_there_can_be_one(stage: DebugStage) -> None:
    with pytest.raises(LifeboatError, match="nothing would end it"):
        stage.begin(check_mode=True, allow_without_timer=False)
    (stage.root / "run/systemd/system").mkdir(parents=True)
    assert stage.begin(check_mode=True, allow_without_timer=False)["has_timer"]
    assert not stage.state_path.exists()


@pytest.mark.parametrize("works", [False, True], ids=["its program fails", "its program looks elsewhere"])
def test_timer_that_could_not_end_it_turns_nothing_on(stage: DebugStage, *, works: bool) -> None:
    before = stage.variables()
    stage.install_units()
    stage.program_works = works
    stage.program_state_path = stage.state_path.parent / "elsewhere"
    with pytest.raises(LifeboatError) as refused:
        stage.begin()
    assert refused.value.error_code == "debug_timer_failed"
    assert stage.commands[-1].startswith("disable")
    stage.assert_over(before)


def test_what_cannot_be_turned_on_for_all_is_taken_back(stage: DebugStage) -> None:
    before = stage.variables()
    with SiteLock(stage.state_path, TWO).hold("20261121-1"), pytest.raises(LifeboatError) as refused:
        stage.begin()
    assert refused.value.error_code == "site_locked"
    stage.assert_over(before)


@pytest.mark.parametrize("grants", ["USAGE", "SUPER"], ids=["no privilege", "no privilege to keep the log small"])
def test_administrator_who_may_not_is_refused(stage: DebugStage, grants: str) -> None:
    before = stage.variables()
    with closing(connect(stage.login)) as connection:
        execute(connection, "CREATE OR REPLACE USER nobody@localhost IDENTIFIED BY 'hidden'")
        execute(connection, f"GRANT {grants} ON *.* TO nobody@localhost")
    administrator, stage.login = stage.login, stage.login.with_account("nobody", "hidden")
    with pytest.raises(LifeboatError) as refused:
        stage.begin()
    assert refused.value.error_code == "mariadb_access_denied"
    stage.login = administrator
    stage.assert_over(before)


def test_full_disk_ends_it_early(stage: DebugStage) -> None:
    before = stage.variables()
    stage.begin()
    files = StateFiles(stage.state_path)
    files.write(replace(files.read(), min_free_percent=300.0))
    assert stage.tick() == []
    stage.assert_over(before)
    ended = files.read_ended()
    assert ended is not None
    assert "% free" in ended.reason


def test_module_says_what_is_on_and_how_it_ended(stage: DebugStage, server: MariaDBServer) -> None:
    before = stage.variables()

    def run(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return run_module(
            debug_mode,
            check_mode=check_mode,
            bench_path=str(stage.bench.path),
            state_path=str(stage.state_path),
            config_file=str(server.option_file),
            **options,
        )

    on = {"min_free_percent": 0, "allow_without_timer": True}
    planned = run(check_mode=True, **on)
    assert planned["changed"]
    assert [site["site"] for site in planned["sites"]] == [ONE, TWO]
    assert not stage.state_path.exists()
    assert run(min_free_percent=0)["error_code"] == "debug_timer_missing"
    begun = run(site=ONE, **on)
    assert begun["servers"][0]["variables"]["slow_query_log"] == "ON"
    assert "NOTHING PUTS THIS BACK BY ITSELF" in "\n".join(begun["lines"])
    assert not run(site=ONE, **on)["changed"]
    login = stage.state_path / "-debug" / "logins.json"
    assert login.stat().st_mode & 0o777 == 0o600
    password = server.login.login_password
    assert password is not None
    assert password in login.read_text()
    shown = json.dumps(begun) + "".join(
        path.read_text() for path in stage.state_path.rglob("*") if path.is_file() and path != login
    )
    assert password not in shown

    assert run(check_mode=True, state="absent")["changed"]
    ended = run(state="absent", remove_logs=True)
    assert ended["changed"]
    assert "debug mode is off since" in ended["lines"][0]
    assert not run(state="absent", remove_logs=True)["changed"]
    stage.assert_over(before)
    assert run(site="nowhere.localhost", **on)["error_code"] == "configuration_missing"


def test_program_of_the_timer_says_what_it_has_to_try_again(stage: DebugStage, capsys: Any) -> None:
    stage.begin()
    assert run_program(["--state-path", str(stage.state_path)], sys.stdout, sys.stderr, stage.around) == 0
    stage.now += HALF_AN_HOUR
    with SiteLock(stage.state_path, "-debug").hold("somebody"):
        assert run_program(["--state-path", str(stage.state_path)], sys.stdout, sys.stderr, stage.around) == 1
    assert "locked" in capsys.readouterr().err
    assert run_program(["--state-path", str(stage.state_path)], sys.stdout, sys.stderr, stage.around) == 0
    assert capsys.readouterr().err == ""
    assert stage.bench.site(ONE).config_path.read_text() == CONFIGURATION
