"""Faults of a whole server: its binary log, its replica, its settings, its version."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.check_runs import run_one
from tests.faults.checks.mariadb_schemas import make_looker
from tests.lab import Lab, MariaDBServer
from tests.lab.processes import wait_until

SITE = "alpha.localhost"


@pytest.fixture
def connection(mariadb_server):
    with closing(connect(mariadb_server.login)) as connection:
        yield connection


@pytest.fixture
def look(mariadb_server, surroundings):
    """Run a check on the server anew."""
    return make_looker(mariadb_server.login, "mysql", surroundings)


@pytest.mark.check("D33")
def test_a_setting_that_loses_commits(connection, look):
    def severities():
        return {item: finding.severity for item, finding in look("D33").items()}

    def configure(flush, sync):
        execute(connection, f"SET GLOBAL innodb_flush_log_at_trx_commit = {flush}, sync_binlog = {sync}")

    fine = {"innodb_flush_log_at_trx_commit": "ok", "sync_binlog": "ok", "innodb_doublewrite": "ok"}
    ((flush, sync),) = fetch_all(connection, "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog")
    try:
        configure(1, 1)
        assert severities() == fine
        configure(2, 0)
        assert severities() == {**fine, "innodb_flush_log_at_trx_commit": "warning", "sync_binlog": "warning"}
        configure(1, 1)
        assert severities() == fine
    finally:
        configure(flush, sync)


@pytest.mark.check("D35")
def test_a_version_that_nobody_mends_any_more(look):
    def at(year):  # no old server is here, so the clock goes on instead
        moment = datetime(year, 1, 15, tzinfo=timezone.utc).timestamp()
        return look("D35", now=lambda: moment)[""].severity

    assert [at(2026), at(2028), at(2030)] == ["ok", "warning", "critical"]


@pytest.mark.check("D31")
def test_a_binary_log_that_is_off_or_grows_for_ever(tmp_path, surroundings):
    off = MariaDBServer(tmp_path / "server", log_bin=None)
    with off:
        look = make_looker(off.login, "mysql", surroundings)
        assert look("D31")[""].severity == "warning"
        assert "sync_binlog" not in look("D33")
    with MariaDBServer(tmp_path / "server", port=off.port) as on, closing(connect(on.login)) as connection:
        look = make_looker(on.login, "mysql", surroundings)
        assert look("D31")["expiry"].severity == "warning"
        execute(connection, "SET GLOBAL binlog_expire_logs_seconds = 864000")
        assert {item: finding.severity for item, finding in look("D31").items()} == {"": "ok", "expiry": "ok"}


@pytest.fixture
def replica(tmp_path):
    """A server that follows a primary; yields both, and a connection to each."""
    with ExitStack() as stack:
        primary = stack.enter_context(MariaDBServer(tmp_path / "primary", server_id=1))
        replica = stack.enter_context(MariaDBServer(tmp_path / "replica", server_id=2, read_only=1))
        writer = stack.enter_context(closing(connect(primary.login)))
        follower = stack.enter_context(closing(connect(replica.login)))
        for connection in (writer, follower):
            execute(connection, "CREATE DATABASE shared")
            execute(connection, "CREATE TABLE shared.t (a int PRIMARY KEY)")
        execute(writer, "CREATE USER follower@localhost IDENTIFIED BY 'follow'")
        execute(writer, "GRANT REPLICATION SLAVE ON *.* TO follower@localhost")
        for connection in (writer, follower):
            execute(connection, "RESET MASTER")
        execute(
            follower,
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'follower', MASTER_PASSWORD = 'follow',"
            f" MASTER_PORT = {primary.port}, MASTER_USE_GTID = slave_pos",
        )
        execute(follower, "START SLAVE")
        yield replica, writer, follower


@pytest.mark.check("D32")
def test_a_replica_that_stops_lags_and_takes_writes(replica, surroundings):
    server, writer, follower = replica
    look = make_looker(server.login, "mysql", surroundings)

    def severity(item="default"):
        return look("D32")[item].severity

    wait_until(lambda: severity() == "ok", "a replica that follows")
    assert severity("read_only") == "ok"
    execute(follower, "SET GLOBAL read_only = 0")
    assert severity("read_only") == "warning"
    execute(follower, "SET GLOBAL read_only = 1")
    for thread in ("IO", "SQL"):
        execute(follower, f"STOP SLAVE {thread}_THREAD")
        found = look("D32")["default"]
        assert found.severity == "critical"
        assert f"the {thread} thread" in found.text
        execute(follower, f"START SLAVE {thread}_THREAD")
        wait_until(lambda: severity() == "ok", "the thread that was stopped")
    # A row that is there already stops the replica, and the message of that quotes the row.
    execute(follower, "INSERT INTO shared.t VALUES (4711)")
    execute(writer, "INSERT INTO shared.t VALUES (4711)")
    wait_until(lambda: severity() == "critical", "the end of the replica's SQL thread")
    found = look("D32")["default"]
    assert "4711" not in str(found.as_dict())
    assert found.evidence == ("error 1062 of the SQL thread",)
    execute(follower, "SET sql_log_bin = 0")
    execute(follower, "DELETE FROM shared.t")
    execute(follower, "START SLAVE")
    wait_until(lambda: severity() == "ok", "a replica that goes on")
    # A lock holds up what the primary writes; half a minute of it would take that long here.
    soon = {"options": {"thresholds": {"D32": {"warning": "1"}}}}
    execute(follower, "LOCK TABLES shared.t WRITE")
    execute(writer, "INSERT INTO shared.t VALUES (1)")
    wait_until(lambda: look("D32", **soon)["default"].severity == "warning", "a replica that lags")
    execute(follower, "UNLOCK TABLES")
    wait_until(lambda: look("D32", **soon)["default"].severity == "ok", "a replica that caught up")


def test_a_server_that_follows_none_is_skipped(look):
    assert look("D32")[""].severity == "skipped"


@pytest.mark.check("D34")
def test_snapshot_isolation_that_frappe_does_not_know(tmp_path_factory, surroundings):
    folder = tmp_path_factory.mktemp("lab")
    with Lab(folder, services=False, sites=(SITE,)) as lab, closing(connect(lab.login)) as connection:

        def found():
            bench = Bench(lab.bench_path)
            target = SiteTarget(bench.site(SITE), BenchTarget(bench, surroundings), surroundings)
            try:
                (finding,) = run_one("D34", target)
            finally:
                target.close()
            return finding

        assert found().severity == "ok"
        execute(connection, "SET GLOBAL innodb_snapshot_isolation = ON")
        assert found().severity == "unknown"  # without its source
        source = lab.bench_path / "apps" / "frappe" / "frappe" / "database" / "mariadb" / "database.py"
        source.parent.mkdir(parents=True)
        source.write_text("def is_deadlocked(e):\n    return e.args[0] == ER.LOCK_DEADLOCK\n")
        assert found().severity == "warning"
        with closing(lab.connect(SITE)) as site:
            error = "pymysql.err.OperationalError: (1020, \"Record has changed since last read in table 'tabBin'\")"
            execute(site, "UPDATE `tabError Log` SET error = %s LIMIT 1", (error,))
        assert found().severity == "critical"
        execute(connection, "SET GLOBAL innodb_snapshot_isolation = OFF")
        assert found().severity == "ok"
        execute(connection, "SET GLOBAL innodb_snapshot_isolation = ON")
        source.write_text("def is_deadlocked(e):\n    return e.args[0] in (ER.LOCK_DEADLOCK, ER.CHECKREAD)\n")
        assert found().severity == "ok"
    shutil.rmtree(folder)
