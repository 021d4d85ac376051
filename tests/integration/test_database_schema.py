"""``database_schema`` in a real server that counts: sessions, apply, state, run and what they find."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import pace
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema import (
    orphans,
    quarantine,
    run,
    statement_use,
    statements,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.month import watch_end
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.sessions import reading_session
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import StateFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import database_schema

from tests.integration.loading import real_dump, run_script
from tests.lab import MariaDBServer
from tests.modules import run_module
from tests.schema_site import DAY_SECONDS, SITE, SchemaSite, counting

PLAIN = ("tabToDo", "plain")
ROWS = 2000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with MariaDBServer(tmp_path_factory.mktemp("counting"), performance_schema="ON") as server, counting(server):
        yield server


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory, server: MariaDBServer) -> Iterator[SchemaSite]:
    site = SchemaSite(tmp_path_factory.mktemp("site"), server)
    site.run("ALTER TABLE tabToDo ADD INDEX plain (reference_name), ADD INDEX short (status)")
    site.fill(ROWS)
    yield site
    site.close()


@pytest.fixture
def site(whole_site: SchemaSite, tmp_path: Path) -> SchemaSite:
    """The site, with nothing in quarantine and nothing remembered."""
    whole_site.state_path = tmp_path / "state"
    for index in ("plain", "short"):
        if not whole_site.has_index(index):
            column = {"plain": "reference_name", "short": "status"}[index]
            whole_site.run(f"ALTER TABLE tabToDo ADD INDEX {index} ({column})")
        whole_site.run(f"ALTER TABLE tabToDo ALTER INDEX {index} NOT IGNORED")
    for statistics in ("TABLE_STATISTICS", "INDEX_STATISTICS"):
        whole_site.run(f"FLUSH {statistics}")
    return whole_site


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orphans are counted whatever the disk of this host does now."""
    monkeypatch.setattr(pace, "IO_PRESSURE_PERCENT", 101.0)


def module(site: SchemaSite, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"bench_path": str(site.bench.path), "state_path": str(site.state_path), "baseline_hours": 0, **options}
    return run_module(database_schema, check_mode=check_mode, **given)


def asked(index: str = "plain") -> list[dict[str, str]]:
    return [{"table": "tabToDo", "index": index}]


def only(result: dict[str, Any]) -> dict[str, Any]:
    (found,) = result["sites"]
    return dict(found)


def test_schema_as_frappe_makes_it_is_no_news(site: SchemaSite) -> None:
    site.run("ALTER TABLE tabToDo DROP INDEX short, DROP INDEX plain")
    result = module(site)
    found = only(result)
    assert [found[name] for name in ("drift", "orphans", "ghosts", "unfinished", "backup_command")] == [
        [],
        [],
        [],
        {},
        "",
    ]
    assert not any(index["is_candidate"] for index in found["indexes"])
    assert (result["changed"], result["refused"]) == (False, [])
    assert found["database"] == site.database


@pytest.mark.promise(25)
def test_check_mode_shows_and_a_second_run_changes_nothing(site: SchemaSite) -> None:
    planned = module(site, check_mode=True, state="ignored", indexes=asked())
    assert planned["changed"]
    assert planned["diff"]["after"] == {f"{SITE}: tabToDo.plain": "ignored"}
    assert not site.is_ignored("plain")
    assert not site.state_path.exists()
    done = module(site, state="ignored", indexes=asked())
    assert only(done)["actions"][0]["statement"] == "ALTER TABLE `tabToDo` WAIT 5 ALTER INDEX `plain` IGNORED;"
    assert site.is_ignored("plain")
    assert not module(site, state="ignored", indexes=asked())["changed"]
    again = module(site)
    assert (again["changed"], only(again)["quarantine"][0]["index"]) == (False, "plain")
    (record,) = read_records(site.state_path)
    assert (record["module"], record["site"], record["indexes"][0]["index"]) == ("database_schema", SITE, "plain")


def test_index_comes_back_by_itself_when_its_table_is_read_more_than_before(site: SchemaSite) -> None:
    site.look("ignored", PLAIN)
    for number in range(10):
        site.rows("SELECT name FROM tabToDo WHERE reference_name = %s", f"user-{number}")
    result = site.look()
    assert not site.is_ignored("plain")
    (action,) = only(result)["actions"]
    assert action["action"] == "restore"
    assert "rows of tabToDo were read by" in action["reason"]
    assert (only(result)["quarantine"], site.look()["changed"]) == ([], False)
    # Only who names it may try that again.
    assert site.look("ignored", PLAIN)["changed"]


