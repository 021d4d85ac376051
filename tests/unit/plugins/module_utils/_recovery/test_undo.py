"""Undoing a transaction: what it did, and what was written over it since, against a model that keeps every version."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.gtids import Gtid
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.row_images import RowChange
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.statements import read_statement
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.transactions import (
    TableChange,
    Transaction,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.undo import (
    Undo,
    plan_undo,
    refuse_changed_rows,
    refuse_changed_schema,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given
from hypothesis import strategies as st

SITE, NEIGHBOUR = "_site", "_neighbour"


def transaction(number: int = 1, **fields: Any) -> Transaction:
    values: dict[str, Any] = {"tables": (TableChange(SITE, "tabToDo", deleted=2, updated=1),), **fields}
    return Transaction(Gtid(0, 1, number), 1_795_240_000, "binlog.000001", 4, 400, **values)


def undo_of(*tables: str) -> Undo:
    return plan_undo(transaction(tables=tuple(TableChange(SITE, table, inserted=1) for table in tables)), SITE)


def change(number: int, operation: str, *images: bytes, table: str = "tabToDo", database: str = SITE) -> RowChange:
    return RowChange(Gtid(0, 1, number), database, table, operation, images)


def test_what_is_undone_is_told_in_tables_and_numbers() -> None:
    both = (TableChange(SITE, "tabToDo", deleted=400), TableChange(NEIGHBOUR, "tabToDo", inserted=1))
    undo = plan_undo(transaction(tables=both), SITE)
    assert (undo.gtid, undo.committed_at) == ("0-1-1", "2026-11-21T05:46:40Z")
    assert [table.database for table in undo.tables] == [SITE]
    assert undo.added_rows() == {"tabToDo": 400}
    assert Undo.from_dict(undo.as_dict()) == undo


@pytest.mark.parametrize(
    "fields",
    [
        {"tables": (TableChange(NEIGHBOUR, "tabToDo", deleted=1),)},
        {"tables": ()},
        {"statements": (read_statement("ALTER TABLE tabToDo ADD x INT", SITE),), "is_ddl": True},
        {"statements": (read_statement("DROP DATABASE _site", ""),), "tables": ()},
        {"is_ddl": True},
        {"xa": "prepare"},
    ],
)
def test_what_is_more_or_less_than_rows_of_the_site_is_not_undone(fields: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refusal:
        plan_undo(transaction(**fields), SITE)
    assert refusal.value.error_code == "undo_refused"


@pytest.mark.parametrize(
    ("statement", "is_refused"),
    [
        ("ALTER TABLE tabToDo ADD x INT", True),
        ("RENAME TABLE tabToDo TO tabDone", True),
        ("TRUNCATE TABLE `tabToDo`", True),
        ("DROP DATABASE _site", True),
        ("ALTER TABLE tabNote ADD x INT", False),
        ("CREATE TABLE tabNew (name INT)", False),
    ],
)
def test_a_schema_that_changed_since_is_refused(statement: str, is_refused: bool) -> None:
    later = transaction(2, statements=(read_statement(statement, SITE),), tables=())
    if not is_refused:
        refuse_changed_schema(undo_of("tabToDo"), [later])
        return
    with pytest.raises(LifeboatError) as refusal:
        refuse_changed_schema(undo_of("tabToDo"), [later])
    assert (refusal.value.error_code, refusal.value.details) == ("undo_refused", {"gtid": "0-1-1"})


# A table is what its rows are: a key and a version. A step inserts, changes or deletes the row of a key.
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=20)


@given(STEPS, STEPS)
def test_an_undo_is_refused_exactly_when_a_row_that_it_left_was_changed(
    own: list[tuple[bool, int]], later: list[tuple[bool, int]]
) -> None:
    rows: dict[int, bytes] = {key: b"%d:0" % key for key in range(4)}
    version = 0
    changes: list[RowChange] = []
    left: set[int] = set()
    is_refused = False
    for number, steps in ((1, own), (2, later)):
        for is_delete, key in steps:
            version += 1
            image = b"%d:%d" % (key, version)
            if key not in rows:
                changes.append(change(number, "inserted", image))
                rows[key] = image
            elif is_delete:
                changes.append(change(number, "deleted", rows.pop(key)))
            else:
                changes.append(change(number, "updated", rows[key], image))
                rows[key] = image
            if number == 2 and key in left and changes[-1].operation != "inserted":
                is_refused = True
            if number == 1:
                left = {*left, key} if key in rows else left - {key}
    if not is_refused:
        refuse_changed_rows(undo_of("tabToDo"), changes)
        return
    with pytest.raises(LifeboatError) as refusal:
        refuse_changed_rows(undo_of("tabToDo"), changes)
    assert refusal.value.error_code == "undo_refused"


def test_other_tables_and_other_sites_do_not_matter() -> None:
    refuse_changed_rows(
        undo_of("tabToDo"),
        [
            change(1, "inserted", b"row"),
            change(2, "deleted", b"row", table="tabNote"),
            change(2, "deleted", b"row", database=NEIGHBOUR),
        ],
    )


def test_two_equal_rows_of_a_table_without_a_key_are_two() -> None:
    with pytest.raises(LifeboatError):
        refuse_changed_rows(
            undo_of("tabToDo"),
            [change(1, "inserted", b"row"), change(1, "inserted", b"row"), change(2, "deleted", b"row")],
        )


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    def unreadable() -> Any:
        yield change(1, "inserted", b"row")
        raise ValueError("a column of MariaDB 5.3")

    with pytest.raises(LifeboatError) as refusal:
        refuse_changed_rows(undo_of("tabToDo"), unreadable())
    assert refusal.value.error_code == "undo_refused"
