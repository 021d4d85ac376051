"""The checks of slow statements on a real server that writes a slow query log."""

from __future__ import annotations

import shutil
import time
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.check_runs import LONG_PATIENCE, run_one
from tests.lab import MariaDBServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a slow query log."""
    folder = tmp_path_factory.mktemp("slow-server")
    with MariaDBServer(folder, slow_query_log=1, long_query_time=10) as server:
        yield server
    shutil.rmtree(folder)


def test_new_statements_and_missing_indexes(server, tmp_path):
    def look(check_id, history=None):
        surroundings = Surroundings(patience=LONG_PATIENCE, state_path=tmp_path, history=history or History())
        target = DatabaseServer("db:3306", surroundings, [server.login], {"_slow": "a.example"})
        try:
            return {finding.item: finding for finding in run_one(check_id, target)}
        finally:
            target.close()

    with closing(connect(server.login)) as connection:
        execute(connection, "CREATE DATABASE _slow")
        connection.select_db("_slow")
        execute(connection, "CREATE TABLE tabProbe (name varchar(140) PRIMARY KEY, customer varchar(140))")
        execute(connection, "INSERT INTO tabProbe SELECT CONCAT('P-', seq), CONCAT('C', seq % 500) FROM seq_1_to_5000")
        fetch_all(connection, "ANALYZE TABLE tabProbe")
        assert look("D28")[""].value == 0
        first = look("D21")[""]
        assert (first.severity, "next run" in first.text) == ("ok", True)
        now = time.time()
        history = History([{"at_seconds": now, "values": {first.key: 0}, "facts": {first.key: first.fact}}])
        assert look("D21", history)[""].severity == "ok"
        execute(connection, "CREATE TABLE tabGone AS SELECT 1 AS name")
        execute(connection, "SET SESSION long_query_time = 0")
        for number in range(20):
            fetch_all(connection, f"SELECT name FROM tabProbe WHERE customer = 'C{number}'")
        # A statement that cannot be explained any more is passed over.
        fetch_all(connection, "SELECT name, SLEEP(0.05) FROM tabGone")
        # What waits for the disk must not take so large a share that the others do not count.
        execute(connection, "SET SESSION long_query_time = 10")
        execute(connection, "DROP TABLE tabGone")
    assert look("D21", history)[""].severity == "warning"
    found = look("D28")["a.example"]
    assert found.evidence[1] == "bench --site a.example add-database-index --doctype Probe --column customer"
    joins = look("D22")[""]
    assert (joins.severity, joins.value) == ("ok", 0)
