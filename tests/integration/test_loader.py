from __future__ import annotations

import gzip
import io
import random
import threading
import time
from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import loader, loader_pool
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account, drop_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.session import SessionSettings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.stream import open_sql
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.summary import summarise_dump
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.tokenizer import Rows
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_session import LoadSession
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import list_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.integration.loading import FOOTER, HEADER, LIMIT_BYTES, load, load_error, real_dump, rows, staging
from tests.lab import MariaDBServer

TABLE = b"CREATE TABLE `t` (`a` int NOT NULL, `b` varchar(99), PRIMARY KEY (`a`), KEY `b` (`b`)) ENGINE=InnoDB;\n"
SECRET = b"customers own words"


def sql_of(*parts: bytes) -> bytes:
    return HEADER + b"".join(parts) + FOOTER


def inserts(numbers: range) -> bytes:
    return b"".join(b"INSERT INTO `t` VALUES (%d,'text %d');\n" % (number, number % 7) for number in numbers)


def row(text: str, is_plain: bool) -> Rows:
    return Rows(b"`t`", b"", f"(1,'{text}')".encode(), 1, 1, 0, 0, is_plain)


def loads_of_files(server: MariaDBServer) -> int:
    connection = connect(server.login)
    ((_name, count),) = fetch_all(connection, "SHOW GLOBAL STATUS LIKE 'Com_load'")
    connection.close()
    return int(count)


each_way = pytest.mark.parametrize("is_plain", [True, False], ids=["file", "statements"])


def test_the_dump_of_a_real_site_loads(mariadb_server, real_backups):
    path = real_dump(real_backups)
    with path.open("rb") as raw:
        summary = summarise_dump(open_sql(raw, LIMIT_BYTES), deep=True)
    assert (summary.complete, summary.table_count, summary.partial) == (True, 227, False)
    assert summary.header_versions == {"frappe": "15.55.1"}
    with staging(mariadb_server, connections=4) as options, path.open("rb") as raw:
        result = loader.load_dump(open_sql(raw, LIMIT_BYTES), options, ProgressReporter(), lambda: None)
        assert result.rows == summary.rows
        connection = connect(mariadb_server.login)
        assert sorted(list_tables(connection, options.database)) == sorted(summary.table_names)
        connection.close()


@pytest.mark.promise(17)
def test_a_partial_dump_of_a_real_site_is_told(real_backups):
    with next((real_backups / "site2_partial").glob("*.sql.gz")).open("rb") as raw:
        assert summarise_dump(open_sql(raw, LIMIT_BYTES), deep=False).partial


def test_rows_of_one_table_go_over_all_connections(mariadb_server, monkeypatch):
    monkeypatch.setattr(loader, "TRANSACTION_BYTES", 2_000)
    monkeypatch.setattr(loader_pool, "BUFFER_BYTES", 10_000)
    used = set()
    all_have_rows = threading.Barrier(3, timeout=60)
    add_rows = LoadSession.add_rows

    def noted(self, *arguments, **options):
        if self not in used:
            used.add(self)
            all_have_rows.wait()  # nobody takes more of them before
        add_rows(self, *arguments, **options)

    monkeypatch.setattr(LoadSession, "add_rows", noted)
    with staging(mariadb_server, connections=3) as options:
        assert load(options, sql_of(TABLE, inserts(range(2000)))).rows == {"t": 2000}
        assert len(rows(mariadb_server, options.database, "t")) == 2000
    assert len(used) == 3


