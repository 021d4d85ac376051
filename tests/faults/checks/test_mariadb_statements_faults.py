"""Slow statements for real: what the log, the plans and the counters of a server show of them."""

from __future__ import annotations

import shutil
import time
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.faults.checks.mariadb_schemas import SERVER, SITE, fill, history_of, make_looker
from tests.lab import MariaDBServer


@pytest.fixture(scope="module")
def mariadb_server(tmp_path_factory):
    """A server that writes a slow query log, in which only those statements are that a test marks as slow."""
    folder = tmp_path_factory.mktemp("slow-server")
    with MariaDBServer(folder, slow_query_log=1, long_query_time=10) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def connection(mariadb_server, database):
    """A connection whose statements all count as slow; the log begins anew."""
    (mariadb_server.data_path / log_name(mariadb_server)).write_text("")
    with closing(connect(mariadb_server.login, database)) as connection:
        fill(connection, "tabProbe", 5000)
        execute(connection, "SET SESSION long_query_time = 0")
        yield connection


@pytest.fixture
def look(mariadb_server, database, surroundings):
    """Run a check on the server anew."""
    return make_looker(mariadb_server.login, database, surroundings)


def log_name(server):
    with closing(connect(server.login)) as connection:
        return fetch_all(connection, "SELECT @@slow_query_log_file")[0][0]


@pytest.mark.check("D21")
def test_a_statement_that_is_new_and_then_slower(connection, look):
    started = time.monotonic()
    fetch_all(connection, "SELECT SLEEP(0.02), 'first'")
    much_longer_seconds = 5 * (time.monotonic() - started)
    now = time.time()
    first = look("D21")
    assert first[""].severity == "ok"
    assert "next run" in first[""].text
    history = history_of(first, now)
    assert look("D21", history=history)[""].severity == "ok"
    fetch_all(connection, "SELECT SLEEP(0.05) AS secret_column, 'a secret' FROM tabProbe LIMIT 1")
    found = look("D21", history=history)
    assert found[""].severity == "warning"
    assert "new: " in found[""].evidence[0]
    assert "a secret" not in str(found[""].as_dict())
    history = history_of(found, now)
    assert look("D21", history=history)[""].severity == "ok"
    fetch_all(connection, f"SELECT SLEEP({much_longer_seconds}), 'first'")
    found = look("D21", history=history)
    assert found[""].severity == "warning"
    assert "slower: " in found[""].evidence[0]
    # Later on, it is not run any more.
    assert look("D21", history=history_of(found, now + 60))[""].severity == "ok"


@pytest.mark.check("D28")
def test_a_statement_that_reads_a_whole_table(connection, look):
    assert look("D28")[""].severity == "ok"
    select = "SELECT name FROM tabProbe WHERE customer = '{}' AND territory = 'T1'"
    for number in range(5):
        fetch_all(connection, select.format(f"C{number}"))
    found = look("D28")[SITE]
    assert found.severity == "warning"
    assert f"bench --site {SITE} add-database-index --doctype Probe --column customer" in found.evidence
    assert "C1" not in str(found.as_dict())
    execute(connection, "ALTER TABLE tabProbe ADD INDEX by_customer (customer)")
    (finding,) = look("D28").values()
    assert finding.severity == "ok"


@pytest.mark.check("D22")
def test_joins_without_an_index(connection, look):
    def a_minute_ago():
        counters = dict(
            fetch_all(connection, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Select_full_join', 'Uptime')")
        )
        counters = {"Select_range_check": 0.0, **{name: float(value) for name, value in counters.items()}}
        now = time.time()
        return History(samples={SERVER: Sample(now - 60, now - counters["Uptime"], counters)})

    before = a_minute_ago()
    assert look("D22", history=before)[""].severity == "ok"
    for number in range(15):
        join = (
            f"SELECT COUNT(*) FROM tabProbe a JOIN tabProbe b ON b.territory = a.remarks WHERE a.customer = 'C{number}'"
        )
        fetch_all(connection, join)
    found = look("D22", history=before)[""]
    assert found.severity == "warning", found.text
    assert look("D22", history=a_minute_ago())[""].severity == "ok"


@pytest.mark.check("D36")
def test_nothing_tells_what_is_slow(connection, look):
    assert look("D36")[""].severity == "ok"
    execute(connection, "SET GLOBAL slow_query_log = 0")
    try:
        assert look("D36")[""].severity == "warning"
        assert look("D21")[""].severity == "unknown"
        assert "the slow log is off" in look("D28")[""].text
    finally:
        execute(connection, "SET GLOBAL slow_query_log = 1")
    assert look("D36")[""].severity == "ok"
