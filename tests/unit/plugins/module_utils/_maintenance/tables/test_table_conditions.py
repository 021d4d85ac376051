"""conditions: whether this is a moment for a rebuild."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import (
    MEBIBYTE,
    Thresholds,
    Work,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.conditions import (
    Conditions,
    Room,
    obstacle,
)

GIBIBYTE = 1024 * MEBIBYTE
WORK = Work("/bench", "a.example", "tabVersion", "rebuild", 10 * GIBIBYTE, GIBIBYTE, 30, "")
GOOD = Conditions(
    threads_running=25,
    history_length=50_000,
    transaction_seconds=60,
    io_pressure_percent=20,
    replica_count=1,
    late_replicas=(),
    data_room=Room(33 * GIBIBYTE, 100 * GIBIBYTE),
    temporary_room=Room(11 * GIBIBYTE, 100 * GIBIBYTE),
    alter_log_bytes=GIBIBYTE,
    backup_age_seconds=26 * 3600,
    is_backup_running=False,
)


def test_good_moment_is_used() -> None:
    assert obstacle(WORK, GOOD, Thresholds()) is None
    assert obstacle(replace(WORK, estimated_seconds=1000), replace(GOOD, replica_count=0), Thresholds()) is None


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"backup_age_seconds": None}, "backup", "no complete backup"),
        ({"backup_age_seconds": 26 * 3600 + 1}, "backup", "1 day 2 h old"),
        ({"is_backup_running": True}, "backup", "being made"),
        ({"data_room": None}, "space", "another host"),
        ({"temporary_room": None}, "space", "another host"),
        ({"data_room": Room(33 * GIBIBYTE - 1, 100 * GIBIBYTE)}, "space", "disk with the data has 33.0 GiB free"),
        ({"temporary_room": Room(11 * GIBIBYTE - 1, 100 * GIBIBYTE)}, "space", "temporary files"),
        ({"late_replicas": ("db2", "db3")}, "replication", "db2, db3 is behind"),
        ({"transaction_seconds": 61}, "transaction", "1 min 1 s old"),
        ({"threads_running": 26}, "busy", "26 statements"),
        ({"history_length": 50_001}, "busy", "50,001 changes"),
        ({"io_pressure_percent": 20.5}, "busy", "waits for the disk"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_bad_moment_is_named(changes: dict[str, Any], kind: str, words: str) -> None:
    found = obstacle(WORK, replace(GOOD, **changes), Thresholds())
    assert found is not None
    assert (found.kind, found.site, found.table, found.action) == (kind, "a.example", "tabVersion", "rebuild")
    assert words in found.reason


def test_rebuild_that_puts_replicas_far_behind_is_not_begun() -> None:
    found = obstacle(replace(WORK, estimated_seconds=61), GOOD, Thresholds())
    assert found is not None
    assert (found.kind, "1 replica would be 1 min 1 s behind" in found.reason) == ("replication", True)
