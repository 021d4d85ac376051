from __future__ import annotations

from json import JSONDecodeError

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.candidates import (
    TableFacts,
    reads_too_much,
    table_of,
    wanted_columns,
    worth_an_index,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.plan import (
    Plan,
    TableAccess,
    parse_plan,
    smells,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.indexes import Index, IndexPart

# As MariaDB 10.11 writes it, the escape that no JSON has included.
SORTED = r"""{"query_block": {"select_id": 1, "nested_loop": [{"read_sorted_file": {"filesort": {
 "sort_key": "`tabSales Invoice`.posting_date desc",
 "table": {"table_name": "tabSales Invoice", "access_type": "ALL", "possible_keys": ["status"], "rows": 5017,
 "filtered": 3.5, "attached_condition": "`tabSales Invoice`.customer = 'it\'s' and `tabSales Invoice`.grand_total > 5"
 }}}}]}}"""
JOINED = """{"query_block": {"select_id": 1, "filesort": {"sort_key": "si.remarks", "temporary_table": {"nested_loop": [
 {"table": {"table_name": "i", "access_type": "ALL", "rows": 4819, "filtered": 100, "attached_condition": "i.qty = 1"}},
 {"block-nl-join": {"table": {"table_name": "si", "access_type": "ALL", "rows": 5017, "filtered": 100,
 "attached_condition": "si.posting_date = DATE'2020-01-01' or si.remarks = 'x'"}, "buffer_type": "flat",
 "attached_condition": "si.customer = i.parent and (si.posting_date = 1 or si.remarks = 'x')"}}]}}}}"""
# Before 10.11 an object has the same key several times.
OLD = """{"query_block": {"select_id": 1, "table": {"table_name": "a", "access_type": "ref", "key": "k", "rows": 1},
 "table": {"table_name": "b", "access_type": "index", "key": "modified", "rows": 2000, "filtered": 100}}}"""


def access(condition, alias="t", rows=5000, access_type="ALL"):
    return TableAccess(alias, access_type, rows, 100.0, "", (), condition, False)


def columns_of(condition, sort_keys=(), alias="t"):
    table = access(condition, alias)
    return wanted_columns(table, Plan((table,), tuple(sort_keys)))


def test_a_table_that_is_read_whole_and_sorted():
    plan = parse_plan(SORTED)
    (table,) = plan.tables
    assert (table.alias, table.rows, table.access_type) == ("tabSales Invoice", 5017, "ALL")
    assert wanted_columns(table, plan) == ["customer", "grand_total"]
    assert smells(plan) == [
        "reads the whole table tabSales Invoice, about 5017 rows",
        "keeps about 3.5 % of the rows of tabSales Invoice",
        "does not use status of tabSales Invoice, though it could",
        "sorts up to 5017 rows without an index",
    ]


def test_a_join_without_an_index():
    plan = parse_plan(JOINED)
    outer, inner = plan.tables
    assert not outer.is_buffered_join
    assert inner.is_buffered_join
    assert wanted_columns(outer, plan) == ["qty"]
    assert wanted_columns(inner, plan) == ["customer"]
    assert "joins si without an index, through a buffer" in smells(plan)
    assert "fills a temporary table" in smells(plan)


def test_a_plan_of_an_older_server():
    plan = parse_plan(OLD)
    assert [table.alias for table in plan.tables] == ["a", "b"]
    assert smells(plan) == ["reads the whole index modified of b, about 2000 rows"]


def test_small_tables_do_not_smell():
    plan = parse_plan(SORTED.replace("5017", "17").replace('"possible_keys": ["status"], ', ""))
    assert smells(plan) == []
    assert smells(Plan(())) == []


def test_what_is_no_plan():
    with pytest.raises(JSONDecodeError):
        parse_plan("no plan")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("t.a = 'x'", ["a"]),
        ("`t`.`a b` <=> 5 and other.c = 1", ["a b"]),
        ("t.a > 5 and t.b = 3", ["b", "a"]),
        ("t.a in ('x','y') and t.b between <cache>(1) and <cache>(2)", ["a", "b"]),
        ("t.a = 1 or t.b = 2", []),
        ("t.a = 1 and (t.b = 2 or t.c in (3,4))", ["a"]),
        ("(t.a = 1 and t.b = 2)", ["a", "b"]),
        ("other.x = t.a", ["a"]),
        ("other.x >= t.a", []),
        ("lower(t.a) = 'x' and ifnull(t.b,'') = 'y'", []),
        ("t.a = 't.secret = 1'", ["a"]),
        ("t.a like '%x%'", []),
        ("not_t.a = 1", []),
        ("", []),
    ],
)
def test_columns_that_a_condition_compares(condition, expected):
    assert columns_of(condition) == expected


def test_the_sort_key_counts_where_nothing_is_compared():
    assert columns_of("", ["t.posting_date desc", "t.name"]) == ["posting_date"]
    assert columns_of("", ["`t`.a"]) == ["a"]
    assert columns_of("t.b like 'x'", ["t.posting_date"]) == []
    assert columns_of("", ["concat(t.a,t.b)"]) == []
    two = Plan((access(""), access("", "u")), ("t.a",))
    assert wanted_columns(two.tables[0], two) == []


def test_what_is_worth_an_index():
    indexes = [
        Index("_a", "t", "PRIMARY", (IndexPart("name"),), is_unique=True),
        Index("_a", "t", "old", (IndexPart("ignored"),), is_ignored=True),
        Index("_a", "t", "both", (IndexPart("status"), IndexPart("customer"))),
    ]
    types = {"name": "varchar", "status": "varchar", "customer": "varchar", "remarks": "longtext", "ignored": "int"}
    facts = TableFacts(5000, types, indexes)
    assert worth_an_index(["name", "status", "customer", "remarks", "ignored", "gone"], facts) == [
        "customer",
        "ignored",
    ]
    assert reads_too_much(access("", rows=501), facts)
    assert not reads_too_much(access("", rows=500), facts)
    assert not reads_too_much(access("", rows=5000, access_type="ref"), facts)


@pytest.mark.parametrize(
    ("alias", "statement", "table"),
    [
        ("si", "SELECT 1 FROM `tabSales Invoice` si WHERE si.a = 'from tabX si'", "tabSales Invoice"),
        ("si", "SELECT 1 FROM x JOIN `_a`.`tabSales Invoice` AS `si` ON 1", "tabSales Invoice"),
        ("tabUser", "SELECT 1 FROM tabUser WHERE a = 1", "tabUser"),
        ("where", "SELECT 1 FROM tabUser WHERE a = 1", "where"),
    ],
)
def test_the_table_behind_an_alias(alias, statement, table):
    assert table_of(alias, statement) == table