@pytest.mark.promise(8)
def test_the_account_of_a_load_reaches_its_database_alone(mariadb_server):
    administrator = connect(mariadb_server.login)
    for name in ("_abc", "xabc", "Aabc"):
        execute(administrator, f"CREATE DATABASE `{name}`")
    create_account(administrator, "_abc", ["127.0.0.1", "localhost"], "word", "_abc")
    connection = connect(mariadb_server.login.with_account("_abc", "word"))
    try:
        assert [row[0] for row in fetch_all(connection, "SHOW DATABASES")] == ["_abc", "information_schema"]
    finally:
        connection.close()
        for name in ("_abc", "xabc", "Aabc"):
            execute(administrator, f"DROP DATABASE `{name}`")
        drop_account(administrator, "_abc")
        administrator.close()


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    "statement",
    [
        "USE mysql",
        "CREATE DATABASE `other`",
        "DROP DATABASE `neighbour`",
        "SELECT * FROM `neighbour`.`t`",
        "CREATE VIEW `v` AS SELECT * FROM `neighbour`.`t`",
        "INSERT INTO `neighbour`.`t` VALUES (1)",
        "CREATE USER `x`@`%`",
        "GRANT ALL ON *.* TO CURRENT_USER",
        "SET GLOBAL max_connections = 7",
        "SET SESSION sql_log_bin = 0",
        "INSTALL SONAME 'x'",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE `t`",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
    ],
)
def test_what_the_parser_refuses_the_server_denies_as_well(mariadb_server, statement):
    administrator = connect(mariadb_server.login)
    execute(administrator, "CREATE OR REPLACE DATABASE `neighbour`")
    execute(administrator, "CREATE TABLE `neighbour`.`t` (`a` int)")
    with staging(mariadb_server) as options:
        connection = connect(options.login, options.database)
        execute(connection, "CREATE TABLE `t` (`a` text)")
        with pytest.raises(Exception, match=r"denied|need") as raised:
            execute(connection, statement)
        assert raised.value.args[0] in (1044, 1045, 1142, 1227, 1370)
        connection.close()
    execute(administrator, "DROP DATABASE `neighbour`")
    administrator.close()


@pytest.mark.promise(21)
def test_a_refused_row_is_named_by_its_place_and_never_shown(mariadb_server):
    with staging(mariadb_server) as options:
        error = load_error(options, sql_of(TABLE, b"INSERT INTO `t` VALUES (1,'%b'),\n(1,'%b');\n" % (SECRET, SECRET)))
    assert (error.error_code, error.details) == (
        "mariadb_statement_failed",
        {"table": "t", "line": 6, "server_error": 1062},
    )
    assert SECRET.decode() not in error.message
    assert "t, line 6" in error.message
    assert error.__cause__ is None


def test_an_unknown_collation_is_named_with_its_table(mariadb_server):
    with staging(mariadb_server) as options:
        error = load_error(options, sql_of(b"CREATE TABLE `t` (`a` text) ENGINE=InnoDB COLLATE=utf8mb4_not_yet_ci;\n"))
    assert (error.error_code, error.details["table"]) == ("collation_unknown", "t")


def test_a_row_longer_than_the_server_takes_is_told_before_it_is_sent(mariadb_server):
    with staging(mariadb_server) as options:
        small = replace(options, max_allowed_packet_bytes=1 << 20)
        error = load_error(small, sql_of(TABLE, b"INSERT INTO `t` VALUES (1,'" + b"x" * (1 << 20) + b"');\n"))
    assert (error.error_code, error.details["line"]) == ("statement_too_long", 6)


def test_a_statement_that_the_server_finds_too_long_is_told(mariadb_server):
    with staging(mariadb_server) as options:
        generous = replace(options, max_allowed_packet_bytes=64 << 20)
        table = b"CREATE TABLE `t` (`a` longtext) ENGINE=InnoDB;\n"
        error = load_error(generous, sql_of(table, b"INSERT INTO `t` VALUES ('" + b"x" * (17 << 20) + b"');\n"))
    assert error.error_code in ("statement_too_long", "mariadb_lost")


