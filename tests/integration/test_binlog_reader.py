"""The native reader beside mariadb-binlog, on logs that real servers wrote."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import (
    open_transactions,
    read_transactions,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.row_images import read_row_changes
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute

# Each type that Frappe uses, and what else MariaDB 10.11 has, at sizes around which the form in the log changes.
COLUMNS = """
    name varchar(140) NOT NULL PRIMARY KEY, creation datetime(6), modified datetime(6), owner varchar(140),
    docstatus tinyint NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0,
    b1 bit(1), b9 bit(9), b64 bit(64), si smallint, mi mediumint, i int unsigned, bi bigint, f float, d double,
    de decimal(21,9), de2 decimal(65,30), de3 decimal(3,0), y year, da date, t0 time, t6 time(6), t3 time(3),
    dt0 datetime, dt1 datetime(1), ts0 timestamp NULL, ts6 timestamp(6) NULL, ts5 timestamp(5) NULL,
    c10 char(10), c255 char(255), cb char(255) CHARACTER SET latin1, bin16 binary(16), vb varbinary(10),
    vb300 varbinary(300), vc10 varchar(10), vc60 varchar(60), vc64 varchar(64),
    tt tinytext, tx text, mt mediumtext, lt longtext, tb tinyblob, bl blob, mb mediumblob, lb longblob,
    e enum('a','b'), st set('a','b','c'), st9 set('1','2','3','4','5','6','7','8','9'), j json,
    ip4 inet4, ip6 inet6, u uuid, g geometry, p point,
    vcc varchar(200) COMPRESSED, txc longtext COMPRESSED, blc blob COMPRESSED,
    gv int AS (idx + 1) VIRTUAL, gs int AS (idx + 2) STORED, inv int INVISIBLE DEFAULT 3
"""
VALUES = """
    CONCAT('r', seq), NOW(6), NOW(6), REPEAT('é', seq MOD 100), 1, seq, 1, 257, 99999999, -2, -3, 4, -5, 1.5, 2.5,
    -123456.789, 1234.5678, 999, 2020, '2020-01-01', '-12:00:01', '12:00:01.123456', '01:02:03.5',
    '2020-01-01 10:00:00', '2020-01-01 10:00:00.5', NOW(), NOW(6), NOW(5), 'c', REPEAT('ü', seq MOD 255),
    REPEAT('x', seq MOD 255), 'bin', REPEAT('v', seq MOD 10), REPEAT('w', seq MOD 300), 'vc', REPEAT('z', seq MOD 60),
    REPEAT('z', seq MOD 64), REPEAT('t', 255), REPEAT('u', seq * 3), REPEAT('m', seq * 9), REPEAT('l', seq * 30),
    REPEAT('t', seq MOD 255), REPEAT('u', seq * 3), REPEAT('m', seq * 9), REPEAT('l', seq * 30), 'a', 'a,c', '1,9',
    '{"a":1}', '1.2.3.4', '::1', UUID(), ST_GeomFromText('LINESTRING(0 0,1 1,2 2)'), POINT(1, 2),
    REPEAT('c', seq MOD 200), REPEAT('compressed', seq), REPEAT('bc', seq)
"""
WRITTEN = COLUMNS.split("gv int", maxsplit=1)[0]
NAMES = ", ".join(part.split()[0] for part in re.split(r",\s(?![^(]*\))", WRITTEN.strip().rstrip(",")))
ALL_TYPES = [
    f"CREATE TABLE `tabAll` ({COLUMNS})",
    "INSERT INTO tabAll (name, docstatus) VALUES ('n1', 1), ('n2', 1)",
    f"INSERT INTO tabAll ({NAMES}) SELECT {VALUES} FROM seq_1_to_120",
    "UPDATE tabAll SET docstatus = 2, tx = NULL WHERE name LIKE 'r1%'",
    "DELETE FROM tabAll WHERE name LIKE 'r2%' OR name = 'n1'",
]
OTHER_WAYS = [
    "CREATE TABLE __global_search (doctype varchar(100), name varchar(140), content text) ENGINE=MyISAM",
    "INSERT INTO __global_search VALUES ('a', 'b', 'c'), ('d', 'e', NULL)",
    "BEGIN",
    "INSERT INTO tabAll (name) VALUES ('b1')",
    "INSERT INTO __global_search VALUES ('q', 'r', 's')",
    "SAVEPOINT sp",
    "DELETE FROM tabAll WHERE name = 'b1'",
    "ROLLBACK TO sp",
    "COMMIT",
    "CREATE SEQUENCE web_form_seq",
    "SELECT NEXTVAL(web_form_seq)",
    "CREATE TABLE copied AS SELECT name, docstatus FROM tabAll",
    "ALTER TABLE copied ADD COLUMN later varchar(10), ADD COLUMN more int FIRST",
    "INSERT INTO copied (name, docstatus) VALUES ('x', 1)",
    "TRUNCATE TABLE copied",
    "XA START 'x1'",
    "INSERT INTO copied (name, docstatus) VALUES ('y', 1)",
    "XA END 'x1'",
    "XA PREPARE 'x1'",
    "XA COMMIT 'x1'",
    "SET gtid_domain_id = 3",
    "INSERT INTO copied (name, docstatus) VALUES ('z', 1)",
    "SET gtid_domain_id = 0",
    "DROP TABLE copied",
]


@pytest.fixture
def site(row_log_server):
    """A connection in an empty database; the logs begin anew."""
    with closing(connect(row_log_server.login)) as connection:
        execute(connection, "DROP DATABASE IF EXISTS s1")
        execute(connection, "RESET MASTER")
        execute(connection, "CREATE DATABASE s1")
        connection.select_db("s1")
        yield connection


def run(connection, statements):
    for statement in statements:
        execute(connection, statement)


def as_mariadb_binlog_says(path: Path):
    """Return what the server's own tool decodes: GTIDs in order, rows by operation and table."""
    output = subprocess.run(
        ["mariadb-binlog", "-v", "--base64-output=decode-rows", str(path)],
        capture_output=True,
        check=True,
    ).stdout.decode(errors="replace")
    gtids = re.findall(r"GTID (\d+-\d+-\d+)", output)
    rows = Counter(re.findall(r"^### (INSERT|UPDATE|DELETE)(?: INTO| FROM)? `(\w+)`\.`(\w+)`$", output, re.M))
    return gtids, rows


