"""The module binlog_archive on a real server: what it keeps, and that what it keeps leads from any moment to now."""

from __future__ import annotations

import json
import shutil
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import (
    BinlogArchive,
    covering_logs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import read_transactions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.modules import binlog_archive

from tests.lab import MariaDBServer
from tests.modules import run_module

ARCHIVE = "db1"
FIRST = BinlogPosition("", "binlog.000001", 4)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that logs rows."""
    folder = tmp_path_factory.mktemp("archived-server")
    with MariaDBServer(folder, binlog_format="ROW", sync_binlog=1) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def site(server):
    """A connection in a database with a table; the logs begin anew, with three transactions in two files."""
    with closing(connect(server.login)) as connection:
        execute(connection, "DROP DATABASE IF EXISTS s1")
        execute(connection, "RESET MASTER")
        execute(connection, "CREATE DATABASE s1")
        connection.select_db("s1")
        execute(connection, "CREATE TABLE t (a int PRIMARY KEY, b int)")
        execute(connection, "FLUSH BINARY LOGS")
        write(connection, 1)
        yield connection


def write(connection, *numbers):
    for number in numbers:
        execute(connection, f"INSERT INTO s1.t (a) VALUES ({number})")


@pytest.fixture
def archive(server, tmp_path):
    """Run the module, which must not fail."""

    def run(**options):
        result = attempt(server, tmp_path, **options)
        assert not result["failed"], result
        return result

    return run


def attempt(server, tmp_path, **options):
    return run_module(
        binlog_archive,
        config_file=str(server.option_file),
        repository_path=str(tmp_path / "repository"),
        **{"archive": ARCHIVE, "reserve_bytes": 0, **options},
    )


def kept(tmp_path):
    return BinlogArchive(tmp_path / "repository" / "binlogs" / ARCHIVE)


def gtids_to_now(tmp_path, connection):
    logs = covering_logs(kept(tmp_path), read_live_binlogs(connection), FIRST)
    return [str(transaction.gtid) for transaction in read_transactions(logs)]


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "gzip"}, {"source": "network"}, {"source": "files", "compression": "zstd"}],
    ids=["auto", "gzip", "network", "files"],
)
def test_all_that_was_written_is_kept(site, archive, tmp_path, options):
    check = archive(check_mode=True, **options)
    assert not (tmp_path / "repository").exists()
    result = archive(**options)
    assert result["changed"] is check["changed"] is True
    assert result["archived"] == check["archived"] == ["binlog.000001", "binlog.000002"]
    assert result["flushed"] is check["flushed"] is True
    assert result["diff"] == {"before": {"files": []}, "after": {"files": result["archived"]}}
    described = result["archive"]
    assert (described["files"], described["gtids"], described["gaps"]) == (2, "0-1-3", [])
    entries = kept(tmp_path).entries()
    assert [(entry.first_gtid, entry.last_gtid, entry.transactions) for entry in entries] == [
        ("0-1-1", "0-1-2", 2),
        ("0-1-3", "0-1-3", 1),
    ]
    write(site, 2)
    assert gtids_to_now(tmp_path, site) == [f"0-1-{number}" for number in range(1, 5)]
    assert (oct(kept(tmp_path).folder.stat().st_mode)[-3:], result["findings"], result["notes"]) == ("700", [], [])


@pytest.mark.usefixtures("site")
def test_a_second_run_has_nothing_to_do(archive, tmp_path):
    archive()
    before = {path.name: path.stat().st_mtime_ns for path in kept(tmp_path).folder.glob("binlog*")}
    again = archive(verify=True)
    assert (again["changed"], again["archived"], again["flushed"]) == (False, [], False)
    assert again["diff"]["before"] == again["diff"]["after"]
    assert {path.name: path.stat().st_mtime_ns for path in kept(tmp_path).folder.glob("binlog*")} == before


@pytest.mark.usefixtures("site")
def test_without_a_flush_only_what_is_rotated(archive):
    result = archive(flush=False)
    assert (result["archived"], result["flushed"]) == (["binlog.000001"], False)


def test_a_restart_in_between(server, site, archive, tmp_path):
    archive()
    write(site, 2)
    server.stop()
    server.start()
    with closing(connect(server.login)) as connection:
        write(connection, 3)
        assert archive()["archived"] == ["binlog.000003", "binlog.000004"]
        assert [entry.ending for entry in kept(tmp_path).entries()][2:] == ["stopped", "rotated"]
        write(connection, 4)
        server.kill()
        server.start()
    with closing(connect(server.login)) as connection:
        assert archive(flush=False)["archived"] == ["binlog.000005"]
        assert kept(tmp_path).entries()[-1].ending == "open"
        write(connection, 5)
        assert len(gtids_to_now(tmp_path, connection)) == 7


@pytest.mark.usefixtures("site")
def test_the_archive_of_another_server_is_refused(server, archive, tmp_path):
    archive()
    path = kept(tmp_path).folder / "binlog.000002.json"
    entry = json.loads(path.read_text())
    entry["server"].update(server_uid="another", hostname="db9")
    path.write_text(json.dumps(entry))
    result = attempt(server, tmp_path)
    assert (result["error_code"], "db9" in result["msg"]) == ("binlog_archive_foreign", True)
    assert archive(archive="other")["changed"]


def test_without_a_name_it_is_that_of_the_server(server, site, archive, tmp_path):
    folder = archive(archive=None)["archive"]["folder"]
    assert folder == str(
        tmp_path / "repository" / "binlogs" / f"{read_live_binlogs(site).identity.hostname}-{server.port}"
    )
    assert attempt(server, tmp_path, archive="../elsewhere")["error_code"] == "path_unsafe"


def test_settings_are_judged_and_what_stands_in_the_way_is_told(site, archive):
    archive()
    execute(site, "SET SESSION binlog_row_image = 'MINIMAL'")
    execute(site, "UPDATE s1.t SET a = 7 WHERE a = 1")
    execute(site, "SET SESSION binlog_format = 'STATEMENT'")
    write(site, 8)
    execute(site, "SET GLOBAL sync_binlog = 0")
    try:
        result = archive(archive_interval_seconds=600)
    finally:
        execute(site, "SET GLOBAL sync_binlog = 1")
    assert [finding["variable"] for finding in result["findings"]] == ["sync_binlog"]
    statements, images = result["notes"]
    assert statements.startswith("1 of the archived transactions change rows by statements")
    assert images.startswith("1 of the archived transactions have row images without all columns")


@pytest.mark.usefixtures("site")
def test_a_server_that_cannot_be_read_here(server, tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    result = attempt(server, tmp_path, source="files")
    assert (result["error_code"], "give source: network" in result["msg"]) == ("binlog_missing", True)
    assert attempt(server, tmp_path)["archived"] == ["binlog.000001", "binlog.000002", "binlog.000003"]


def test_an_account_that_may_not_ask_for_logs(server, site, tmp_path):
    execute(site, "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'reader'")
    execute(site, "GRANT BINLOG MONITOR, RELOAD ON *.* TO reader@localhost")
    account = {"login_user": "reader", "login_password": "reader"}
    result = attempt(server, tmp_path, source="network", **account)
    assert (result["error_code"], "REPLICATION SLAVE" in result["msg"]) == ("binlog_missing", True)
    assert kept(tmp_path).entries() == ()
    assert [path.name for path in kept(tmp_path).folder.iterdir()] == ["backup.lock"]