@pytest.mark.parametrize(
    ("sql", "error_code"),
    [
        (HEADER + TABLE + inserts(range(9)), "artifact_incomplete"),
        (HEADER + TABLE + FOOTER + inserts(range(9)), "artifact_incomplete"),
        (HEADER + TABLE + FOOTER + b"-- more\n", "artifact_incomplete"),
        (HEADER + inserts(range(9)) + FOOTER, "statement_refused"),
        (HEADER + TABLE + b"UNLOCK TABLES;\n" + inserts(range(9)) + FOOTER, "statement_refused"),
        (HEADER + TABLE + b"DROP DATABASE `x`;\n" + FOOTER, "statement_refused"),
    ],
    ids=["no footer", "rows after it", "words after it", "no table", "table ended", "foreign statement"],
)
def test_a_dump_that_is_not_whole_or_not_one_is_refused(mariadb_server, sql, error_code):
    with staging(mariadb_server) as options:
        assert load_error(options, sql).error_code == error_code


@pytest.mark.promise(2)
def test_a_dump_cut_at_any_statement_end_is_refused(mariadb_server):
    whole = sql_of(TABLE, inserts(range(5)), b"UNLOCK TABLES;\n", TABLE.replace(b"`t`", b"`u`"))
    ends = [position + 2 for position in range(len(whole)) if whole.startswith(b";\n", position)]
    assert len(ends) > 8
    for end in ends:
        # A database for each: the server may still be at a statement of a load that was given up.
        with staging(mariadb_server) as options:
            assert load_error(options, whole[:end]).error_code == "artifact_incomplete"
    with staging(mariadb_server) as options:
        assert load(options, whole).rows == {"t": 5, "u": 0}


def test_rows_that_vanish_on_the_way_are_missed(mariadb_server, monkeypatch):
    add_rows = LoadSession.add_rows

    def lose_the_last(self, batches, *place, **options):
        add_rows(self, batches[:-1], *place, **options)

    monkeypatch.setattr(LoadSession, "add_rows", lose_the_last)
    with staging(mariadb_server) as options:
        error = load_error(options, sql_of(TABLE, inserts(range(9))))
    assert (error.error_code, error.details["rows_in_dump"], error.details["rows"]) == ("proof_failed", 9, 8)


def test_plain_rows_go_out_as_a_file_and_others_as_statements(mariadb_server):
    rows_of = {b"(1,'a'),\n(2,NULL)": 1, b"(1,'a'), (2,NULL)": 0, b"(1,'\\%'),\n(2,NULL)": 0, b"(0x01,'a')": 0}
    for text, files in rows_of.items():
        before = loads_of_files(mariadb_server)
        with staging(mariadb_server) as options:
            load(options, sql_of(TABLE, b"INSERT INTO `t` VALUES\n", text, b";\n"))
        assert loads_of_files(mariadb_server) - before == files, text


@pytest.mark.promise(5)
def test_a_file_holds_what_the_statements_held(mariadb_server):
    texts = [r"\', \'", r"),\n(", r"\\", r"\0\Z\r\n\t\b", r"\"", r"\'),", "NULL", "", r"\\N", "é漢😀", "''"]
    lines = ",\n".join(f"({number},'{text}')" for number, text in enumerate(texts))
    found = []
    for separator in (",\n", ", "):
        with staging(mariadb_server) as options:
            load(options, sql_of(TABLE, f"INSERT INTO `t` VALUES\n{lines.replace(chr(10), separator[1:])};\n".encode()))
            found.append(rows(mariadb_server, options.database, "t"))
    assert found[0] == found[1]
    assert len(found[0]) == len(texts)


def test_a_server_that_reads_no_files_gets_statements(tmp_path):
    with MariaDBServer(tmp_path / "server", local_infile="OFF") as server, staging(server) as options:
        assert load(options, sql_of(TABLE, inserts(range(9)))).rows == {"t": 9}
        assert loads_of_files(server) == 0


def test_what_a_file_would_only_warn_of_is_refused(mariadb_server):
    strict = b"SET SQL_MODE='STRICT_ALL_TABLES';\n"
    with staging(mariadb_server) as options:
        error = load_error(options, sql_of(strict, TABLE, b"INSERT INTO `t` VALUES\n(1,'a'),\n(1,'b');\n"))
    assert (error.error_code, error.details["server_error"]) == ("mariadb_statement_failed", 1062)


