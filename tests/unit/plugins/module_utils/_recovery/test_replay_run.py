"""The plan of a replay as it is written down, and the progress while it is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import InexactTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import replay_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay import ALL_TABLES, TableFilter
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.replay_plans import REPLAY, UNDO, at


def test_a_plan_survives_being_written_down() -> None:
    inexact = (InexactTable("tabError Log", "MyISAM", at("binlog.000001", 4), None),)
    for plan in (REPLAY, replace(REPLAY, undo=UNDO, inexact_tables=inexact, is_latest=True)):
        written = plan.as_dict()
        assert ReplayPlan.from_dict(written, plan.undo.as_dict() if plan.undo else None) == plan
    assert (REPLAY.as_dict()["bytes"], REPLAY.as_dict()["gtid"]) == (356, "0-1-9")


class Calls:
    """Stands for the replay of stretches, and reports what it is told to."""

    def __init__(self) -> None:
        self.made: list[tuple[list[tuple[str, int, int]], TableFilter, bool]] = []

    def __call__(
        self,
        _server: Any,
        database: str,
        stretches: Any,
        report: Any,
        tables: TableFilter = ALL_TABLES,
        *,
        idempotent: bool = False,
    ) -> None:
        assert database == REPLAY.database
        parts = [(stretch.name, stretch.since_offset, stretch.until_offset) for stretch in stretches]
        self.made.append((parts, tables, idempotent))
        for stretch in stretches:
            report(stretch, stretch.until_offset)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(replay_run, "replay_stretches", made)
    return made


def test_progress_tells_bytes_transactions_and_the_time_that_was_reached(calls: Calls) -> None:
    progress = ProgressReporter(clock=iter(range(100)).__next__)
    replay_run.run_replay(None, REPLAY, progress)  # type: ignore[arg-type]
    assert calls.made == [([("binlog.000001", 100, 400), ("binlog.000002", 4, 60)], ALL_TABLES, False)]
    assert (progress.progress.done_bytes, progress.progress.total_bytes) == (356, 356)
    assert progress.progress.item_name == "3 of 3 transactions, at 2026-11-21T03:09:59Z"
    assert progress.progress.step == replay_run.PROGRESS_STEP


def test_before_the_first_mark_no_time_is_told(calls: Calls) -> None:
    progress = ProgressReporter()
    replay_run.run_replay(None, replace(REPLAY, marks=()), progress)  # type: ignore[arg-type]
    assert progress.progress.item_name == ""
    assert calls.made


def test_tables_that_the_base_holds_inexactly_are_brought_to_one_moment_first(calls: Calls) -> None:
    since, until = at("binlog.000001", 50), at("binlog.000001", 250)
    plan = replace(
        REPLAY,
        inexact_tables=(
            InexactTable("tabError Log", "MyISAM", since, until),
            InexactTable("__global_search", "MyISAM", since, at("binlog.000001", 200)),
            InexactTable("tabUnknown", "MyISAM", None, None),
        ),
        stretches=(replace(REPLAY.stretches[0], since_offset=50), REPLAY.stretches[1]),
    )
    replay_run.run_replay(None, plan, ProgressReporter())  # type: ignore[arg-type]
    names = ("tabError Log", "__global_search")
    assert calls.made == [
        ([("binlog.000001", 50, 250)], TableFilter(only=names), True),
        ([("binlog.000001", 100, 250)], TableFilter(without=names), False),
        ([("binlog.000001", 250, 400), ("binlog.000002", 4, 60)], ALL_TABLES, False),
    ]
