"""What statements do, told from their text."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.statements import (
    read_statement,
    transaction_control,
)

CHANGES_ROWS = [
    ("INSERT INTO t VALUES (1)", "INSERT"),
    ("  /* a tool */ update t set a = 'DROP TABLE x'", "UPDATE"),
    ("/*!50003 REPLACE */ INTO t VALUES (1)", "REPLACE"),
    ("SET STATEMENT max_statement_time=3 FOR DELETE FROM t", "DELETE"),
    ("WITH x AS (SELECT 1) DELETE FROM t", "WITH"),
    ("LOAD DATA INFILE 'x' INTO TABLE t", "LOAD"),
    ("CREATE TABLE a AS SELECT * FROM b", "CREATE TABLE"),
    ("CREATE OR REPLACE TEMPORARY TABLE a (x int) select 1", "CREATE TABLE"),
    ("SELECT `f`(1)", "SELECT"),
]
CHANGES_A_SCHEMA = [
    ("CREATE TABLE `select` (`select` int, note text DEFAULT 'select')", "CREATE TABLE"),
    (
        "create or replace algorithm=merge definer=`root`@`localhost` sql security definer view v as select 1",
        "CREATE VIEW",
    ),
    ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX"),
    ("CREATE DEFINER=root@localhost TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", "CREATE TRIGGER"),
    ("ALTER ONLINE IGNORE TABLE t ADD a int", "ALTER TABLE"),
    ("DROP DATABASE IF EXISTS _abc", "DROP DATABASE"),
    ("TRUNCATE TABLE t", "TRUNCATE TABLE"),
    ("TRUNCATE", "TRUNCATE"),
    ("GRANT ALL ON `a`.* TO b", "GRANT"),
    ("FLUSH PRIVILEGES", "FLUSH"),
    ("(SELECT 1)", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "kind"), CHANGES_ROWS)
def test_a_statement_that_changes_rows_keeps_no_text(text, kind):
    statement = read_statement(text, "s1")
    assert (statement.kind, statement.changes_rows, statement.text) == (kind, True, "")


@pytest.mark.parametrize(("text", "kind"), CHANGES_A_SCHEMA)
def test_a_statement_that_changes_a_schema(text, kind):
    statement = read_statement(text, "s1")
    assert (statement.kind, statement.changes_rows, statement.text) == (kind, False, text)
    assert "text" not in repr(statement)


@pytest.mark.parametrize(
    ("text", "database", "databases"),
    [
        ("ALTER TABLE t ADD a int", "s1", {"s1"}),
        ("ALTER TABLE t ADD a int", "", set()),
        ("ALTER TABLE `s``2`.t ADD a int", "s1", {"s1", "s`2"}),
        ("RENAME TABLE s2.a TO s3 . b", "", {"s2", "s3"}),
        ("GRANT ALL ON `s2`.* TO b", "", {"s2"}),
        ("DROP DATABASE IF EXISTS `s2`", "s1", {"s2"}),
        ("create or replace schema if not exists s2", "s1", {"s2"}),
        ("ALTER TABLE t COMMENT 'see s2.b', ADD f float DEFAULT 1.5", "s1", {"s1"}),
        ("/*M!100100 DROP TABLE s2.t */", "s1", {"s1", "s2"}),
    ],
)
def test_the_databases_that_a_statement_may_concern(text, database, databases):
    assert read_statement(text, database).databases == databases


def test_names_are_those_outside_of_values():
    names = read_statement("DROP TABLE `tabSales Invoice`, tabItem /* tabNote */", "s1").names
    assert {"tabSales Invoice", "tabItem"} <= names
    assert "tabNote" not in names
    assert "tabNote" not in read_statement("ALTER TABLE t COMMENT 'tabNote'", "s1").names


def test_the_rows_of_a_long_statement_are_not_looked_at():
    text = "INSERT INTO s2.t VALUES " + ",".join(f"({number}, s3.x)" for number in range(5000))
    statement = read_statement(text, "s1")
    assert (statement.kind, statement.changes_rows) == ("INSERT", True)
    assert {"s1", "s2"} <= statement.databases


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("COMMIT", "COMMIT"),
        ("ROLLBACK", "ROLLBACK"),
        ("ROLLBACK TO `sp`", "ROLLBACK TO"),
        ("SAVEPOINT `commit`", "SAVEPOINT"),
        ("BEGIN", "BEGIN"),
        ("XA END X'31',X'',1", "XA END"),
        ("XA COMMIT X'31',X'',1", "XA COMMIT"),
        ("XA ROLLBACK X'31',X'',1", "XA ROLLBACK"),
        ("COMMITMENT", ""),
        ("DROP TABLE t", ""),
        ("# only a comment", ""),
        ("", ""),
    ],
)
def test_what_a_statement_does_to_its_transaction(text, control):
    assert transaction_control(text) == control