def test_rows_of_an_engine_that_cannot_undo_go_out_as_statements(mariadb_server):
    before = loads_of_files(mariadb_server)
    with staging(mariadb_server) as options:
        load(options, sql_of(TABLE.replace(b"InnoDB", b"MyISAM"), inserts(range(9))))
    assert loads_of_files(mariadb_server) == before


def test_a_server_gets_no_file_of_this_host(mariadb_server):
    with staging(mariadb_server) as options:
        session = LoadSession(options.login, options.database, SessionSettings(), is_logged=True)
        session.define(TABLE.rstrip(b";\n"), "t", 1)
        with pytest.raises(RuntimeError, match="local_infile"):
            session.define(b"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE `t`", "t", 1)
        session.break_off()


@each_way
def test_a_lock_that_somebody_holds_is_waited_for(mariadb_server, monkeypatch, is_plain):
    with staging(mariadb_server) as options:
        administrator = connect(mariadb_server.login, options.database)
        execute(administrator, TABLE.decode())
        execute(administrator, "BEGIN")
        execute(administrator, "INSERT INTO `t` VALUES (1, 'held')")
        session = LoadSession(options.login, options.database, SessionSettings(), is_logged=True)
        execute(session._connection, "SET SESSION innodb_lock_wait_timeout = 0")
        undo = session._connection.rollback
        undone = []

        def undo_and_release() -> None:
            undo()
            undone.append(True)
            if len(undone) == 2:
                administrator.rollback()

        monkeypatch.setattr(session._connection, "rollback", undo_and_release)
        session.add_rows([row("ours", is_plain=is_plain)], "t", 1, can_be_undone=True)
        assert len(undone) == 2
        session.close()
        administrator.close()
        assert rows(mariadb_server, options.database, "t") == [(1, "ours")]


@each_way
def test_a_deadlock_that_never_ends_is_given_up(mariadb_server, is_plain):
    with staging(mariadb_server) as options:
        administrator = connect(mariadb_server.login, options.database)
        execute(administrator, TABLE.decode())
        execute(administrator, "BEGIN")
        execute(administrator, "INSERT INTO `t` VALUES (1, 'held')")
        session = LoadSession(options.login, options.database, SessionSettings(), is_logged=True)
        execute(session._connection, "SET SESSION innodb_lock_wait_timeout = 0")
        with pytest.raises(LifeboatError) as raised:
            session.add_rows([row("ours", is_plain=is_plain)], "t", 3, can_be_undone=True)
        assert raised.value.details["server_error"] == 1205
        session.close()
        administrator.close()


def test_a_watch_ends_the_load_at_once(mariadb_server):
    disk_space = LifeboatError("no room", "disk_space")
    with staging(mariadb_server) as options:

        class Endless:
            first = sql_of(TABLE)[: -len(FOOTER)]

            def read(self, _size: int) -> bytes:
                time.sleep(0.01)
                text, self.first = self.first or b"-- waiting\n", b""
                return text

        stream = open_sql(Endless(), LIMIT_BYTES)
        started = time.monotonic()
        with pytest.raises(LifeboatError) as raised:
            loader.load_dump(
                stream, options, ProgressReporter(), lambda: disk_space if time.monotonic() - started > 1 else None
            )
    assert raised.value is disk_space


@pytest.mark.promise(3)
@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_byte_is_refused_or_loads_the_same(mariadb_server, seed):
    numbers = random.Random(seed)
    whole = gzip.compress(HEADER) + gzip.compress(sql_of(TABLE, inserts(range(50))), mtime=0)
    damaged = bytearray(whole)
    damaged[numbers.randrange(len(damaged))] ^= 1 << numbers.randrange(8)
    with staging(mariadb_server) as options:
        try:
            loader.load_dump(
                open_sql(io.BytesIO(bytes(damaged)), LIMIT_BYTES), options, ProgressReporter(), lambda: None
            )
        except LifeboatError:
            return
        assert [row[0] for row in rows(mariadb_server, options.database, "t")] == list(range(50))
