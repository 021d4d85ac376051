"""lines: the maintenance of tables in sentences."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import Skip, Work
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.lines import (
    copy_lines,
    done_lines,
    plan_lines,
    skip_lines,
    stop_lines,
    window_line,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.state import MaintenanceState
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.window import Window


def test_plan_has_a_line_a_table_but_for_checks() -> None:
    def item(table: str, action: str) -> Work:
        return Work("/bench", "a", table, action, 0, 0, 90, "why")

    work = [item("t", "rebuild"), item("u", "analyze"), item("v", "check"), item("w", "check")]
    assert plan_lines(work) == ["a: t: rebuild: why; about 1 min 30 s", "a: u: analyze: why", "2 tables to check"]
    assert plan_lines([]) == []


def test_several_rebuilds_are_summed_up() -> None:
    work = [Work("/bench", "a", table, "rebuild", 4096, 1024, 90, "why") for table in ("t", "u")]
    assert plan_lines(work)[-1] == "2 tables to rebuild: about 3 min in all, for 2.0 KiB of the disk"


def test_stop_is_said_first(tmp_path: Path) -> None:
    stop = tmp_path / "maintenance.stop"
    assert stop_lines(stop) == []
    stop.touch()
    assert stop_lines(stop) == [
        f"STOPPED: nothing is begun while {stop} is there; remove it to let the maintenance go on"
    ]


def test_copies_that_go_are_named() -> None:
    assert copy_lines(["/state/a-1"], 30) == ["older than 30 days, and removed: /state/a-1"]


def test_what_was_done_says_what_it_gave_back() -> None:
    done = {"site": "a", "table": "t", "seconds": 2.0, "before_bytes": 2048, "after_bytes": 1024, "note": ""}
    assert done_lines([{**done, "action": "rebuild"}]) == ["a: t: rebuilt in 2 s: 2.0 KiB before, 1.0 KiB after"]
    assert done_lines([{**done, "action": "repair", "note": "Files."}]) == ["a: t: repaired in 2 s. Files."]
    assert done_lines([{**done, "action": "check"}] * 2) == ["2 tables checked: no damage"]
    assert done_lines([{**done, "action": "rebuild"}] * 2)[-1] == "2 tables rebuilt in 4 s: the disk has 2.0 KiB back"


def test_many_tables_with_one_reason_are_one_line() -> None:
    skips = [Skip("a", table, "analyze", "would_block", "old") for table in ("t", "u")]
    skips += [Skip("a", "v", "rebuild", "space", "full"), Skip("b", "", "check", "checked_elsewhere", "live")]
    assert list(skip_lines([*skips, Skip("c", "", "check", "checked_elsewhere", "live")]))[-1] == (
        "2 sites: not done (check): live"
    )
    assert list(skip_lines(skips)) == [
        "a: not done (analyze): 2 tables: old",
        "a: not done (rebuild): v: full",
        "b: not done (check): live",
    ]


def test_window_says_what_is_left_of_it() -> None:
    line = window_line(Window(0, 100), 40, MaintenanceState(1024))
    assert line.startswith("window: until 1970-01-01 ")
    assert line.endswith(", 1 min left; tables are rebuilt with 1.0 KiB a second")
    assumed = window_line(Window(0, 100), 140, MaintenanceState())
    assert ", 0 ms left; " in assumed
    assert assumed.endswith("with 30.0 MiB a second (assumed: none took long enough to measure it)")
