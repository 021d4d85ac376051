"""A site recovered to any point in time on the embedded bench, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import LiveBinlogs, read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump_command import dump_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import point_source_choice, site_logs
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.modules import staging_database
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.plan_text import plan_lines
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.report import report_view

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.lab.writer import Writer
from tests.point_in_time_site import LOGS_ROWS, NEIGHBOUR, SITE, PointInTimeSite, differing
from tests.tools.checkout import ROOT
from tests.tools.playbook_runs import LOCAL_HOST, run_playbook

TODO = "INSERT INTO tabToDo (name, description) VALUES ('{0}', '{0}')"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("point-in-time")
    with Lab(folder, **LOGS_ROWS) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def point(lab: Lab, tmp_path: Path) -> PointInTimeSite:
    return PointInTimeSite(lab, tmp_path)


@pytest.mark.parametrize("kind", ["physical", "logical"])
def test_a_site_is_recovered_to_before_a_transaction_and_rolled_back(point: PointInTimeSite, kind: str) -> None:
    point.back_up(kind)
    point.write(TODO.format("after the set"))
    point.write("ALTER TABLE tabToDo ADD COLUMN extra INT DEFAULT 7")
    wanted = point.content()
    bad = point.write("DELETE FROM tabToDo")
    point.write("UPDATE tabSeries SET current = current + 1")
    damaged, neighbour = point.content(), PointInTimeSite(point.lab, point.state_path, NEIGHBOUR).live()
    record = point.run(recover_to=f"before:{bad}", keep_days=7)
    assert differing(point.content(), wanted) == set()
    assert PointInTimeSite(point.lab, point.state_path, NEIGHBOUR).live() == neighbour
    replay = record["replay"]
    assert (replay["before"], replay["transactions"], replay["target"]) == (bad, 2, f"before:{bad}")
    assert {"label": "Asked for", "value": f"before:{bad}"} in report_view(record)["facts"]
    point.roll_back(record["recovery"])
    assert differing(point.content(), damaged) == set()
    point.write("ALTER TABLE tabToDo DROP COLUMN extra")


def test_the_latest_moment_loses_nothing_although_the_site_is_written_to(point: PointInTimeSite) -> None:
    point.back_up("logical")
    switches = point.switches()
    begun = point.begin(recover_to="latest", keep_days=7)
    with Writer(point.lab, SITE, directly=True) as writer:
        point.stage(begun["recovery"])
    with closing(connect(point.lab.login)) as connection:
        database = Journal.open(point.state_path, SITE, begun["recovery"]).fact("staging_database")
        staged = {row[0] for row in fetch_all(connection, f"SELECT name FROM `{database}`.tabToDo")}
    acknowledged = {write.name for write in writer.acknowledged}
    assert acknowledged, "the writer did not get to write anything"
    assert acknowledged <= staged
    point.promote(begun["recovery"])
    record = point.finish(begun["recovery"])
    assert record["downtime_seconds"] > 0
    assert point.switches() == switches
    point.verify()
    point.roll_back(record["recovery"])
    assert point.switches() == switches
    point.verify()


def test_a_server_that_was_installed_anew_gets_all_that_the_archive_holds(point: PointInTimeSite) -> None:
    """With its data directory went its logs, and it begins to number them again: RESET MASTER does the same."""
    point.back_up("logical")
    for name in ("first", "second", "third"):
        point.write(TODO.format(f"archived {name}"))
        point.archive_logs()
    wanted = point.content()
    last_second = int(time.time())
    wait_until(lambda: time.time() >= last_second + 1, "the next second")
    with closing(connect(point.lab.login)) as connection:
        execute(connection, "RESET MASTER")
        asked = point.refused(recover_to="latest")
        assert (asked["error_code"], "no log behind the archive" in asked["msg"]) == ("binlog_restarted", True)
        beyond = point.refused(recover_to=datetime.now(timezone.utc).isoformat())
        assert (beyond["error_code"], "the archived logs end" in beyond["msg"]) == ("outside_window", True)
        execute(connection, f"DROP DATABASE `{point.lab.site_config(SITE)['db_name']}`")
    record = point.run(recover_to="latest")
    assert differing(point.content(), wanted) == set()
    (entry,) = [entry for entry in record["checks"] if entry["name"] == "recovery_point"]
    assert (entry["outcome"], record["recovery_point"] in entry["text"]) == ("warning", True)
    point.write("DELETE FROM tabToDo WHERE name LIKE 'archived %'")


def test_one_transaction_is_undone_and_all_others_stay(point: PointInTimeSite) -> None:
    point.back_up("logical")
    point.write(TODO.format("before"))
    wanted = point.content()
    bad = point.write("DELETE FROM tabToDo", "UPDATE tabSeries SET current = current + 1", TODO.format("bad"))
    point.write(TODO.format("later"))
    begun = point.begin(undo=bad, check_mode=True)
    work = begun["plan"]["space"]["work"]
    assert work["needed_bytes"] >= 2 * begun["plan"]["replay"]["bytes"]
    named = point.refused(undo=bad, recover_to=begun["plan"]["set"]["name"])
    assert named["error_code"] == "recover_to_invalid"
    full = point.refused(undo=bad, reserve_bytes=work["free_bytes"])
    assert (full["error_code"], "folder of the recovery" in full["msg"]) == ("disk_space", True)
    lines = plan_lines(begun, {"title": "Undo", "severity": "low", "steps": []})
    assert any("tabToDo" in line and "come back" in line for line in lines)
    record = point.run(undo=bad, keep_days=7)
    assert record["undo"]["gtid"] == bad
    point.write("DELETE FROM tabToDo WHERE name = 'later'")
    assert differing(point.content(), wanted) == set()
    point.roll_back(record["recovery"])


def test_the_playbook_undoes_a_transaction_and_reports_it(point: PointInTimeSite, tmp_path: Path) -> None:
    point.back_up("physical")
    wanted = point.content()
    bad = point.write("DELETE FROM tabToDo", "UPDATE tabSeries SET current = current + 1")
    inventory = tmp_path / "hosts"
    inventory.write_text(LOCAL_HOST)
    variables = {
        **point.lab.variables,
        "lifeboat_become": False,
        "lifeboat_state_path": str(point.state_path),
        "lifeboat_repository_path": str(point.repository_path),
        "lifeboat_report_path": str(tmp_path / "reports"),
        "site": SITE,
        "undo": bad,
    }
    run = run_playbook("lifeboat.frappe.recover", inventory, variables)
    assert run.exit_code == 0, run.output
    assert not run.complaints, run.output
    assert f"Undoes:      {bad}" in run.output
    assert "rows come back" in run.output
    (report,) = (tmp_path / "reports").glob("*/report.json")
    record = json.loads(report.read_text())
    jsonschema.validate(record, json.loads((ROOT / "docs" / "recovery-record.schema.json").read_text()))
    assert (record["undo"]["gtid"], record["outcome"]) == (bad, "recovered")
    assert bad in (report.parent / "report.md").read_text()
    assert differing(point.content(), wanted) == set()
    point.roll_back(record["recovery"])


def test_files_that_came_after_the_set_are_taken_from_the_live_site(point: PointInTimeSite) -> None:
    point.back_up("logical")
    content = b"uploaded after the set"
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    folder = point.lab.site_path(SITE) / "private" / "files"
    for name, written in (("since.txt", content), ("changed.txt", b"not what was uploaded")):
        (folder / name).write_bytes(written)
        point.write(
            "INSERT INTO tabFile (name, file_name, file_url, is_private, is_folder, file_size, content_hash) "
            f"VALUES ('{name}', '{name}', '/private/files/{name}', 1, 0, {len(content)}, '{digest}')"
        )
    wanted = point.content()
    bad = point.write("DELETE FROM tabFile")
    record = point.run(recover_to=f"before:{bad}", keep_days=7)
    assert differing(point.content(), wanted) == {"private/files/changed.txt"}
    assert record["proof"]["files"]["taken_from_live"] == {"files": 1, "bytes": len(content)}
    assert "/private/files/changed.txt" in record["not_recovered"][0]
    point.roll_back(record["recovery"])
    point.write("DELETE FROM tabFile WHERE name IN ('since.txt', 'changed.txt')")


def test_an_undo_that_would_lose_something_is_refused(point: PointInTimeSite) -> None:
    point.back_up("logical")
    changed = point.write(TODO.format("changed later"))
    point.write("UPDATE tabToDo SET description = 'again' WHERE name = 'changed later'")
    assert point.refused(undo=changed)["error_code"] == "undo_refused"
    schema = point.write("ALTER TABLE tabSeries COMMENT 'x'")
    assert point.refused(undo=schema)["error_code"] == "undo_refused"
    before_schema = point.write("UPDATE tabSeries SET current = current + 1")
    point.write("ALTER TABLE tabSeries COMMENT ''")
    assert point.refused(undo=before_schema)["error_code"] == "undo_refused"
    assert point.refused(undo="0-1-99999999")["error_code"] == "gtid_not_found"
    assert point.refused(undo=changed, recover_to=f"before:{schema}")["error_code"] == "recover_to_invalid"


def test_a_row_that_is_there_again_is_noticed_while_the_site_still_serves(point: PointInTimeSite) -> None:
    point.write(TODO.format("twice"))
    point.back_up("logical")
    bad = point.write("DELETE FROM tabToDo WHERE name = 'twice'")
    point.write(TODO.format("twice"))
    live = point.live()
    begun = point.begin(undo=bad)
    said = point.failed(staging_database, recovery=begun["recovery"], reserve_bytes=0)
    assert said["error_code"] == "undo_refused"
    assert "1062" in said["msg"]
    assert point.live() == live
    point.verify()
    point.abandon(begun["recovery"])
    point.write("DELETE FROM tabToDo WHERE name = 'twice'")


def test_a_point_at_which_the_site_had_no_database_is_refused(point: PointInTimeSite) -> None:
    point.back_up("logical")
    database = point.lab.site_config(SITE)["db_name"]
    dump = point.lab.folder / "dump.sql"
    with dump_database(point.lab.login, database, with_position=False) as stream:
        dump.write_bytes(b"".join(iter(lambda: stream.read(1 << 20), b"")))
    with closing(connect(point.lab.login)) as connection:
        execute(connection, f"DROP DATABASE `{database}`")
        execute(connection, f"CREATE DATABASE `{database}`")
        restored = fetch_all(connection, "SELECT @@last_gtid")[0][0]
    client = ["mariadb", f"--defaults-file={point.lab.mariadb.option_file}", database]
    subprocess.run(client, input=dump.read_bytes(), check=True)
    begun = point.begin(recover_to=f"before:{restored}")
    said = point.failed(staging_database, recovery=begun["recovery"], reserve_bytes=0)
    assert said["error_code"] == "replay_failed"
    assert "did not exist" in said["msg"]
    point.abandon(begun["recovery"])


def test_a_database_host_apart_gets_a_dump_and_its_logs_come_from_the_archive(
    point: PointInTimeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    point.back_up("logical")

    def elsewhere(connection: Any) -> LiveBinlogs:
        return replace(read_live_binlogs(connection), folder=None)

    # As it is where the server's files cannot be seen.
    monkeypatch.setattr(site_logs, "read_live_binlogs", elsewhere)
    monkeypatch.setattr(point_source_choice, "can_place_files", lambda _facts: False)
    point.write(TODO.format("archived"))
    point.archive_logs()
    begun = point.begin(recover_to="latest", keep_days=7)
    point.write(TODO.format("in the last log"))
    wanted = point.content()
    point.stage(begun["recovery"])
    point.promote(begun["recovery"])
    record = point.finish(begun["recovery"])
    assert differing(point.content(), wanted) == set()
    assert record["proof"]["database"]["completion_line"]
    point.roll_back(record["recovery"])
    point.write("DELETE FROM tabToDo WHERE name IN ('archived', 'in the last log')")


def test_points_that_cannot_be_reached_are_refused_with_the_window(point: PointInTimeSite) -> None:
    now = datetime.now(timezone.utc)
    point.back_up("logical")
    for moment, reason in ((now + timedelta(days=1), "future"), (now - timedelta(days=1), "no set")):
        said = point.refused(recover_to=moment.isoformat())
        assert said["error_code"] == "outside_window"
        assert reason in said["msg"]
        assert said["details"]["window"] in said["msg"]
    naive = point.refused(recover_to=now.replace(tzinfo=None).isoformat())
    assert naive["error_code"] == "recover_to_invalid"
    assert point.refused(recover_to="before:0-1-99999999")["error_code"] == "gtid_not_found"
    assert point.refused(recover_to="before:nonsense")["error_code"] == "gtid_invalid"


def test_what_the_log_does_not_hold_exactly_is_refused(point: PointInTimeSite) -> None:
    for setting in ("binlog_row_image = 'MINIMAL'", "binlog_format = 'STATEMENT'"):
        point.back_up("logical")
        with closing(connect(point.lab.login)) as connection:
            execute(connection, f"USE `{point.lab.site_config(SITE)['db_name']}`")
            execute(connection, f"SET SESSION {setting}")
            execute(connection, "UPDATE tabSeries SET current = current + 1")
        said = point.refused(recover_to="latest")
        assert said["error_code"] == "replay_refused"


def test_a_gap_in_the_logs_is_refused_with_the_name_of_what_is_missing(point: PointInTimeSite) -> None:
    point.back_up("logical")
    with closing(connect(point.lab.login)) as connection:
        first = fetch_all(connection, "SHOW MASTER STATUS")[0][0]
        execute(connection, "FLUSH BINARY LOGS")
        active = fetch_all(connection, "SHOW MASTER STATUS")[0][0]

        def purged() -> bool:
            # The server keeps a log until the storage engines have on the disk what is in it.
            execute(connection, f"PURGE BINARY LOGS TO '{active}'")
            return first not in [row[0] for row in fetch_all(connection, "SHOW BINARY LOGS")]

        wait_until(purged, "the purge of a binary log")
    said = point.refused(recover_to="latest")
    assert said["error_code"] == "binlog_gap"
    assert first in said["msg"]


def test_the_database_of_after_a_promotion_is_another_life(point: PointInTimeSite) -> None:
    point.back_up("logical")
    wanted = point.content()
    bad = point.write(TODO.format("bad of a life"))
    first = point.run(recover_to=f"before:{bad}", keep_days=7)
    point.write(TODO.format("new life"))
    said = point.refused(recover_to="latest")
    assert said["error_code"] == "outside_window"
    # Points in time are whole seconds: this one begins after the promotion.
    later = int(time.time()) + 1
    wait_until(lambda: time.time() >= later, "the next second")
    said = point.refused(recover_to=datetime.fromtimestamp(later, timezone.utc).isoformat())
    assert said["error_code"] == "outside_window"
    assert "lived in the database" in said["msg"]
    point.roll_back(first["recovery"])
    point.write("DELETE FROM tabToDo WHERE name = 'bad of a life'")
    assert differing(point.content(), wanted) == set()
