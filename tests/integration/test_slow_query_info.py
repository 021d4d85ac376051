"""The module slow_query_info on a real server, its slow query log and its performance_schema."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import slow_query_info

from tests.lab import MariaDBServer
from tests.modules import run_module

SITE = "alpha.localhost"
SECRET = "a customer's name"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a slow query log and performance_schema."""
    folder = tmp_path_factory.mktemp("slow-server")
    with MariaDBServer(
        folder, slow_query_log=1, long_query_time=10, performance_schema=1, log_slow_verbosity="query_plan"
    ) as server:
        with closing(connect(server.login)) as connection:
            execute(
                connection,
                "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES'"
                " WHERE NAME IN ('events_statements_current', 'events_statements_history', 'statements_digest')",
            )
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def bench_path(tmp_path):
    """A bench with one site, whose database is the schema ``_slow``."""
    path = tmp_path / "frappe-bench"
    (path / "sites" / SITE).mkdir(parents=True)
    (path / "sites" / "broken.localhost").mkdir()
    (path / "sites" / "common_site_config.json").write_text("{}")
    (path / "sites" / SITE / "site_config.json").write_text(json.dumps({"db_name": "_slow", "db_password": "x"}))
    (path / "sites" / "broken.localhost" / "site_config.json").write_text("{")
    return path