def test_index_comes_back_by_itself_when_a_statement_looks_at_more_rows_than_before(
    site: SchemaSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the whole table are let pass here: what a statement does is seen all the same."""
    monkeypatch.setattr(statement_use, "LEAST_ROWS", ROWS // 2)
    monkeypatch.setattr(quarantine, "WHOLE_READS_PER_DAY", 1000)
    site.run("SET GLOBAL slow_query_log = ON")
    try:
        with closing(connect(site.server.login, site.database)) as user:
            execute(user, "SET SESSION long_query_time = 0")

            def use(number: int) -> None:
                fetch_all(user, "SELECT name FROM tabToDo WHERE reference_name = %s", (f"user-{number}",))

            site.look()
            for number in range(3):
                use(number)
            assert site.look("ignored", PLAIN)["changed"]
            use(4)
            use(5)
            assert not site.look()["changed"], "twice may be somebody who looks for something"
            use(6)
            (action,) = only(site.look())["actions"]
    finally:
        site.run("SET GLOBAL slow_query_log = OFF")
    assert (action["action"], site.is_ignored("plain")) == ("restore", False)
    assert action["reason"] == (
        f"a statement looked at {ROWS:,} rows each time, 3 times; before, it was 1: "
        "select name from tabtodo where reference_name = ?"
    )


def test_index_stays_in_quarantine_while_its_table_is_read_as_before(site: SchemaSite) -> None:
    site.look()
    for number in range(20):
        site.rows("SELECT COUNT(*) FROM tabToDo WHERE priority = %s", str(number))
    site.look("ignored", PLAIN)
    for number in range(20):
        site.rows("SELECT COUNT(*) FROM tabToDo WHERE priority = %s", str(number))
    assert not site.look()["changed"]
    assert site.is_ignored("plain")


def test_what_this_collection_reads_itself_does_not_count(site: SchemaSite) -> None:
    for _run in range(3):
        site.look()
    watch = StateFile(site.state_path, SITE).read().watch
    assert watch is not None
    assert watch.last.rows_read["tabDocType"] > 0
    assert watch.rows_read.get("tabDocType", 0) == 0


def test_index_comes_back_at_the_end_of_its_watch_and_when_it_is_asked_for(site: SchemaSite) -> None:
    site.look("ignored", PLAIN)
    assert site.look("restored")["changed"]
    assert not site.is_ignored("plain")
    assert not site.look("restored")["changed"]
    request = site.request("ignored", PLAIN)
    run.run_schema(request)
    assert site.is_ignored("plain")
    late = watch_end(request.now, 35) + 8 * DAY_SECONDS
    result = site.look(now=late)
    assert only(result)["actions"][0]["reason"] == "its watch has ended and nobody asked to drop it"
    assert not site.is_ignored("plain")


def test_index_is_dropped_after_its_whole_watch_alone(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "refuse_clock_ahead", lambda _now: None)
    request = site.request("ignored", PLAIN)
    run.run_schema(request)
    early = site.look("dropped", PLAIN, now=request.now + 3600)
    assert [each["error_code"] for each in early["refused"]] == ["index_refused"]
    assert site.has_index("plain")
    end = watch_end(request.now, 35)
    assert "drop it with state=dropped until" in only(site.look(now=end))["lines"][0]
    done = site.look("dropped", PLAIN, now=end)
    assert not site.has_index("plain")
    (dropped,) = only(done)["dropped"]
    assert only(done)["quarantine"] == []
    assert not site.look("dropped", PLAIN, now=end)["changed"]
    # The way back is a statement that works.
    site.run(dropped["create_statement"])
    assert site.has_index("plain")


def test_index_comes_back_whatever_becomes_of_the_advice(site: SchemaSite) -> None:
    site.look("ignored", PLAIN)
    site.run("RENAME TABLE tabDocType TO tabLost")
    try:
        done = site.look("restored")
    finally:
        site.run("RENAME TABLE tabLost TO tabDocType")
    assert [each["error_code"] for each in done["refused"]] == ["mariadb_statement_failed"]
    assert (done["changed"], site.is_ignored("plain")) == (True, False)


@pytest.mark.promise(24)
def test_clock_that_is_ahead_drops_nothing(site: SchemaSite) -> None:
    site.look("ignored", PLAIN)
    end = watch_end(site.request().now, 35)
    with pytest.raises(LifeboatError) as caught:
        site.look("dropped", PLAIN, now=end)
    assert caught.value.error_code == "clock_ahead"
    assert site.has_index("plain")


def test_index_that_somebody_else_ignores_is_never_touched(site: SchemaSite) -> None:
    site.run("ALTER TABLE tabToDo ALTER INDEX plain IGNORED")
    found = module(site, state="ignored", indexes=asked())
    assert (found["failed"], found["error_code"]) == (True, "index_refused")
    assert module(site, state="restored", indexes=asked())["failed"]
    assert site.is_ignored("plain")
    assert only(module(site))["ignored_by_others"] == [{"table": "tabToDo", "index": "plain"}]


def test_server_that_counts_nothing_gets_no_index_ignored_and_brings_back_what_is(
    site: SchemaSite,
) -> None:
    site.look("ignored", PLAIN)
    site.run("SET GLOBAL userstat = OFF")
    try:
        result = site.look()
        assert not site.is_ignored("plain")
        assert "SET GLOBAL userstat = ON" in only(result)["usage"]
        assert site.look("ignored", PLAIN)["refused"][0]["error_code"] == "index_refused"
        site.run(f"GRANT SELECT ON performance_schema.* TO `{site.database}`@localhost")
        site.run(f"GRANT SELECT ON performance_schema.* TO `{site.database}`@`127.0.0.1`")
        for summary in ("table", "index_usage"):
            site.run(f"TRUNCATE performance_schema.table_io_waits_summary_by_{summary}")
        assert site.look("ignored", PLAIN)["changed"]
        assert "by performance_schema" in only(site.look())["usage"]
        for number in range(10):
            site.rows("SELECT name FROM tabToDo WHERE reference_name = %s", f"user-{number}")
        assert only(site.look())["actions"][0]["action"] == "restore"
    finally:
        site.run("SET GLOBAL userstat = ON")


@pytest.mark.promise(14)
def test_change_that_has_to_wait_is_given_up(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "WAIT_SECONDS", 0)
    other = connect(site.server.login, site.database, autocommit=False)
    execute(other, "SELECT name FROM tabToDo LIMIT 1")
    refused = site.look("ignored", PLAIN, ("tabUser", "email"))
    assert [each["error_code"] for each in refused["refused"]] == ["index_busy"]
    assert [action["index"] for action in only(refused)["actions"]] == ["email"]
    assert [entry["index"] for entry in only(refused)["quarantine"]] == ["email"]
    other.close()
    site.look("restored")
    assert not site.is_ignored("email", "tabUser")


@pytest.mark.promise(25)
def test_server_that_takes_no_writes_gives_advice_alone(site: SchemaSite) -> None:
    site.run("SET GLOBAL read_only = ON")
    try:
        refused = site.look("ignored", PLAIN)
        advice = site.look()
    finally:
        site.run("SET GLOBAL read_only = OFF")
    assert [each["error_code"] for each in refused["refused"]] == ["server_read_only"]
    assert (refused["changed"], advice["refused"]) == (False, [])
    assert not site.is_ignored("plain")


@pytest.mark.promise(25)
def test_replica_gives_advice_alone(site: SchemaSite) -> None:
    site.run("CHANGE MASTER TO master_host='127.0.0.1', master_port=1, master_user='x'")
    site.run("START SLAVE")
    try:
        (refused,) = site.look("ignored", PLAIN)["refused"]
        advice = site.look()
    finally:
        site.run("STOP SLAVE")
        site.run("RESET SLAVE ALL")
    assert (refused["error_code"], "it is a replica" in refused["reason"]) == ("server_read_only", True)
    assert (advice["refused"], len(advice["sites"])) == ([], 1)
    assert not site.is_ignored("plain")


@pytest.mark.promise(25)
def test_wrong_credentials_of_one_site_do_not_stop_the_others(site: SchemaSite, server: MariaDBServer) -> None:
    other = SchemaSite(site.folder, server, "b.example")
    try:
        other.configure("wrong")
        result = module(site)
        assert [found["site"] for found in result["sites"]] == [SITE]
        assert [(each["site"], each["error_code"]) for each in result["refused"]] == [
            ("b.example", "mariadb_access_denied")
        ]
        assert "wrong" not in str(result["refused"])
        other.configure()
        # An index that another site of the bench uses is needed.
        other.run("ALTER TABLE tabToDo ADD INDEX plain (reference_name)")
        other.fill(100)
        other.rows("SELECT name FROM tabToDo WHERE reference_name = 'user-7'")
        site.look()
        indexes = only(site.look(now=site.request().now + 70 * DAY_SECONDS))["indexes"]
        assert "plain" not in [each["index"] for each in indexes]
        assert "short" in [each["index"] for each in indexes]
    finally:
        other.close()
        other.bench.site("b.example").config_path.unlink()
        other.bench.site("b.example").path.rmdir()


def test_site_that_no_bench_has_is_an_error(site: SchemaSite) -> None:
    failed = module(site, sites=["nowhere.example"])
    assert (failed["failed"], failed["error_code"]) == (True, "bench_not_found")


def test_look_can_change_nothing(site: SchemaSite) -> None:
    with reading_session(site.bench.site(SITE)) as connection:
        assert fetch_all(connection, "SELECT @@max_statement_time, @@lock_wait_timeout") == [(20, 5)]
        with pytest.raises(pymysql.err.OperationalError, match="READ ONLY"):
            execute(connection, "DELETE FROM tabToDo")


def test_drift_is_mended_by_its_statements(site: SchemaSite) -> None:
    text = "DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
    tables = (
        "CREATE TABLE `tabOld` (name varchar(140) NOT NULL PRIMARY KEY, a text) ENGINE=MyISAM " + text,
        "CREATE TABLE `tabCompact` (name varchar(140) NOT NULL PRIMARY KEY) ROW_FORMAT=COMPACT " + text,
        "CREATE TABLE `tabSearched` (name varchar(140) PRIMARY KEY, a text, FULLTEXT KEY a (a)) ROW_FORMAT=COMPACT "
        + text,
        "CREATE TABLE `tabOther` (name varchar(140) NOT NULL PRIMARY KEY, a text) ROW_FORMAT=DYNAMIC"
        " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
        "CREATE TABLE `tabDefault` (name varchar(140) COLLATE utf8mb4_unicode_ci NOT NULL PRIMARY KEY)"
        " ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb3",
        "CREATE TABLE `tabMixed` (name varchar(140) NOT NULL PRIMARY KEY, a json, b varchar(9) CHARACTER SET latin1"
        " NOT NULL DEFAULT 'x)' COMMENT 'a, b', c enum('d(', 'e''') COLLATE utf8mb4_general_ci) ROW_FORMAT=DYNAMIC "
        + text,
        "CREATE TABLE `tabBoth` (name varchar(140) NOT NULL PRIMARY KEY, a json) ROW_FORMAT=DYNAMIC"
        " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
    )
    for statement in tables:
        site.run(statement)
    site.run("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    try:
        drift = only(site.look(sections=("drift",)))["drift"]
        assert [(each["kind"], each["table"], each["column"], each["is_online"]) for each in drift] == [
            ("database_collation", "", "", True),
            ("table_collation", "tabBoth", "", True),
            ("column_collation", "tabBoth", "name", False),
            ("row_format", "tabCompact", "", True),
            ("table_collation", "tabDefault", "", True),
            ("column_collation", "tabMixed", "b", False),
            ("column_collation", "tabMixed", "c", False),
            ("engine", "tabOld", "", False),
            ("table_collation", "tabOther", "", False),
            ("row_format", "tabSearched", "", False),
        ]
        for each in drift:
            site.run(each["statement"])
        assert only(site.look(sections=("drift",)))["drift"] == []
        (definition,) = site.rows("SHOW CREATE TABLE tabMixed")
        assert "`b` varchar(9) NOT NULL DEFAULT 'x)' COMMENT 'a, b'" in definition[1]
        assert "json_valid(`a`)" in definition[1]
    finally:
        site.run("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        for name in ("Old", "Compact", "Searched", "Other", "Default", "Mixed", "Both"):
            site.run(f"DROP TABLE tab{name}")


def test_orphans_and_ghosts_are_a_plan(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "CHUNK_ROWS", 4)
    role = "INSERT INTO `tabHas Role` (name, parent, parenttype) VALUES (%s, %s, %s)"
    site.run("INSERT INTO tabUser (name) VALUES ('here')")
    for number in range(5):
        site.run(role, f"kept-{number}", "here", "User")
        site.run(role, f"orphan-{number}", f"gone-{number}", "User")
    site.run(role, "lost", "x", "Lost Kind")
    site.run(role, "of-nothing", "", "")
    site.run(
        "INSERT INTO `tabDynamic Link` (name, parent, parenttype, link_doctype, link_name)"
        " VALUES ('l', 'here', 'User', 'ToDo', 'todo-gone')"
    )
    site.run("INSERT INTO tabSingles (doctype, field, value) VALUES ('Lost Single', 'a', 'b')")
    site.run("CREATE TABLE `tabLost Kind` (name varchar(140) PRIMARY KEY) ROW_FORMAT=DYNAMIC")
    site.run("CREATE SEQUENCE lost_kind_id_seq")
    site.run("ALTER TABLE tabToDo ADD left_behind int")
    try:
        found = only(site.look(sections=("orphans", "ghosts")))
        assert sorted((each["table"], each["kind"], each["doctype"], each["rows"]) for each in found["orphans"]) == [
            ("tabDynamic Link", "dynamic_link", "ToDo", 1),
            ("tabHas Role", "child", "Lost Kind", 1),
            ("tabHas Role", "child", "User", 5),
            ("tabSingles", "doctype", "Lost Single", 1),
        ]
        assert [(each["kind"], each["name"], each["columns"]) for each in found["ghosts"]] == [
            ("table", "tabLost Kind", []),
            ("sequence", "lost_kind_id_seq", []),
            ("columns", "tabToDo", ["left_behind"]),
        ]
        assert found["backup_command"].startswith("mariadb-dump --single-transaction")
        tables = "lost_kind_id_seq 'tabDynamic Link' 'tabHas Role' 'tabLost Kind' tabSingles tabToDo |"
        assert f" {site.database} {tables}" in found["backup_command"]
        assert site.rows("SELECT COUNT(*) FROM `tabHas Role`") == [(12,)]
        for each in found["orphans"]:
            assert site.run(each["statement"]) == each["rows"]
        assert only(site.look(sections=("orphans",)))["orphans"] == []
        assert site.rows("SELECT COUNT(*) FROM `tabHas Role`") == [(6,)]
    finally:
        site.run("DROP TABLE `tabLost Kind`")
        site.run("DROP SEQUENCE lost_kind_id_seq")
        site.run("ALTER TABLE tabToDo DROP left_behind")
        for table in ("tabHas Role", "tabDynamic Link", "tabUser", "tabSingles"):
            site.run(f"DELETE FROM `{table}`")


def test_lost_rows_of_doctypes_make_nothing_a_ghost(site: SchemaSite) -> None:
    site.run("UPDATE tabDocField SET parent = 'elsewhere' WHERE parent = 'User'")
    try:
        result = site.look(sections=("orphans", "ghosts"))
    finally:
        site.run("UPDATE tabDocField SET parent = 'User' WHERE parent = 'elsewhere'")
    found = only(result)
    assert [found["orphans"], found["ghosts"], found["backup_command"]] == [[], [], ""]
    assert list(found["unfinished"]) == ["tabDocType"]
    assert "lacks rows that every site has" in "".join(result["lines"])


def test_real_site_has_no_drift_and_no_orphans(tmp_path: Path, server: MariaDBServer, real_backups: Path) -> None:
    with gzip.open(real_dump(real_backups), "rt") as dump:
        # The server of another release made it: its first line is for that one's client.
        script = dump.read().partition("\n")[2]
    real = SchemaSite(tmp_path, server)
    try:
        real.run(f"DROP DATABASE `{real.database}`")
        real.run(f"CREATE DATABASE `{real.database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        run_script(server, real.database, script)
        found = only(real.look())
    finally:
        real.close()
    assert [found["drift"], found["orphans"], found["unfinished"]] == [[], [], {}]
    # Those that bench's trim-tables names.
    assert sum(len(ghost["columns"]) for ghost in found["ghosts"]) == 12
    assert not [index["index"] for index in found["indexes"] if index["is_candidate"]]
    assert "parent" in [index["index"] for index in found["indexes"]]


def test_statement_that_takes_too_long_is_given_up_and_said(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "STATEMENT_SECONDS", 1)
    site.run("INSERT INTO `tabHas Role` (name, parent, parenttype) SELECT name, 'here', 'User' FROM tabToDo")
    try:
        with closing(connect(site.server.login, site.database)) as other:
            execute(other, "LOCK TABLES `tabHas Role` WRITE")
            found = only(site.look(sections=("orphans",)))
        assert "longer than" in found["unfinished"]["tabHas Role"]
        assert any("not looked at to the end" in line for line in found["lines"])
        none = only(site.look(sections=("orphans",), timeout_seconds=-1))
        assert "out of time" in none["unfinished"]["tabHas Role"]
    finally:
        site.run("DELETE FROM `tabHas Role`")


def test_candidates_go_together(site: SchemaSite) -> None:
    site.run("ALTER TABLE tabToDo ADD INDEX longer (status, priority)")
    try:
        done = site.look("ignored", candidates=True)
        assert [(each["index"], each["reason"]) for each in only(done)["actions"]] == [
            ("short", "begins longer, which finds all that it finds")
        ]
        # What did its work is gone: it comes back.
        site.run("ALTER TABLE tabToDo ALTER INDEX longer IGNORED")
        (action,) = only(site.look())["actions"]
        assert action["reason"] == "longer, which did its work, is not in use any more"
    finally:
        site.run("ALTER TABLE tabToDo DROP INDEX longer")
