"""Binary logs that do not lead from the newest set to now."""

from __future__ import annotations

from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings, Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect

from tests.backup_sets import write_repository_set
from tests.binlog_archives import BinlogArchives
from tests.check_runs import LONG_PATIENCE, run_one
from tests.lab.processes import wait_until
from tests.server_doubles import ServerDouble, look

SITE = "erp.example.com"


@pytest.fixture
def archives(row_log_server, tmp_path):
    """The archive by which the check finds it, still empty."""
    return BinlogArchives(row_log_server, tmp_path)


@pytest.fixture
def findings(row_log_server, archives):
    """Look, and return the findings by their item."""

    def look():
        settings = Settings(repository_path=str(archives.repository_path))
        surroundings = Surroundings(patience=LONG_PATIENCE, settings=settings)
        target = DatabaseServer("server", surroundings, [row_log_server.login], {"s1": SITE})
        found = {finding.item: finding for finding in run_one("B06", target)}
        target.close()
        return found

    return look


def make_set(archives, file):
    write_repository_set(archives.repository_path / "sites" / SITE, position=BinlogPosition("", file, 4))


def purge_to(archives, name):
    archives.run(f"PURGE BINARY LOGS TO '{name}'")
    with closing(connect(archives.server.login)) as connection:
        return read_live_binlogs(connection).files[0][0] == name


@pytest.mark.check("B06")
def test_a_log_that_was_deleted_before_it_was_archived(archives, findings):
    assert findings()[""].severity == "skipped"
    make_set(archives, "binlog.000001")
    found = findings()[SITE]
    assert (found.severity, found.text) == ("ok", "2 binary logs from the newest set to now, 0 archived")
    archives.keep(archive=None)
    archives.run("FLUSH BINARY LOGS")
    assert findings()[SITE].text == "4 binary logs from the newest set to now, 2 archived"
    wait_until(lambda: purge_to(archives, "binlog.000004"), "the end of the server's work on its older logs")
    found = findings()[SITE]
    assert (found.severity, "binlog.000003 is missing" in found.text) == ("critical", True)
    archives.run("RESET MASTER")
    assert "begun its binary logs anew" in findings()[SITE].text


@pytest.mark.check("B06")
def test_settings_that_endanger_the_logs(archives, findings):
    archives.keep(archive=None)
    (found,) = findings().values()
    assert (found.item, found.severity) == ("archive", "ok")
    assert found.text.startswith("2 binary logs archived, the newest one binlog.000002 of 20")
    archives.run("SET GLOBAL binlog_format = 'MIXED'")
    try:
        found = findings()["binlog_format"]
        assert found.severity == "critical"
        assert found.evidence[0].startswith("SET GLOBAL binlog_format = 'ROW'; and in the option file")
    finally:
        archives.run("SET GLOBAL binlog_format = 'ROW'")


@pytest.mark.check("B06")
def test_a_server_without_a_log():
    server = ServerDouble(variables={"log_bin": "OFF", "server_id": 1, "hostname": "db1", "port": 3306})
    assert look("B06", server)[""].severity == "skipped"