@pytest.fixture
def site(server):
    """A connection in the site's database, whose statements all count as slow; the log begins anew."""
    (log,) = server.data_path.glob("*-slow.log")
    log.write_text("")
    with closing(connect(server.login)) as connection:
        execute(connection, "TRUNCATE performance_schema.events_statements_summary_by_digest")
        execute(connection, "DROP DATABASE IF EXISTS _slow")
        execute(connection, "CREATE DATABASE _slow CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        connection.select_db("_slow")
        execute(
            connection,
            "CREATE TABLE `tabSales Invoice` (name varchar(140) PRIMARY KEY, customer varchar(140),"
            " territory varchar(140), remarks text)",
        )
        execute(
            connection,
            "INSERT INTO `tabSales Invoice` SELECT CONCAT('S-', seq), CONCAT('C', seq % 500), CONCAT('T', seq % 2), 'x'"
            " FROM seq_1_to_5000",
        )
        fetch_all(connection, "ANALYZE TABLE `tabSales Invoice`")
        execute(connection, "SET SESSION long_query_time = 0")
        yield connection


@pytest.fixture
def digest(server, bench_path, tmp_path):
    """Run the module, which must not fail."""

    def run(**options):
        result = run_module(
            slow_query_info,
            config_file=str(server.option_file),
            bench_path=str(bench_path),
            state_path=str(tmp_path / "state"),
            **options,
        )
        assert not result["failed"], result
        assert result["changed"] is False
        assert SECRET not in json.dumps(result)
        return result

    return run


def scan(connection, count=3):
    for number in range(count):
        fetch_all(
            connection,
            "SELECT name FROM `tabSales Invoice` si"
            " WHERE si.customer = %s AND si.territory = 'T1' AND si.remarks <> %s",
            (f"C{number}", SECRET),
        )


def test_digest_of_the_log(site, digest):
    scan(site)
    fetch_all(site, "SELECT SLEEP(0.05)")
    execute(site, "UPDATE `tabSales Invoice` SET remarks = %s WHERE name = 'S-1'", (SECRET,))
    fetch_all(site, "SELECT name FROM `tabSales Invoice` WHERE name = 'S-1' FOR UPDATE")
    result = digest(limit=20)
    assert result["source"] == "slow_log"
    assert result["path"].endswith("-slow.log")
    assert (result["is_cut"], result["compared_with_seconds"]) == (False, None)
    found = {query["sample"]: query for query in result["queries"]}
    slept = found["select sleep(?)"]
    assert (slept["site"], slept["schema"], slept["calls"]) == (SITE, "_slow", 1)
    assert result["queries"] == sorted(result["queries"], key=lambda query: -query["total_seconds"])
    assert [query["rank"] for query in result["queries"]] == list(range(1, len(result["queries"]) + 1))
    assert slept["p95_seconds"] >= 0.05
    assert slept["is_new"] is None
    sample = "select name from `tabSales Invoice` si where si.customer = ? and si.territory = ? and si.remarks <> ?"
    scanned = found[sample]
    assert (scanned["calls"], scanned["full_scans"], scanned["not_explained"]) == (3, 3, "")
    assert scanned["rows_examined_per_sent"] >= 500
    assert scanned["smells"][0].startswith("reads the whole table si, about")
    (advice,) = scanned["advice"]
    assert advice["command"] == (f"bench --site {SITE} add-database-index --doctype 'Sales Invoice' --column customer")
    assert 0 < advice["fetched_percent"] < 1
    assert any(query["not_explained"] == "it is no plain SELECT" for query in result["queries"])
    assert digest(sites=["other.localhost"])["queries"] == []
    assert digest(limit=1)["fingerprint_count"] == result["fingerprint_count"]
    assert digest(explain=False, limit=1)["queries"][0]["smells"] == []
    assert digest(limit_bytes=600)["is_cut"] is True


def test_no_advice_once_the_index_is_there(site, digest):
    execute(site, "ALTER TABLE `tabSales Invoice` ADD INDEX customer (customer)")
    scan(site, 1)
    queries = digest(limit=20)["queries"]
    assert [query["advice"] for query in queries if "where si.customer" in query["sample"]] == [[]]


def test_what_is_new_and_worse_since_the_last_digest(site, digest, tmp_path):
    started = time.monotonic()
    fetch_all(site, "SELECT SLEEP(0.02)")
    much_longer_seconds = 5 * (time.monotonic() - started)
    digest(keep_history=True, check_mode=True)
    assert not (tmp_path / "state").exists()
    digest(keep_history=True)
    fetch_all(site, f"SELECT SLEEP({much_longer_seconds})")
    fetch_all(site, "SELECT 1, SLEEP(0.02)")
    result = digest(since="last", keep_history=True)
    found = {query["sample"]: query for query in result["queries"]}
    assert result["compared_with_seconds"] > 0
    assert (found["select sleep(?)"]["calls"], found["select sleep(?)"]["is_worse"]) == (1, True)
    assert found["select sleep(?)"]["is_new"] is False
    assert found["select ?, sleep(?)"]["is_new"] is True
    assert digest(since="last")["queries"] == []
    with (tmp_path / "state" / "slow_queries.jsonl").open() as stream:
        assert SECRET not in stream.read()


def test_a_history_that_cannot_be_read_is_none(site, digest, tmp_path):
    fetch_all(site, "SELECT 1")
    (tmp_path / "state" / "slow_queries.jsonl").mkdir(parents=True)
    assert digest(limit=1)["compared_with_seconds"] is None


def test_the_digest_of_the_server(site, digest):
    scan(site)
    result = digest(source="performance_schema", limit=50)
    assert (result["source"], result["path"]) == ("performance_schema", "")
    (scanned,) = [query for query in result["queries"] if "where" in query["sample"] and "remarks" in query["sample"]]
    assert (scanned["calls"], scanned["p95_seconds"], scanned["site"]) == (3, None, SITE)
    assert [advice["column"] for advice in scanned["advice"]] == ["customer"]
    digest(source="performance_schema", keep_history=True)
    assert all(query["is_new"] is not None for query in digest(source="performance_schema", since="last")["queries"])


def test_a_log_that_is_elsewhere(digest, tmp_path):
    log = tmp_path / "copied.log"
    log.write_text(
        "# User@Host: a[a] @ b []\n# Thread_id: 1  Schema: _gone  QC_hit: No\n"
        "# Query_time: 2.0  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 9\nSET timestamp=1795273503;\n"
        "SELECT a FROM t WHERE b = 1;\n"
    )
    (query,) = digest(path=str(log))["queries"]
    assert (query["site"], query["max_seconds"], query["advice"]) == ("", 2.0, [])
    assert "Cannot reach MariaDB" in query["not_explained"]


def test_where_nothing_can_be_read(server, site, digest, bench_path, tmp_path):
    def refusal(**options):
        result = run_module(slow_query_info, config_file=str(server.option_file), bench_path=str(bench_path), **options)
        assert result["failed"]
        return result["error_code"], result["msg"]

    code, message = refusal(source="slow_log", path=str(tmp_path / "none.log"))
    assert (code, "cannot be read" in message) == ("slow_queries_unreadable", True)
    execute(site, "SET GLOBAL slow_query_log = 0")
    try:
        assert "the slow log is off" in refusal(source="slow_log")[1]
        assert digest(source="auto")["source"] == "performance_schema"
    finally:
        execute(site, "SET GLOBAL slow_query_log = 1")
    execute(site, "SET GLOBAL log_output = 'TABLE'")
    try:
        assert "goes into a table" in refusal(source="slow_log")[1]
    finally:
        execute(site, "SET GLOBAL log_output = 'FILE'")
    assert refusal(login_port=1, login_host="127.0.0.1")[0] == "mariadb_unreachable"
