"""schema.index_findings: which indexes could go, and which never."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.index_findings import (
    find_indexes,
    index_lines,
    usage_text,
    why_never,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.indexes import Index

from tests.schema_facts import DAY_SECONDS, NOW, TODO, facts, index, table, watch

PRIMARY = index("PRIMARY", "name", is_unique=True)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (PRIMARY, "it is the primary key"),
        (index("email", is_unique=True), "it is unique, which is a rule about the data"),
        (
            index("content", kind="FULLTEXT"),
            "it is of the kind FULLTEXT, which serves searches that no other index can",
        ),
        (index("customer"), "a foreign key needs it"),
        (index("plain"), ""),
        (
            index("plain", of="tabError Log"),
            "its table is not InnoDB, so that nobody could use the table while the index is made again",
        ),
    ],
    ids=["primary", "unique", "fulltext", "foreign", "plain", "engine"],
)
def test_some_indexes_never_go(found: Index, reason: str) -> None:
    tables = [table(), table("tabError Log", engine="MyISAM")]
    assert why_never(found, facts(tables, foreign=frozenset({(TODO, "customer")}))) == reason


def test_index_that_begins_another_one_is_a_candidate_at_once() -> None:
    schema = facts(indexes=[PRIMARY, index("short", "a"), index("long", "a", "b")])
    (found,) = find_indexes(schema, None, (), NOW, 35)
    assert (found.kind, found.key, found.kept, found.bytes) == ("redundant", (TODO, "short"), "long", 16384)
    assert found.is_candidate
    assert index_lines([found]) == [
        "tabToDo: short begins long, which finds all that it finds (about 16.0 KiB); see what the site is like without"
        " it: state=ignored"
    ]
    assert found.as_dict()["columns"] == ["a"]


def test_foreign_key_keeps_even_a_superfluous_index() -> None:
    schema = facts(indexes=[index("short", "a"), index("long", "a", "b")], foreign=frozenset({(TODO, "a")}))
    assert find_indexes(schema, None, (), NOW, 35) == []


def test_index_that_a_doctype_declares_comes_back() -> None:
    schema = facts(indexes=[index("a"), index("long", "a", "b")], declared=frozenset({(TODO, "a")}))
    (found,) = find_indexes(schema, None, (), NOW, 35)
    assert found.is_declared
    assert not found.is_candidate
    assert "Frappe makes it again at the next migration" in index_lines([found])[0]


def test_index_of_frappe_with_a_name_of_its_own_is_declared() -> None:
    flush = index("index_bulk_flush", "status", "creation", of="tabEmail Queue")
    (found,) = find_indexes(facts([table("tabEmail Queue")], indexes=[flush]), watch(), (), NOW, 35)
    assert found.is_declared


def test_unused_index_has_to_be_watched_first() -> None:
    schema = facts(
        [table(), table("tabBig", index_bytes=2**20)], (), [PRIMARY, index("plain"), index("big", of="tabBig")]
    )
    assert find_indexes(schema, watch(3), (), NOW, 35) == []
    found = find_indexes(schema, watch(40), (), NOW, 35)
    assert [(each.kind, each.index.name, each.is_candidate, each.bytes) for each in found] == [
        ("unused", "big", True, 2**20),
        ("unused", "plain", True, 32768),
    ]
    assert found[0].reason == "was not used in 40 days"


def test_used_ignored_and_foreign_indexes_are_not_unused() -> None:
    indexes = [index(name) for name in ("used", "elsewhere", "customer")]
    schema = facts(
        indexes=[*indexes, index("ignored", is_ignored=True)],
        foreign=frozenset({(TODO, "customer")}),
    )
    known = watch(used=frozenset({(TODO, "used")}))
    assert find_indexes(schema, known, [(TODO, "elsewhere")], NOW, 35) == []


def test_superfluous_index_is_named_once_and_declared_ones_are_counted() -> None:
    indexes = [
        index("short", "a"),
        index("long", "a", "b"),
        index("modified"),
        index("owner_status_index", "owner", "status"),
    ]
    found = find_indexes(facts(indexes=indexes), watch(), (), NOW, 35)
    assert sorted((each.kind, each.index.name) for each in found) == [
        ("redundant", "short"),
        ("unused", "long"),
        ("unused", "modified"),
        ("unused", "owner_status_index"),
    ]
    lines = index_lines(found)
    assert len(lines) == 3
    assert "0 that begin another index, 2 that nobody used" in lines[-1]


def test_nothing_is_advised_where_nobody_knows_what_doctypes_declare() -> None:
    schema = facts(indexes=[index("short", "a"), index("long", "a", "b")], declared=None)
    assert find_indexes(schema, watch(), (), NOW, 35) == []
    assert schema.declares(index("short"))
    assert usage_text(schema, watch(), NOW, 35).startswith("Which indexes DocTypes declare is unknown")


def test_what_is_known_of_the_use_is_said() -> None:
    assert "SET GLOBAL userstat = ON" in usage_text(facts(), None, NOW, 35)
    assert usage_text(facts(), watch(3), NOW, 10) == (
        "The use of indexes was watched for 3 days by userstat; 7 more tell what is not used."
    )
    assert (
        usage_text(facts(), watch(40), NOW + DAY_SECONDS, 35)
        == "The use of indexes was watched for 41 days by userstat."
    )
