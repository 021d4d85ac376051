"""What is remembered of slow statements, where they are read from, and which advice follows from a plan."""

from __future__ import annotations

import socket
from datetime import datetime

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.index_advice import (
    declared_columns,
    is_declared,
    missing_indexes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.slow_statements import (
    KNOWN_CLASSES,
    compared_with,
    next_baseline,
    read_slow_statements,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.plan import Plan, TableAccess
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.slow_log import SlowStatement
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.summary import Baseline, summarise
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.indexes import Index, IndexPart
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

ENTRY = """\
# User@Host: a[a] @ b []
# Thread_id: 1  Schema: _a  QC_hit: No
# Query_time: 2.0  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 9
SET timestamp={at};
SELECT {number};
"""


def digest(*statements):
    return summarise(SlowStatement(at, "_a", seconds, 0.0, 1, 1, None, text) for text, seconds, at in statements)


def local(tmp_path, **changes):
    return {
        "slow_query_log": "ON",
        "log_output": "FILE",
        "datadir": str(tmp_path),
        "slow_query_log_file": "slow.log",
        "hostname": socket.gethostname(),
        **changes,
    }


def no_query(*_arguments):
    raise AssertionError("nothing is to be asked")


def test_the_log_of_a_server_on_this_host(tmp_path):
    (tmp_path / "slow.log").write_text(ENTRY.format(at=100, number=1) + ENTRY.format(at=200, number="a"))
    found = read_slow_statements(no_query, local(tmp_path), limit_bytes=10_000)
    assert (found.source, found.path, found.is_cut) == ("slow_log", str(tmp_path / "slow.log"), False)
    assert [kind.calls for kind in found.digest()] == [1, 1]
    assert [kind.fingerprint for kind in found.digest(since_seconds=150)] == ["select a"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"slow_query_log": "OFF"}, "the slow log is off"),
        ({"log_output": "TABLE"}, "goes into a table"),
        ({"hostname": "elsewhere"}, "is not on this host"),
        ({"slow_query_log_file": "none.log"}, "is not on this host"),
    ],
)
def test_why_nothing_can_be_read(tmp_path, changes, reason):
    (tmp_path / "slow.log").write_text("")
    with pytest.raises(LifeboatError, match=reason) as caught:
        read_slow_statements(no_query, local(tmp_path, **changes), limit_bytes=10)
    assert caught.value.error_code == "slow_queries_unreadable"
    assert "performance_schema is off" in caught.value.message


def test_the_servers_own_digest_comes_second(tmp_path):
    seen = datetime(2026, 11, 21)  # noqa: DTZ001 (as the driver returns it)
    row = ("_a", "SELECT ?", 2, 10**12, 10**12, 1, 1, seen, seen, 0, None)
    variables = local(tmp_path, slow_query_log="OFF", performance_schema="ON")
    found = read_slow_statements(lambda _statement: [row], variables, limit_bytes=10)
    assert found.source == "performance_schema"
    assert [kind.share_percent for kind in found.digest()] == [100.0]
    assert found.digest(since_seconds=seen.timestamp() + 1) == []


def test_what_is_remembered():
    first = digest(("SELECT a", 1.0, 10.0), ("SELECT b", 2.0, 20.0))
    assert [kind.is_new for kind in compared_with(first, None)] == [None, None]
    known = next_baseline(first, {})
    slower = digest(("SELECT a", 9.0, 30.0))
    (compared,) = compared_with(slower, known)
    assert (compared.is_new, compared.is_worse) == (False, True)
    later = next_baseline([compared], known)
    # What is usual rises slowly, so that what became slow stays told for a while; what was not seen is kept.
    assert later[compared.id] == Baseline(1.1, 10.0)
    assert len(later) == 2
    many = digest(*((f"SELECT c{number}", 1.0, 1.0) for number in range(KNOWN_CLASSES + 5)))
    assert len(next_baseline(many, later)) == KNOWN_CLASSES


def tables(rows=5000, table_type=True, distinct=500):
    def query(statement, arguments=()):
        if "TABLE_ROWS" in statement:
            return [(rows,)] if table_type else []
        if "DATA_TYPE" in statement:
            return [("name", "varchar"), ("customer", "varchar"), ("territory", "varchar"), ("remarks", "longtext")]
        if "STATISTICS" in statement:
            return [("PRIMARY", "name", None, 0, "BTREE", "NO")]
        assert "COUNT(DISTINCT" in statement, arguments
        return [(distinct if "`customer`" in statement else 2,)]

    return query


def advice(condition, query=None, text="SELECT 1 FROM tabInvoice WHERE x = 1", alias="tabInvoice", access_type="ALL"):
    (kind,) = digest((text, 1.0, 1.0))
    plan = Plan((TableAccess(alias, access_type, 5000, 100.0, "", (), condition, False),))
    return missing_indexes(query or tables(), kind, plan)


def test_the_column_that_fetches_least_is_advised():
    (found,) = advice("tabInvoice.territory = 'x' and tabInvoice.customer = 'y'")
    assert (found.table, found.column, found.fetched_percent) == ("tabInvoice", "customer", 0.2)
    assert found.command("a.example") == (
        "bench --site a.example add-database-index --doctype Invoice --column customer"
    )
    assert "an index on customer would fetch 0.2 %" in found.as_dict("a.example")["text"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"condition": "tabInvoice.territory = 'x'"},
        {"condition": "tabInvoice.customer = 'x'", "query": tables(rows=999)},
        {"condition": "tabInvoice.customer = 'x'", "query": tables(table_type=False)},
        {"condition": "tabInvoice.customer = 'x'", "query": tables(distinct=3)},
        {"condition": "tabInvoice.customer = 'x'", "access_type": "ref"},
        {"condition": "tabInvoice.remarks = 'x'"},
        {"condition": "__global_search.customer = 'x'", "alias": "__global_search"},
    ],
)
def test_where_no_index_is_advised(arguments):
    assert advice(**arguments) == []


def test_what_doctypes_declare():
    declared = declared_columns(lambda _statement: [("Sales Invoice", "customer")], "_a")
    assert declared == {("tabSales Invoice", "customer")}

    def index(*columns, table="tabSales Invoice", name="i"):
        return Index("_a", table, name, tuple(IndexPart(column) for column in columns))

    assert is_declared(index("customer"), declared)
    assert is_declared(index("modified"), set())
    assert is_declared(index("sid", table="tabSessions"), set())
    assert not is_declared(index("customer", table="tabItem"), declared)
    assert not is_declared(index("customer", "name"), declared)
    assert is_declared(index("a", "b", name="a_b_index"), set())
    assert is_declared(index("parent", "defkey", name="defaultvalue_parent_defkey_index"), set())
    assert not is_declared(index("a", "b", name="b_a_index"), set())
