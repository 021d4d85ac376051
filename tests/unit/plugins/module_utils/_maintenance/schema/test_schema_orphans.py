"""schema.orphans: which rows belong to nothing, and when the counting stops."""

from __future__ import annotations

from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.doctypes import (
    DocTypes,
    read_doctypes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.orphans import (
    CHUNK_ROWS,
    Budget,
    count_orphans,
    references,
)

from tests.schema_facts import column, facts, table

DOCTYPES = DocTypes(
    fields={name: frozenset() for name in ("User", "Has Role", "DefaultValue", "Setting", "Dynamic Link", "New")},
    children=frozenset({"Has Role", "DefaultValue", "Dynamic Link", "Without Table"}),
    without_table=frozenset({"Setting"}),
)
TABLES = [table("tabUser"), table("tabHas Role", rows=9), table("tabDefaultValue")]


def budget(seconds: float = 60, is_busy: bool = False, waited: list[float] | None = None) -> Budget:
    return Budget(seconds, lambda: is_busy, clock=lambda: 0.0, sleep=(waited if waited is not None else []).append)


class Rows:
    """A table of roles whose chunks end where the test says."""

    def __init__(self, ends: list[Any], kinds: list[tuple[str, int]], error: int = 0) -> None:
        self.ends = ends
        self.kinds = kinds
        self.error = error
        self.statements: list[str] = []

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the end of a chunk, its kinds, or how many of a kind are orphans: three."""
        self.statements.append(f"{statement} {arguments}")
        if self.error:
            raise pymysql.err.OperationalError(self.error, "no")
        if "OFFSET" in statement:
            return [(self.ends.pop(0),)] if self.ends else []
        return self.kinds if "GROUP BY" in statement else [(3,)]


def test_child_tables_and_dynamic_links_are_looked_at_the_smallest_first() -> None:
    tables = [*TABLES, table("tabDynamic Link", rows=5), table("tabDocField", rows=1)]
    found = [(kind, reference.table) for kind, reference in references(facts(tables), DOCTYPES)]
    assert ("dynamic_link", "tabDynamic Link") in found
    assert found[-1] == ("child", "tabHas Role")
    assert "tabDefaultValue" not in [name for _kind, name in found]


def test_rows_are_counted_chunk_by_chunk() -> None:
    kinds = [("User", 4), ("Lost", 2), ("Setting", 1), ("New", 1)]
    rows, waited = Rows(["m"], kinds), list[float]()
    report = count_orphans(rows.query, facts(TABLES), DOCTYPES, budget(waited=waited))
    assert [(each.doctype, each.rows, each.is_doctype_gone) for each in report.found] == [
        ("User", 6, False),
        ("Lost", 4, True),
    ]
    assert (report.unfinished, waited) == ({}, [0.0])
    assert f"OFFSET {CHUNK_ROWS - 1}" in rows.statements[0]
    assert "name > %s" in rows.statements[3]
    assert all("max_statement_time" in statement for statement in rows.statements)
    assert report.found[1].statement.endswith("WHERE `parenttype` = 'Lost' LIMIT 5000;")


def test_rows_of_lost_doctypes_are_named() -> None:
    rows = Rows([], [("Lost", 7)])
    report = count_orphans(rows.query, facts([table("tabSingles")]), DOCTYPES, budget())
    (found,) = report.found
    assert (found.kind, found.table, found.doctype, found.rows) == ("doctype", "tabSingles", "Lost", 7)
    assert found.as_dict()["is_doctype_gone"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (budget(seconds=-1), "out of time after 0 of about 9 rows"),
        (budget(is_busy=True), "the server had more to do after 0 of about 9 rows"),
    ],
    ids=["time", "busy"],
)
def test_counting_stops_and_says_so(given: Budget, reason: str) -> None:
    report = count_orphans(Rows([], []).query, facts(TABLES), DOCTYPES, given)
    assert (report.found, report.unfinished) == ([], {"tabHas Role": reason})


def test_statement_that_is_refused_is_told_and_another_error_is_one() -> None:
    report = count_orphans(Rows([], [], 1969).query, facts(TABLES), DOCTYPES, budget())
    assert report.unfinished == {"tabHas Role": "a statement took longer than 5 seconds"}
    with pytest.raises(pymysql.err.OperationalError):
        count_orphans(Rows([], [], 2013).query, facts(TABLES), DOCTYPES, budget())


@pytest.mark.parametrize("is_new", [True, False])
def test_doctypes_are_read_with_their_fields(is_new: bool) -> None:
    def query(statement: str) -> list[tuple[Any, ...]]:
        if "istable" in statement:
            assert ("issingle, is_virtual FROM" in statement) is is_new
            return [("Has Role", 1, 0, 0), ("Setting", 0, 1, 0), ("Report", 0, 0, 1)]
        assert ("tabCustom Field" in statement) is is_new
        return [("Has Role", "role"), ("Lost", "field")]

    tables = [table("tabDocType"), *([table("tabCustom Field")] if is_new else [])]
    columns = [column("is_virtual", "", "tabDocType")] if is_new else []
    found = read_doctypes(query, facts(tables, columns))
    assert found.fields == {"Has Role": {"role"}, "Setting": frozenset(), "Report": frozenset()}
    assert (found.children, found.without_table) == ({"Has Role"}, {"Setting", "Report"})
