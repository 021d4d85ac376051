"""choice: what is to be done to which table, and why something is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import (
    MEBIBYTE,
    SiteTables,
    Skip,
    Thresholds,
    Work,
    beyond_window,
    choose,
    in_order,
    is_analyze_online,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.facts import TableFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.window import Window

VERSION = "10.11.6-MariaDB-log"
SPEED = 30 * MEBIBYTE
LARGE = TableFacts(
    "tabVersion",
    "InnoDB",
    rows=1000,
    data_bytes=2000 * MEBIBYTE,
    free_bytes=600 * MEBIBYTE,
    file_bytes=2600 * MEBIBYTE,
    counted_rows=1000,
)


def chosen(
    *tables: TableFacts, version: str = VERSION, rebuilt: tuple[str, ...] = (), **limits: Any
) -> tuple[list[Work], dict[str, str]]:
    site = SiteTables("/bench", "a.example", version, tables, rebuilt)
    work, skips = choose(site, Thresholds(**limits), SPEED)
    return work, {skip.action: skip.kind for skip in skips if skip.table}


@pytest.mark.parametrize(
    ("changes", "pays"),
    [
        ({}, True),
        ({"free_bytes": 499 * MEBIBYTE}, False),
        ({"free_bytes": 500 * MEBIBYTE, "file_bytes": 2501 * MEBIBYTE}, False),
        ({"free_bytes": 501 * MEBIBYTE, "file_bytes": 2501 * MEBIBYTE}, True),
        ({"free_bytes": 99 * MEBIBYTE, "file_bytes": 99 * MEBIBYTE, "data_bytes": 0}, False),
    ],
    ids=["much", "too few bytes", "too small a part", "just enough", "small table"],
)
def test_table_is_rebuilt_only_where_that_pays(changes: dict[str, int], pays: bool) -> None:
    work, skips = chosen(replace(LARGE, **changes))
    assert ([item.action for item in work], skips) == (["rebuild"] if pays else [], {})


def test_rebuild_says_what_it_gives_back_and_how_long_it_takes() -> None:
    ((work,), _skips) = chosen(LARGE)
    assert (work.gain_bytes, work.bytes, round(work.estimated_seconds)) == (600 * MEBIBYTE, 2600 * MEBIBYTE, 87)
    assert work.reason == "600.0 MiB of 2.5 GiB hold nothing"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"special_index": "FULLTEXT"}, "not_online"),
        ({"special_index": "SPATIAL"}, "not_online"),
        ({"is_partitioned": True}, "partitioned"),
        ({"file_bytes": 0}, "shared_tablespace"),
    ],
    ids=["fulltext", "spatial", "partitions", "shared"],
)
def test_table_that_cannot_be_rebuilt_online_is_skipped(changes: dict[str, Any], kind: str) -> None:
    assert chosen(replace(LARGE, **changes)) == ([], {"rebuild": kind})


def test_table_that_was_rebuilt_in_this_window_is_skipped() -> None:
    assert chosen(LARGE, rebuilt=("tabVersion",)) == ([], {"rebuild": "done"})


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"counted_rows": 5000, "rows": 5501}, True),
        ({"counted_rows": 5000, "rows": 5500}, False),
        ({"counted_rows": 5000, "rows": 5000, "changed_rows": 501}, True),
        ({"counted_rows": 0, "rows": 99}, False),
        ({"counted_rows": 0, "rows": 100}, True),
        ({"counted_rows": None, "rows": 99}, False),
        ({"counted_rows": None, "rows": 100}, True),
        ({"counted_rows": None, "rows": 100, "keeps_statistics": False}, False),
        ({"counted_rows": 0, "rows": 100, "is_partitioned": True}, False),
    ],
    ids=["more", "a tenth", "updated", "small", "filled", "none, small", "none", "not kept", "partitions"],
)
def test_statistics_are_made_anew_where_they_are_stale(changes: dict[str, Any], stale: bool) -> None:
    table = TableFacts("tabNote", "InnoDB", **changes)
    work, skips = chosen(table)
    assert ([item.action for item in work], skips) == (["analyze"] if stale else [], {})


@pytest.mark.parametrize(
    ("version", "online"),
    [
        ("10.6.15-MariaDB", False),
        ("10.6.16-MariaDB", True),
        ("10.5.29-MariaDB", False),
        ("10.8.8-MariaDB", False),
        ("10.11.5-MariaDB", False),
        ("10.11.6-MariaDB-1:10.11.6", True),
        ("11.2.1-MariaDB", False),
        ("11.4.2-MariaDB", True),
        ("unknown", False),
    ],
)
def test_server_whose_analyze_blocks_is_known(version: str, online: bool) -> None:
    assert is_analyze_online(version) == online
    work, skips = chosen(TableFacts("tabNote", "InnoDB", rows=1000), version=version)
    assert (bool(work), skips) == (online, {} if online else {"analyze": "would_block"})


def test_tables_that_a_crash_may_harm_are_checked_unless_they_are_large() -> None:
    small = TableFacts("__global_search", "MyISAM", data_bytes=100)
    assert [item.action for item in chosen(small, replace(small, engine="Aria"))[0]] == ["check", "check"]
    assert chosen(small, check_max_bytes=99) == ([], {"check": "too_large"})
    assert chosen(replace(small, engine="MEMORY")) == ([], {})


def test_innodb_is_checked_elsewhere() -> None:
    site = SiteTables("/bench", "a.example", VERSION, [TableFacts("tabNote", "InnoDB", counted_rows=0)])
    _work, (skip,) = choose(site, Thresholds(), SPEED)
    assert (skip.kind, skip.table) == ("checked_elsewhere", "")
    assert choose(replace(site, tables=[]), Thresholds(), SPEED) == ([], [])


def test_crashed_table_is_repaired_and_another_that_cannot_be_opened_is_not() -> None:
    crashed = TableFacts("__global_search", "", is_crashed=True, open_error=145)
    assert [item.action for item in chosen(crashed)[0]] == ["repair"]
    assert chosen(replace(crashed, is_crashed=False, open_error=1932)) == ([], {"repair": "unreadable"})


def item(table: str, action: str, gain_bytes: int = 0, seconds: float = 1.0) -> Work:
    return Work("/bench", "a.example", table, action, 0, gain_bytes, seconds, "")


def test_what_is_broken_comes_first_and_the_smallest_gain_a_second_last() -> None:
    work = [
        item("slow", "rebuild", 100, 50),
        item("quick", "rebuild", 90, 1),
        item("b", "analyze"),
        item("a", "analyze"),
        item("c", "check"),
        item("d", "repair"),
    ]
    assert [found.table for found in in_order(work)] == ["d", "c", "a", "b", "quick", "slow"]


def test_plan_leaves_out_what_would_not_be_over_in_time() -> None:
    work = [item("a", "rebuild", seconds=6), item("b", "rebuild", seconds=5), item("c", "rebuild", seconds=4)]
    assert beyond_window(work, 100, Window(90, 110)) == [
        Skip("a.example", "b", "rebuild", "window", "it would take 5 s, and the window ends before")
    ]
