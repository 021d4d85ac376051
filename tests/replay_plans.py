"""The plan of a replay as a value, for tests that need one and no logs."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.transactions import TableChange
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Window
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_course import Mark, Stretch
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.undo import Undo


def at(file: str, offset: int, gtid: str = "") -> BinlogPosition:
    """Return a place in a log."""
    return BinlogPosition(gtid, file, offset)


REPLAY = ReplayPlan(
    database="_a1b2",
    target="2026-11-21T08:40:00+05:30",
    is_latest=False,
    recovery_point="2026-11-21T03:10:00Z",
    base=at("binlog.000001", 100, "0-1-5"),
    until=at("binlog.000002", 60, "0-1-9"),
    before="0-1-10",
    transactions=3,
    stretches=(
        Stretch("binlog.000001", Path("/archive/binlog.000001.zst"), 100, 400),
        Stretch("binlog.000002", Path("/data/binlog.000002"), 4, 60),
    ),
    inexact_tables=(),
    marks=(Mark("binlog.000001", 250, 1, 1_795_230_000), Mark("binlog.000002", 60, 3, 1_795_230_599)),
    window=Window(1_795_200_000, 1_795_240_000),
)
UNDO = Undo(
    "0-1-7",
    "2026-11-21T03:05:00Z",
    "binlog.000001",
    200,
    300,
    (TableChange("_a1b2", "tabSales Invoice", deleted=400, updated=1), TableChange("_a1b2", "tabVersion", inserted=2)),
)
