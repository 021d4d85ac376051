"""``site_promotion`` on a real server: promoted, rolled back, retired, expired, and what it refuses."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration_change import MASK
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import database_exists
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import promotion, promotion_run, promotion_state
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_plan import staging_path
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.modules import site_promotion

from tests.lab import MariaDBServer
from tests.modules import run_module
from tests.promotion_stage import LIVE_KEY, NEIGHBOUR, NEW, OLD, RECOVERY, SET_KEY, SITE, TREES, Stage

KEYS = {"changed", "plan", "database", "replaced_database", "kept", "downtime_seconds", "steps", "drained"}


@pytest.fixture
def stage(tmp_path: Path, mariadb_server: MariaDBServer) -> Stage:
    return Stage(tmp_path, mariadb_server.login)


def run(stage: Stage, state: str = "promoted", *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    result = run_module(
        site_promotion,
        check_mode=check_mode,
        site=SITE,
        state=state,
        bench_path=str(stage.bench.path),
        state_path=str(stage.state_path),
        login_user=stage.login.login_user,
        login_password=stage.login.login_password,
        login_host=stage.login.login_host,
        login_port=stage.login.login_port,
        config_file=str(stage.bench.path / "none"),
        **{"recovery": RECOVERY, "drain_timeout_seconds": 0, **options},
    )
    assert result["failed"] or set(result) >= KEYS
    return result


def refused(stage: Stage, state: str, **options: Any) -> str:
    before = tree_of(stage)
    result = run(stage, state, **options)
    assert result["failed"], result
    assert tree_of(stage) == before, "a refusal changes nothing"
    return str(result["error_code"])


def tree_of(stage: Stage) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in stage.site.path.rglob("*") if path.is_file()}


def checksums(stage: Stage, database: str) -> list[tuple[Any, ...]]:
    with stage.connect() as connection:
        tables = ", ".join(f"`{database}`.{table}" for table in ("tabDefaultValue", "tabSingles", "tabToDo"))
        return fetch_all(connection, f"CHECKSUM TABLE {tables}")


@pytest.mark.promise(25)
def test_promotion_is_planned_done_once_and_told(stage: Stage) -> None:
    before = tree_of(stage)
    planned = run(stage, check_mode=True)
    assert (planned["changed"], tree_of(stage)) == (True, before)
    assert planned["diff"]["before"] == {"db_name": stage.old, "db_password": MASK, "encryption_key": MASK}
    assert planned["diff"]["after"]["db_name"] == stage.new
    assert not list(stage.state_path.glob("*/lock*")), "check mode takes no lock"
    done = run(stage)
    assert done["plan"] == planned["plan"]
    assert (done["database"], done["replaced_database"]) == (stage.new, stage.old)
    assert done["kept"] == {
        "database": stage.old,
        "files": str(staging_path(stage.site, RECOVERY)),
        "until": "2026-11-28T03:15:22Z",
    }
    assert done["downtime_seconds"] > 0
    assert [step["name"] for step in done["steps"] if step["name"] != "promote.intent"] == done["plan"]["steps"]
    assert done["drained"]["skipped"].startswith("Cannot use Redis")
    stage.assert_promoted()
    again = run(stage)
    assert (again["changed"], again["plan"], again["steps"]) == (False, {"steps": []}, [])
    assert (again["database"], again["kept"]) == (stage.new, done["kept"])
    (record,) = read_records(stage.state_path)
    assert (record["module"], record["action"], record["recovery"]) == ("site_promotion", "promote", RECOVERY)


@pytest.mark.promise(24)
def test_rollback_puts_everything_back_and_keeps_what_was_promoted(stage: Stage) -> None:
    sums = checksums(stage, stage.old)
    run(stage)
    planned = run(stage, "rolled_back", check_mode=True, recovery=None)
    assert planned["changed"]
    stage.assert_promoted()
    done = run(stage, "rolled_back", recovery=None)
    assert (done["database"], done["replaced_database"]) == (stage.old, stage.new)
    assert done["kept"]["database"] == stage.new
    assert done["downtime_seconds"] is not None
    stage.assert_as_before()
    assert checksums(stage, stage.old) == sums
    again = run(stage, "rolled_back")
    assert (again["changed"], again["plan"]) == (False, {"steps": []})
    assert refused(stage, "promoted") == "promotion_refused"


def test_rollback_before_a_promotion_changes_nothing(stage: Stage) -> None:
    assert not run(stage, "rolled_back")["changed"]
    assert run(stage, "rolled_back", recovery=None)["error_code"] == "recovery_unknown"
    assert not run(stage, "retired")["changed"]


def test_account_of_frappe_16_is_honoured(tmp_path: Path, mariadb_server: MariaDBServer) -> None:
    stage = Stage(tmp_path, mariadb_server.login, db_user=True)
    run(stage)
    stage.assert_promoted()
    assert stage.configuration()["db_user"] == stage.new
    run(stage, "rolled_back")
    stage.assert_as_before()


def test_configuration_that_is_invalid_json_is_replaced_and_kept(stage: Stage) -> None:
    stage.site.config_path.write_text('{"db_name": "_torn')
    done = run(stage)
    assert not done["failed"], done
    assert done["replaced_database"] == stage.old, "the set's configuration tells what is to be fenced"
    configuration = stage.configuration()
    assert configuration["db_name"] == stage.new
    assert "maintenance_mode" not in configuration, "the set was made in maintenance"
    assert configuration["host_name"] == "https://old.example.com"
    assert stage.can_log_in(configuration)
    assert not stage.can_log_in(json.loads(stage.original_bytes))
    run(stage, "rolled_back")
    assert stage.site.config_path.read_text() == '{"db_name": "_torn'
    assert stage.can_log_in(json.loads(stage.original_bytes))
    assert stage.contents(stage.site.path) == [OLD, OLD]


def test_database_of_a_neighbour_is_never_fenced(stage: Stage) -> None:
    neighbour = stage.bench.site(NEIGHBOUR)
    configuration = json.loads(neighbour.config_path.read_text())
    neighbour.config_path.write_text(json.dumps({**configuration, "db_name": stage.old}))
    assert refused(stage, "promoted") == "account_shared"


def test_recovery_onto_nothing(tmp_path: Path, mariadb_server: MariaDBServer) -> None:
    stage = Stage(tmp_path, mariadb_server.login, site_exists=False)
    done = run(stage)
    assert not done["failed"], done
    assert done["replaced_database"] == ""
    assert done["kept"]["database"] == ""
    configuration = stage.configuration()
    assert (configuration["db_name"], configuration["encryption_key"]) == (stage.new, SET_KEY)
    assert stage.can_log_in(configuration)
    assert stage.contents(stage.site.path) == [NEW, NEW]
    assert stage.scheduler_enabled(stage.new) == ["0"], "nothing tells otherwise than the data"
    assert {path.name for path in stage.site.path.iterdir()} >= {"logs", "locks"}
    assert stage.site.config_path.stat().st_mode & 0o777 == 0o640
    assert refused(stage, "rolled_back") == "nothing_kept"


def test_unfinished_recovery_onto_nothing_is_undone(tmp_path: Path, mariadb_server: MariaDBServer) -> None:
    stage = Stage(tmp_path, mariadb_server.login, site_exists=False)
    assert stage.killed(stage.promote, at_write=16)
    run(stage, "rolled_back")
    assert not stage.site.config_path.exists()
    assert stage.contents(staging_path(stage.site, RECOVERY)) == [NEW, NEW]


def test_site_keeps_the_owner_and_mode_of_its_configuration(stage: Stage) -> None:
    stage.site.config_path.chmod(0o600)
    run(stage)
    assert stage.site.config_path.stat().st_mode & 0o777 == 0o600
    stage.site.config_path.chmod(0o644)
    run(stage, "rolled_back")
    assert stage.site.config_path.stat().st_mode & 0o777 == 0o600


def test_set_without_files_leaves_the_live_files(stage: Stage) -> None:
    for name in TREES:
        tree = staging_path(stage.site, RECOVERY) / name
        (tree / "file.txt").unlink()
        tree.rmdir()
    assert run(stage)["plan"]["files"] == []
    assert stage.contents(stage.site.path) == [OLD, OLD]


def test_site_without_logs_gets_them(stage: Stage) -> None:
    assert not (stage.site.path / "logs").exists()
    run(stage)
    assert (stage.site.path / "logs").is_dir()
    assert (stage.site.path / "locks").is_dir()


def test_database_that_was_changed_by_something_else_is_left_alone(stage: Stage) -> None:
    configuration = {**stage.configuration(), "db_name": stage.neighbour}
    stage.site.config_path.write_text(json.dumps(configuration))
    assert refused(stage, "promoted") == "site_changed"
    stage.site.config_path.write_bytes(stage.original_bytes)
    assert stage.killed(stage.promote, at_write=9)
    stage.site.config_path.write_text(json.dumps(configuration))
    assert refused(stage, "promoted") == "site_changed"
    assert refused(stage, "rolled_back") == "site_changed"


def test_nothing_is_promoted_that_was_not_staged(stage: Stage) -> None:
    assert refused(stage, "promoted", recovery="20200101T000000Z-0000") == "recovery_unknown"
    journal = stage.journal()
    for step in ("staging_database", "staging_files"):
        journal.append(step, "failed")
        assert refused(stage, "promoted") == "not_staged"
        journal.append(step, "done")
    with stage.connect() as connection:
        execute(connection, f"DROP TABLE `{stage.new}`.tabDefaultValue")
    assert refused(stage, "promoted") == "not_staged"


def test_site_that_could_not_log_in_is_not_touched(stage: Stage) -> None:
    common = json.loads(stage.bench.common_config_path.read_text())
    stage.bench.common_config_path.write_text(json.dumps({**common, "db_port": 1}))
    result = run(stage)
    assert result["error_code"] == "site_login_failed"
    assert stage.configuration() == json.loads(stage.original_bytes), "the scheduler runs again"
    assert stage.can_log_in(stage.configuration())
    stage.bench.common_config_path.write_text(json.dumps(common))
    assert run(stage)["changed"], "another call goes on"
    stage.assert_promoted()


def test_promotion_is_given_up_when_nobody_waits_for_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(promotion_run, "_caller_is_gone", lambda: True)
        assert run(stage)["error_code"] == "caller_gone"
    assert stage.configuration() == json.loads(stage.original_bytes)
    run(stage, "rolled_back")
    stage.assert_as_before()


def test_failure_after_the_fence_is_undone_by_the_rollback_of_the_role(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise OSError(18, "Invalid cross-device link")

    with monkeypatch.context() as patch:
        patch.setattr(promotion, "put_in_place", refuse)
        result = run(stage)
    assert result["error_code"] == "files_not_exchangeable"
    assert "Invalid cross-device link" in result["msg"]
    assert stage.configuration()["maintenance_mode"] == 1
    assert run(stage, "rolled_back")["changed"]
    stage.assert_as_before()
    error_codes = [record.get("error_code") for record in read_records(stage.state_path)]
    assert error_codes == ["files_not_exchangeable", None]


def test_idle_connection_with_an_open_transaction_does_not_hang_anything(stage: Stage) -> None:
    def idle(configuration: dict[str, Any]) -> Any:
        connection = connect(stage.login_of_site(configuration), configuration["db_name"], autocommit=False)
        execute(connection, "INSERT INTO tabToDo SELECT seq, REPEAT('x', 100) FROM seq_1_to_50000")
        return closing(connection)

    with idle(json.loads(stage.original_bytes)):
        assert not run(stage)["failed"]
        stage.assert_promoted()
    with idle(stage.configuration()):
        assert not run(stage, "rolled_back")["failed"]
    with stage.connect() as reader:
        reader.autocommit(False)
        fetch_all(reader, f"SELECT COUNT(*) FROM `{stage.new}`.tabToDo")
        execute(reader, f"USE `{stage.new}`")
        assert not run(stage, "retired")["failed"], "a reader's metadata lock does not hold the drop up"


def test_secrets_are_in_no_journal_record_or_result(stage: Stage) -> None:
    results = [run(stage), run(stage, "rolled_back"), run(stage, "retired")]
    journals = [path.read_text() for path in stage.state_path.rglob("*.jsonl")]
    assert len(journals) == 2
    texts = "".join([json.dumps(results), *journals])
    for secret in (SET_KEY, LIVE_KEY, json.loads(stage.original_bytes)["db_password"], "of the set"):
        assert secret not in texts
    assert {path.stat().st_mode & 0o077 for path in stage.state_path.rglob("*")} == {0}


@pytest.mark.promise(24)
@pytest.mark.parametrize("rolled_back", [False, True])
def test_retirement_deletes_what_was_kept_and_only_that(stage: Stage, rolled_back: bool) -> None:
    run(stage)
    if rolled_back:
        run(stage, "rolled_back")
    kept, live = (stage.new, stage.old) if rolled_back else (stage.old, stage.new)
    assert run(stage, "retired", check_mode=True)["plan"]["deleted"]["database"] == kept
    assert stage.mark(kept)
    # One of two recoveries of the site: what the other keeps stays, and is named.
    older = Journal.open(stage.state_path, SITE, "20201121T031522Z-0000")
    older.append("recovery", "begin", plan=stage.journal().plan())
    older.append("promote.intent", "done", intent={**stage.journal().fact("intent"), "replaced_database": "_older"})
    older.append("promote", "done")
    done = run(stage, "retired")
    assert (done["changed"], done["kept"]) == (True, None)
    until = {"files": "", "until": "2026-11-28T03:15:22Z"}
    assert done["plan"]["also_kept"] == [{"recovery": older.recovery, "database": "_older", **until}]
    with stage.connect() as connection:
        assert not database_exists(connection, kept)
        assert fetch_all(connection, "SELECT 1 FROM mysql.user WHERE User = %s", (kept,)) == []
        assert database_exists(connection, live)
    assert not staging_path(stage.site, RECOVERY).exists()
    assert stage.can_log_in(stage.configuration())
    assert not run(stage, "retired")["changed"]
    if rolled_back:
        assert refused(stage, "promoted") == "promotion_refused"
        again = run(stage, "rolled_back")
        assert (again["changed"], again["plan"]) == (False, {"steps": []}), "it lives from what was replaced already"
        assert stage.site.config_path.read_bytes() == stage.original_bytes
    else:
        assert not run(stage)["changed"]
        assert refused(stage, "rolled_back") == "nothing_kept"


@pytest.mark.promise(24)
def test_only_good_copy_is_never_deleted(stage: Stage) -> None:
    run(stage)
    promoted = stage.site.config_path.read_bytes()
    stage.site.config_path.write_text("{")
    assert refused(stage, "retired") == "only_good_copy"
    for database in (stage.old, stage.neighbour):
        stage.site.config_path.write_text(json.dumps({**json.loads(promoted), "db_name": database}))
        assert refused(stage, "retired") == "only_good_copy"
    stage.site.config_path.write_bytes(promoted)
    neighbour = stage.bench.site(NEIGHBOUR)
    configuration = json.loads(neighbour.config_path.read_text())
    neighbour.config_path.write_text(json.dumps({**configuration, "db_user": stage.old}))
    assert refused(stage, "retired") == "only_good_copy"
    neighbour.config_path.write_text(json.dumps(configuration))
    with stage.connect() as connection:
        execute(connection, f"RENAME TABLE `{stage.new}`.tabDefaultValue TO `{stage.new}`.gone")
    assert refused(stage, "retired") == "only_good_copy"
    expired = run(stage, "expired")
    assert not expired["changed"]
    with stage.connect() as connection:
        execute(connection, f"RENAME TABLE `{stage.new}`.gone TO `{stage.new}`.tabDefaultValue")
    assert run(stage, "retired")["changed"]


@pytest.mark.promise(24)
def test_account_that_somebody_tidied_away_comes_back_with_the_rollback(stage: Stage) -> None:
    run(stage)
    with stage.connect() as connection:
        for host in ("127.0.0.1", "localhost"):
            execute(connection, f"DROP USER '{stage.user}'@'{host}'")
    assert run(stage, "rolled_back")["changed"]
    assert stage.can_log_in(json.loads(stage.original_bytes))


@pytest.mark.promise(24)
def test_nothing_is_rolled_back_to_that_is_not_there_any_more(stage: Stage) -> None:
    run(stage)
    kept = promotion_state.kept_configuration_path(stage.journal())
    aside = kept.with_name("aside")
    kept.rename(aside)
    assert refused(stage, "rolled_back") == "nothing_kept"
    aside.rename(kept)
    with stage.connect() as connection:
        execute(connection, f"DROP DATABASE `{stage.old}`")
    assert refused(stage, "rolled_back") == "nothing_kept"
    stage.assert_promoted()


def test_account_of_an_unreadable_configuration_comes_from_the_set(
    tmp_path: Path, mariadb_server: MariaDBServer
) -> None:
    stage = Stage(tmp_path, mariadb_server.login, db_user=True)
    from_set = json.loads(stage.set_config_path.read_text())
    stage.set_config_path.write_text(json.dumps({**from_set, "db_user": stage.user}))
    stage.site.config_path.write_text("[]")
    assert run(stage)["plan"]["fenced_account"] == stage.user
    assert not stage.can_log_in(json.loads(stage.original_bytes))


def test_server_elsewhere_gets_an_account_for_any_host(stage: Stage) -> None:
    with stage.connect() as connection:
        for host in ("127.0.0.1", "localhost"):
            execute(connection, f"DROP USER '{stage.user}'@'{host}'")
    hostname = socket.gethostname()
    configuration = {**stage.configuration(), "db_host": hostname}
    stage.site.config_path.write_text(json.dumps(configuration))
    run(stage)  # whether it succeeds depends on the address that this host's name has
    with stage.connect() as connection:
        assert fetch_all(connection, "SELECT Host FROM mysql.user WHERE User = %s", (stage.new,)) == [("%",)]


def test_expiry_deletes_what_is_over_and_not_held(stage: Stage) -> None:
    run(stage)
    assert not run(stage, "expired", recovery=None)["changed"], "it is kept for seven days"
    journal = stage.journal()
    journal.append("recovery", "resumed", plan={**journal.plan(), "keeps_until": "2020-01-01T00:00:00Z"})
    hold = journal.folder / "hold"
    hold.touch()
    assert not run(stage, "expired", recovery=None)["changed"]
    assert refused(stage, "retired") == "recovery_held"
    hold.unlink()
    live = stage.site.config_path.read_bytes()
    stage.site.config_path.write_text("{")
    (stuck,) = run(stage, "expired", recovery=None)["plan"]["refused"]
    assert (stuck["recovery"], stuck["error_code"]) == (RECOVERY, "only_good_copy")
    stage.site.config_path.write_bytes(live)
    assert run(stage, "expired", recovery=None, check_mode=True)["changed"]
    assert stage.mark(stage.old) == OLD
    done = run(stage, "expired", recovery=None)
    assert [deleted["database"] for deleted in done["plan"]["deleted"]] == [stage.old]
    assert not run(stage, "expired", recovery=None)["changed"]


def test_what_is_unfinished_is_not_retired(stage: Stage) -> None:
    assert stage.killed(stage.promote, at_write=14)
    assert refused(stage, "retired") == "promotion_unfinished"


def test_retirement_that_was_killed_goes_on(stage: Stage) -> None:
    run(stage)
    journal = stage.journal()
    journal.append("retire", "begin", retires={"database": stage.old, "user": stage.user, "files": "", "until": "x"})
    assert refused(stage, "rolled_back") == "nothing_kept"
    assert run(stage, "retired")["changed"]
    with stage.connect() as connection:
        assert not database_exists(connection, stage.old)


def test_lock_of_another_recovery_is_respected_and_of_a_dead_one_taken_over(stage: Stage) -> None:
    lock_path = stage.state_path / SITE / "lock"
    state = {
        "recovery": "other",
        "host": "controller.example.com",
        "user": "ops",
        "pid": 1,
        "process": "",
        "since": 1.0,
        "renewed_at": 4e9,
        "lease_seconds": 60,
    }
    lock_path.write_text(json.dumps(state))
    assert refused(stage, "promoted") == "site_locked"
    lock_path.write_text(json.dumps({**state, "renewed_at": 1.0}))
    assert run(stage)["changed"]
    taken = [entry for entry in stage.journal().entries() if entry.event == "taken_over"]
    assert "recovery other, started by ops" in taken[0].facts["previous"]
    assert not lock_path.exists()
