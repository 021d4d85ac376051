"""What of the logs is replayed: any history, any target, the same as counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.gtids import Gtid
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import LogFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.statements import read_statement
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.transactions import (
    TableChange,
    Transaction,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_course import (
    SHOWN_MARKS,
    Course,
    Stretch,
    cut,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given
from hypothesis import strategies as st

SITE, NEIGHBOUR = "_site", "_neighbour"
LENGTH_BYTES = 10
FIRST_OFFSET = 4


def transaction(number: int, file: str, begin_offset: int, **fields: Any) -> Transaction:
    values: dict[str, Any] = {
        "committed_at_seconds": number,
        "tables": (TableChange(SITE, "tabToDo", inserted=1),),
        **fields,
    }
    return Transaction(Gtid(0, 1, number), file=file, begin_offset=begin_offset, end_offset=begin_offset + 10, **values)


def history(sizes: Sequence[int]) -> tuple[list[LogFile], list[Transaction]]:
    """Return logs with so many transactions each, numbered through; every third is of the neighbour."""
    logs, transactions = [], []
    number = 0
    for index, count in enumerate(sizes):
        name = f"binlog.{index + 1:06d}"
        logs.append(LogFile(name, Path("/logs", name), FIRST_OFFSET + count * LENGTH_BYTES))
        for place in range(count):
            number += 1
            database = NEIGHBOUR if number % 3 == 0 else SITE
            offset = FIRST_OFFSET + place * LENGTH_BYTES
            change = (TableChange(database, "tabToDo", inserted=1),)
            transactions.append(transaction(number, name, offset, tables=change))
    return logs, transactions


SIZES = st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) > 0)


@given(SIZES, st.data())
def test_what_lies_between_base_and_target_is_replayed_and_nothing_else(sizes: list[int], data: st.DataObject) -> None:
    logs, transactions = history(sizes)
    base = data.draw(st.integers(0, len(transactions) - 1), "transactions in the base")
    stop = data.draw(st.integers(base, len(transactions)), "transactions in the result")
    by_time = data.draw(st.booleans(), "by time")
    behind = transactions[base:]
    since = BinlogPosition(f"0-1-{base}" if base else "", behind[0].file, behind[0].begin_offset)
    left_out = transactions[stop] if stop < len(transactions) else None
    target = Target("t", moment_seconds=stop + 1) if by_time else Target("t", gtid=Gtid(0, 1, stop + 1))
    course = Course(SITE, since, target).follow(iter(behind))
    stretches = course.stretches(logs[logs.index(next(log for log in logs if log.name == since.file)) :])
    replayed = [
        (stretch.name, offset)
        for stretch in stretches
        for offset in range(stretch.since_offset, stretch.until_offset, LENGTH_BYTES)
    ]
    assert replayed == [(one.file, one.begin_offset) for one in transactions[base:stop]]
    assert course.stopped_by == left_out
    assert course.transactions == sum(SITE in one.databases for one in transactions[base:stop])
    assert course.until.gtid == (f"0-1-{stop}" if stop else "")
    assert course.last_commit_seconds == (stop if stop > base else None)


@given(SIZES, st.data())
def test_two_parts_that_are_cut_at_any_place_are_the_whole(sizes: list[int], data: st.DataObject) -> None:
    logs, transactions = history(sizes)
    start = BinlogPosition("", transactions[0].file, transactions[0].begin_offset)
    stretches = Course(SITE, start, Target("latest")).follow(transactions).stretches(logs)
    file = data.draw(st.sampled_from([log.name for log in logs] + ["binlog.000099"]))
    place = BinlogPosition("", file, data.draw(st.integers(0, 80)))

    def pieces(part: Sequence[Stretch]) -> list[tuple[str, int]]:
        return [(stretch.name, byte) for stretch in part for byte in range(stretch.since_offset, stretch.until_offset)]

    assert pieces(cut(stretches, None, place)) + pieces(cut(stretches, place)) == pieces(stretches)
    assert pieces(cut(stretches)) == pieces(stretches)
    assert cut(stretches, place, place) == []


def test_marks_stay_few_and_lie_in_order() -> None:
    _logs, transactions = history([1000])
    course = Course(SITE, BinlogPosition("", "binlog.000001", 4), Target("latest")).follow(transactions)
    assert len(course.marks) <= SHOWN_MARKS
    assert course.marks == sorted(course.marks, key=lambda mark: mark.offset)
    last = course.marks[-1]
    assert last.transactions == sum(SITE in one.databases for one in transactions if one.end_offset <= last.offset)


def test_a_stretch_survives_being_written_down() -> None:
    stretch = Stretch("binlog.000001", Path("/logs/binlog.000001.zst"), 4, 400)
    assert Stretch.from_dict(stretch.as_dict()) == stretch
    assert stretch.replayed_bytes == 396


def test_statements_behind_what_is_undone_are_remembered() -> None:
    alter = read_statement("ALTER TABLE tabToDo ADD x INT", SITE)
    transactions = [
        transaction(1, "binlog.000001", 4, statements=(alter,), tables=()),
        transaction(2, "binlog.000001", 14),
        transaction(3, "binlog.000001", 24, statements=(alter,), tables=()),
    ]
    undone = Target("latest", undone=Gtid(0, 1, 2))
    course = Course(SITE, BinlogPosition("", "binlog.000001", 4), undone).follow(transactions)
    assert course.undone == transactions[1]
    assert course.with_statements == [transactions[2]]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"incident": "LOST_EVENTS"}, "could not write"),
        ({"statements": (read_statement("DELETE FROM tabToDo", SITE),), "tables": ()}, "binlog_format"),
        ({"has_full_images": False}, "binlog_row_image"),
    ],
)
def test_what_the_log_does_not_hold_exactly_is_refused(fields: dict[str, Any], reason: str) -> None:
    bad = transaction(7, "binlog.000001", 4, **fields)
    course = Course(SITE, BinlogPosition("", "binlog.000001", 4), Target("latest"))
    with pytest.raises(LifeboatError) as refusal:
        course.follow([bad])
    assert refusal.value.error_code == "replay_refused"
    assert reason in refusal.value.message
    assert refusal.value.details["gtid"] == "0-1-7"


@pytest.mark.parametrize(
    "fields",
    [
        {"statements": (read_statement("DELETE FROM tabToDo", NEIGHBOUR),), "tables": ()},
        {"has_full_images": False, "tables": (TableChange(NEIGHBOUR, "tabToDo", updated=1),)},
        {"statements": (read_statement("ALTER TABLE tabToDo ADD x INT", SITE),), "tables": ()},
    ],
)
def test_how_a_neighbour_is_logged_does_not_matter_nor_does_a_change_of_the_schema(fields: dict[str, Any]) -> None:
    one = transaction(7, "binlog.000001", 4, **fields)
    course = Course(SITE, BinlogPosition("", "binlog.000001", 4), Target("latest")).follow([one])
    assert course.until.offset == one.end_offset
