"""Finding a transaction by what it changed, when and how much."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_finder import (
    SHOWN_TABLES,
    Criteria,
    describe_transaction,
    find_transactions,
    why_not_undone,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events

from tests.binlog_files import BEGAN_SECONDS, DELETE, PREPARED_XA, UPDATE, WRITE, LogBuilder, row, rows_body

INVOICE = "tabSales Invoice"


@pytest.fixture
def logs(tmp_path):
    """A morning: a deletion of 400 invoices among what else there was."""
    log = LogBuilder().at(BEGAN_SECONDS + 10).change("0-1-1", INVOICE, WRITE, 3)
    log.at(BEGAN_SECONDS + 20).change("0-1-2", "tabItem", UPDATE, 500)
    log.at(BEGAN_SECONDS + 30).change("0-1-3", INVOICE, DELETE, 400)
    log.at(BEGAN_SECONDS + 40).ddl("0-1-4", "ALTER TABLE `tabItem` ADD x int")
    log.at(BEGAN_SECONDS + 50).change("0-1-5", INVOICE, UPDATE, 20)
    log.gtid("0-1-6").table_map(INVOICE, "s2").rows(DELETE, row(1, "x") * 7).event(events.XID, bytes(8))
    log.ddl("0-1-7", "DROP DATABASE s1", "s2").gtid("0-1-8").event(events.XID, bytes(8))
    return [log.save(tmp_path)]


def found(logs, **criteria):
    return [str(transaction.gtid) for transaction, _rows in find_transactions(logs, Criteria(**criteria)).transactions]


def test_who_deleted_400_invoices(logs):
    criteria = Criteria(
        databases=frozenset({"s1"}),
        tables=frozenset({"Sales Invoice"}),
        operations=frozenset({"delete"}),
        minimal_rows=400,
    )
    result = find_transactions(logs, criteria)
    ((transaction, rows),) = result.transactions
    assert (str(transaction.gtid), rows, result.matching, result.read) == ("0-1-3", 400, 1, 8)


@pytest.mark.parametrize(
    ("criteria", "gtids"),
    [
        ({}, "7654321"),
        ({"order": "oldest"}, "1234567"),
        ({"order": "largest"}, "2356174"),
        ({"limit": 2}, "76"),
        ({"limit": 2, "order": "oldest"}, "12"),
        ({"limit": 2, "order": "largest"}, "23"),
        ({"limit": 0}, ""),
        ({"databases": {"s2"}}, "6"),
        ({"databases": {"s1"}}, "754321"),
        ({"tables": {INVOICE}}, "76531"),
        ({"tables": {"Item"}}, "742"),
        ({"tables": {"tabItem"}, "operations": {"schema"}}, "74"),
        ({"operations": {"insert"}}, "1"),
        ({"operations": {"insert", "update"}}, "521"),
        ({"minimal_rows": 20}, "75432"),
        ({"minimal_rows": 20, "operations": {"update", "delete"}}, "532"),
        ({"since_seconds": BEGAN_SECONDS + 40}, "7654"),
        ({"until_seconds": BEGAN_SECONDS + 20}, "21"),
        ({"since_seconds": BEGAN_SECONDS + 20, "until_seconds": BEGAN_SECONDS + 30}, "32"),
    ],
)
def test_each_criterion(logs, criteria, gtids):
    sets = {name: frozenset(value) if isinstance(value, set) else value for name, value in criteria.items()}
    assert found(logs, **sets) == [f"0-1-{number}" for number in gtids]


def test_how_many_there_were_beyond_the_limit(logs):
    result = find_transactions(logs, Criteria(limit=1))
    assert (len(result.transactions), result.matching, result.read) == (1, 7, 8)


def describe(log, site="erp.example.com"):
    (transaction,) = log.transactions()
    return describe_transaction(transaction, 1, site)


def test_what_a_person_is_told(logs):
    ((transaction, rows),) = find_transactions(logs, Criteria(limit=1, until_seconds=BEGAN_SECONDS + 30)).transactions
    told = describe_transaction(transaction, rows, "erp.example.com")
    assert told["committed_at"] == "2026-11-21T03:00:30Z"
    assert told["tables"] == [
        {"database": "s1", "table": INVOICE, "inserted": 0, "updated": 0, "deleted": 400, "exact": True}
    ]
    assert (told["rows"], told["matching_rows"], told["table_count"]) == (400, 400, 1)
    assert told["originals"] == [f"delete from `{INVOICE}` where name = ?"]
    assert told["recover"] == "-e site=erp.example.com -e recover_to=before:0-1-3"
    assert (told["undo"], told["not_undone_because"]) == ("-e site=erp.example.com -e undo=0-1-3", "")
    assert "secret" not in json.dumps(told)
    assert describe_transaction(transaction, rows, "")["undo"] == "-e undo=0-1-3"


def test_the_largest_changes_of_many_tables():
    log = LogBuilder().gtid("0-1-1")
    for number in range(SHOWN_TABLES + 5):
        log.table_map(f"tab{number}").rows(WRITE, row(1, "x") * (number + 1))
    told = describe(log.event(events.XID, bytes(8)))
    assert (told["table_count"], len(told["tables"])) == (SHOWN_TABLES + 5, SHOWN_TABLES)
    assert told["tables"][0]["inserted"] == SHOWN_TABLES + 5


def test_what_cannot_be_undone_alone():
    statement = LogBuilder().gtid("0-1-1").query("UPDATE t SET a = 1").event(events.XID, bytes(8))
    partial = (
        LogBuilder().gtid("0-1-1").table_map("t").event(WRITE, rows_body(WRITE, b"\0" + bytes(4), images=(b"\1",)))
    )
    prepared = LogBuilder().gtid("0-1-1", PREPARED_XA, b"\1\0\0\0\1\0x").table_map("t").rows(WRITE, row(1, "x"))
    for log, reason in (
        (LogBuilder().ddl("0-1-1", "DROP TABLE t"), "it changes a schema"),
        (statement, "it was logged as statements, not as rows"),
        (LogBuilder().gtid("0-1-1").event(events.XID, bytes(8)), "it changes no row"),
        (partial.event(events.XID, bytes(8)), "its row images do not hold all columns"),
        (prepared.event(events.XA_PREPARE, bytes(8)), "it is part of an XA transaction"),
        (LogBuilder().change("0-1-1"), ""),
    ):
        (transaction,) = log.transactions()
        assert why_not_undone(transaction) == reason
    assert describe(LogBuilder().ddl("0-1-1", "DROP TABLE t"))["undo"] == ""
