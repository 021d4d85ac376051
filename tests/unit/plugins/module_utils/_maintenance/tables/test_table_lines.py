"""lines: the maintenance of tables in sentences."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import Skip, Work
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.lines import (
    done_lines,
    plan_lines,
    skip_lines,
    window_line,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.window import Window


def test_plan_has_a_line_a_table_but_for_checks() -> None:
    def item(table: str, action: str) -> Work:
        return Work("/bench", "a", table, action, 0, 0, 90, "why")

    work = [item("t", "rebuild"), item("u", "analyze"), item("v", "check"), item("w", "check")]
    assert plan_lines(work) == ["a: t: rebuild: why; about 1 min 30 s", "a: u: analyze: why", "2 tables to check"]
    assert plan_lines([]) == []


def test_what_was_done_says_what_it_gave_back() -> None:
    done = {"site": "a", "table": "t", "seconds": 2.0, "before_bytes": 2048, "after_bytes": 1024, "note": ""}
    assert done_lines([{**done, "action": "rebuild"}]) == ["a: t: rebuilt in 2 s: 2.0 KiB before, 1.0 KiB after"]
    assert done_lines([{**done, "action": "repair", "note": "Files."}]) == ["a: t: repaired in 2 s. Files."]
    assert done_lines([{**done, "action": "check"}]) == []


def test_many_tables_with_one_reason_are_one_line() -> None:
    skips = [Skip("a", table, "analyze", "would_block", "old") for table in ("t", "u")]
    skips += [Skip("a", "v", "rebuild", "space", "full"), Skip("b", "", "check", "checked_elsewhere", "live")]
    assert list(skip_lines(skips)) == [
        "a: not done (analyze): 2 tables: old",
        "a: not done (rebuild): v: full",
        "b: not done (check): live",
    ]


def test_window_says_what_is_left_of_it() -> None:
    line = window_line(Window(0, 100), 40, 1024)
    assert line.startswith("window: until 1970-01-01 ")
    assert line.endswith(", 1 min left; tables are rebuilt with 1.0 KiB a second")
    assert ", 0 ms left; " in window_line(Window(0, 100), 140, 1024)