def as_we_say(transactions):
    rows: Counter = Counter()
    for transaction in transactions:
        for table in transaction.tables:
            assert table.is_exact
            for word, count in (("INSERT", table.inserted), ("UPDATE", table.updated), ("DELETE", table.deleted)):
                if count:
                    rows[word, table.database, table.table] += count
    return [str(transaction.gtid) for transaction in transactions], rows


@pytest.mark.parametrize(
    "settings",
    [
        ["SET GLOBAL binlog_checksum = 'CRC32'"],
        ["SET GLOBAL binlog_checksum = 'NONE'"],
        ["SET GLOBAL log_bin_compress = 1", "SET GLOBAL log_bin_compress_min_len = 10"],
        ["SET SESSION binlog_row_image = 'MINIMAL'"],
        ["SET SESSION binlog_row_image = 'NOBLOB'"],
    ],
    ids=["checksums", "no checksums", "compressed", "minimal", "noblob"],
)
def test_every_type_of_column_and_way_to_commit(site, settings):
    run(site, [*settings, *ALL_TYPES, *OTHER_WAYS])
    run(site, ["SET GLOBAL binlog_checksum = 'CRC32'", "SET GLOBAL log_bin_compress = 0"])
    # Changing binlog_checksum begins a new file: the one that holds the rows is the largest.
    log = max(read_live_binlogs(site).log_files(), key=lambda log: log.size_bytes)
    transactions = list(read_transactions([log]))
    assert as_we_say(transactions) == as_mariadb_binlog_says(log.path)
    gtids, rows = as_we_say(transactions)
    assert rows["INSERT", "s1", "tabAll"] == 123
    assert gtids[-1] == "0-1-19"
    images = Counter(change.operation for change in read_row_changes(log, 0, log.size_bytes))
    assert sum(images.values()) == sum(rows.values())
    has_full_images = all(transaction.has_full_images for transaction in transactions)
    assert has_full_images == ("row_image" not in settings[0])


def test_statements_are_told_from_rows(site):
    run(site, ["CREATE TABLE t (a int)", "SET SESSION binlog_format = 'STATEMENT'"])
    run(
        site,
        [
            "INSERT INTO t VALUES (1)",
            "CREATE TABLE u AS SELECT * FROM t",
            "SET STATEMENT lock_wait_timeout=9 FOR UPDATE t SET a = 2",
        ],
    )
    run(site, ["SET SESSION binlog_format = 'ROW'", "INSERT INTO t VALUES (RAND())", "DROP TABLE u"])
    found = [
        ([statement.kind for statement in transaction.statements], transaction.has_row_statements)
        for transaction in read_transactions(read_live_binlogs(site).log_files())
    ][1:]
    assert found == [
        (["CREATE TABLE"], False),
        (["INSERT"], True),
        (["CREATE TABLE"], True),
        (["UPDATE"], True),
        ([], False),
        (["DROP TABLE"], False),
    ]


def test_a_server_that_crashes_and_goes_on(row_log_server, site):
    run(site, ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)"])
    row_log_server.kill()
    row_log_server.start()
    with closing(connect(row_log_server.login, "s1")) as connection:
        run(connection, ["INSERT INTO t VALUES (2)"])
        logs = read_live_binlogs(connection).log_files()
        with open_transactions(logs[0]) as (transactions, reader):
            assert len(list(transactions)) == 3
            assert (reader.ending, reader.format.is_in_use) == (events.OPEN, True)
        assert [transaction.rows for transaction in read_transactions(logs)] == [0, 0, 1, 1]
