"""``database_settings``: advice, applying, a restart of the server, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records

from tests.configured_server import GIVEN, absent_drop_in, configured_server, run_settings_module, running_values
from tests.lab.mariadb import MariaDBServer

REVIEWED = """# A person made this of the proposal.
[mysqld]
innodb_buffer_pool_size = 96M  # enough
innodb-log-file-size = 24M
max_connections = 120
innodb_doublewrite = 1
"""


MORE_CONNECTIONS = "[mariadbd]\nmax_connections = 130\n"


def digested(text: str) -> dict[str, str]:
    """Return the options that apply a file that was reviewed."""
    return {"settings": text, "settings_sha256": sha256(text.encode()).hexdigest()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with configured_server(tmp_path_factory.mktemp("configured")) as server:
        yield server


@pytest.fixture
def drop_in(server: MariaDBServer) -> Iterator[Path]:
    yield absent_drop_in(server)
    absent_drop_in(server)


def test_advice_shows_what_it_comes_from_and_changes_nothing(
    server: MariaDBServer, drop_in: Path, tmp_path: Path
) -> None:
    found = run_settings_module(server, tmp_path, sample_seconds=0.5)
    advised = {advice["variable"]: advice for advice in found["advice"]}
    assert advised["sync_binlog"]["action"] == "set"
    assert advised["innodb_doublewrite"]["dynamic"] is False
    pool = advised["innodb_buffer_pool_size"]
    assert pool["numbers"]["available_bytes"] < pool["numbers"]["memory_bytes"]
    assert (found["changed"], found["drop_in_path"]) == (False, str(drop_in))
    assert "sync_binlog = 1" in found["drop_in"]
    assert not drop_in.exists()
    assert not (tmp_path / "state").exists()
    assert running_values(server) == GIVEN


def test_a_young_server_is_told_nothing(server: MariaDBServer, tmp_path: Path) -> None:
    found = run_settings_module(server, tmp_path, least_uptime_hours=24, keep=[])
    assert {advice["action"] for advice in found["advice"]} == {"wait"}
    assert found["drop_in"] == ""


def test_advised_settings_are_applied_hold_over_a_restart_and_come_back(
    server: MariaDBServer, drop_in: Path, tmp_path: Path
) -> None:
    planned = run_settings_module(server, tmp_path, check_mode=True, state="applied")
    assert (planned["changed"], drop_in.exists(), running_values(server)) == (True, False, GIVEN)
    applied = run_settings_module(server, tmp_path, state="applied")
    assert applied["applied"] == planned["applied"] == {"innodb_flush_log_at_trx_commit": "1", "sync_binlog": "1"}
    assert applied["pending_restart"] == planned["pending_restart"] == {"innodb_doublewrite": "ON"}
    assert applied["diff"][0]["after"] == drop_in.read_text() == planned["drop_in"]
    live = {**GIVEN, "innodb_flush_log_at_trx_commit": "1", "sync_binlog": "1"}
    assert running_values(server) == live

    again = run_settings_module(server, tmp_path, state="applied")
    assert (again["changed"], again["applied"], again["overridden"]) == (False, {}, {})
    server.stop()
    server.start()
    assert running_values(server) == {**live, "innodb_doublewrite": "ON"}
    after_restart = run_settings_module(server, tmp_path, state="applied")
    assert (after_restart["changed"], after_restart["pending_restart"]) == (False, {})

    assert run_settings_module(server, tmp_path, check_mode=True, state="restored")["changed"]
    assert drop_in.exists()
    restored = run_settings_module(server, tmp_path, state="restored")
    assert restored["changed"]
    assert restored["pending_restart"] == {"innodb_doublewrite": "OFF"}
    assert not drop_in.exists()
    server.stop()
    server.start()
    assert running_values(server) == GIVEN
    assert not run_settings_module(server, tmp_path, state="restored")["changed"]
    records = [record for record in read_records(tmp_path / "state") if record["module"] == "database_settings"]
    assert [record["action"] for record in records] == ["applied", "restored"]


def test_reviewed_file_is_applied_as_it_is(server: MariaDBServer, drop_in: Path, tmp_path: Path) -> None:
    former = "[mariadbd]\nmax_connections = 95\n"
    drop_in.write_text(former)
    reviewed = {"state": "applied", **digested(REVIEWED)}
    applied = run_settings_module(server, tmp_path, **reviewed)
    assert applied["changed"]
    assert drop_in.read_text() == REVIEWED
    found = running_values(server)
    assert (found["innodb_buffer_pool_size"], found["innodb_log_file_size"]) == (str(96 * 2**20), str(24 * 2**20))
    assert found["max_connections"] == "120"
    assert applied["previous"]["innodb_buffer_pool_size"] == "64M"
    assert not run_settings_module(server, tmp_path, **reviewed)["changed"]
    assert run_settings_module(server, tmp_path, state="restored")["changed"]
    assert drop_in.read_text() == former
    assert running_values(server) == GIVEN


def test_what_is_read_after_the_file_is_named(server: MariaDBServer, drop_in: Path, tmp_path: Path) -> None:
    later = drop_in.with_name("99-other.cnf")
    later.write_text("[mysqld]\nsync_binlog=0\n")
    try:
        applied = run_settings_module(server, tmp_path, state="applied")
        assert applied["overridden"] == {"sync_binlog": "a file of options that is read later sets it again"}
        run_settings_module(server, tmp_path, state="restored")
    finally:
        later.unlink()
    assert running_values(server) == GIVEN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[mariadbd]\nplugin_load_add = x\n", "line 2 of the file is no setting"),
        ("[mariadbd]\nmax_connections = 7\n", "may be from 20"),
        ("[client]\nmax_connections = 70\n", r"section \[client\]"),
        ("[mariadbd]\nmax_connections = many\n", "whole number"),
        ("[mariadbd]\ninnodb_buffer_pool_size = 7T\n", "larger than the memory"),
        ("# host: another.example.com\n[mariadbd]\nmax_connections = 70\n", "is for another.example.com"),
    ],
    ids=["name", "range", "section", "value", "memory", "host"],
)
def test_other_settings_are_refused_before_anything_changes(
    server: MariaDBServer, drop_in: Path, tmp_path: Path, text: str, reason: str
) -> None:
    refused = run_settings_module(server, tmp_path, state="applied", **digested(text))
    assert refused["error_code"] == "settings_refused"
    assert re.search(reason, refused["msg"])
    assert (drop_in.exists(), running_values(server)) == (False, GIVEN)


def test_file_that_somebody_else_made_is_left_alone(server: MariaDBServer, drop_in: Path, tmp_path: Path) -> None:
    foreign = "[mariadbd]\nskip_name_resolve = 1\n"
    drop_in.write_text(foreign)
    refused = run_settings_module(server, tmp_path, state="applied")
    assert refused["error_code"] == "settings_refused"
    assert f"line 2 of {drop_in}" in refused["msg"]
    assert (drop_in.read_text(), running_values(server)) == (foreign, GIVEN)


def test_file_that_was_changed_after_its_review_is_refused(server: MariaDBServer, tmp_path: Path) -> None:
    refused = run_settings_module(server, tmp_path, state="applied", settings=REVIEWED, settings_sha256="0" * 64)
    assert refused["error_code"] == "settings_refused"
    assert "not the one that was reviewed" in refused["msg"]


def test_account_without_the_privilege_is_told_the_grant(server: MariaDBServer, drop_in: Path, tmp_path: Path) -> None:
    connection = connect(server.login)
    execute(connection, "CREATE OR REPLACE USER watcher@'%' IDENTIFIED BY 'seen'")
    execute(connection, "GRANT PROCESS, REPLICA MONITOR, CONNECTION ADMIN ON *.* TO watcher@'%'")
    connection.close()
    account = {"login_user": "watcher", "login_password": "seen"}
    assert run_settings_module(server, tmp_path, **account)["advice"]
    refused = run_settings_module(server, tmp_path, state="applied", **account)
    assert refused["error_code"] == "mariadb_access_denied"
    assert "GRANT BINLOG ADMIN, SUPER ON *.* TO 'watcher'@'%'" in refused["msg"]
    assert (drop_in.exists(), running_values(server)) == (False, GIVEN)


def test_account_that_may_not_look_is_refused(server: MariaDBServer, tmp_path: Path) -> None:
    connection = connect(server.login)
    execute(connection, "CREATE OR REPLACE USER stranger@'%' IDENTIFIED BY 'seen'")
    connection.close()
    refused = run_settings_module(server, tmp_path, login_user="stranger", login_password="seen")
    assert refused["error_code"] == "load_unmeasurable"


def test_server_that_reads_no_file_gets_advice_only(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    found = run_settings_module(mariadb_server, tmp_path, state="applied")
    assert (found["changed"], found["drop_in_path"]) == (False, "")
    assert "--no-defaults" in found["lines"][-1]
    assert "sync_binlog = 1" in found["drop_in"]
    refused = run_settings_module(mariadb_server, tmp_path, state="applied", **digested(MORE_CONNECTIONS))
    assert refused["error_code"] == "settings_refused"
    assert "no place for the file" in refused["msg"]


def test_wrong_password_is_refused(server: MariaDBServer, tmp_path: Path) -> None:
    assert run_settings_module(server, tmp_path, login_password="wrong")["error_code"] == "mariadb_access_denied"


def test_place_that_is_not_there(server: MariaDBServer, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere" / "90.cnf")
    refused = run_settings_module(server, tmp_path, state="applied", drop_in_path=missing)
    assert refused["error_code"] == "settings_unwritable"
    assert running_values(server) == GIVEN


def test_replica_and_a_server_that_takes_no_writes_say_so(server: MariaDBServer, tmp_path: Path) -> None:
    connection = connect(server.login)
    execute(connection, "SET GLOBAL read_only = ON")
    try:
        assert "takes no writes" in run_settings_module(server, tmp_path)["lines"][0]
        execute(connection, "CHANGE MASTER TO MASTER_HOST = '127.0.0.1'")
        assert "is a replica" in run_settings_module(server, tmp_path)["lines"][0]
    finally:
        execute(connection, "RESET SLAVE ALL")
        execute(connection, "SET GLOBAL read_only = OFF")
        connection.close()


def test_settings_in_another_file_have_to_be_put_back_first(
    server: MariaDBServer, drop_in: Path, tmp_path: Path
) -> None:
    run_settings_module(server, tmp_path, state="applied")
    other = str(tmp_path / "other.cnf")
    refused = run_settings_module(server, tmp_path, state="applied", drop_in_path=other, **digested(MORE_CONNECTIONS))
    assert refused["error_code"] == "settings_refused"
    assert str(drop_in) in refused["msg"]
    run_settings_module(server, tmp_path, state="restored")
    assert running_values(server) == GIVEN
