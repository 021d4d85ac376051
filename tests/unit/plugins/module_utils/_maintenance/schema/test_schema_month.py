"""schema.month: a watch takes in the turn of a month."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.month import watch_end


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("since", "days", "end"),
    [
        ("2026-11-21 10:00", 35, "2026-12-26 10:00"),
        ("2026-11-21 10:00", 3, "2026-12-02 00:00"),
        ("2026-11-30 23:59", 1, "2026-12-02 00:00"),
        ("2026-12-31 10:00", 1, "2027-01-02 00:00"),
        # A month that has just turned does not count: its end was not seen.
        ("2027-02-01 00:00", 7, "2027-03-02 00:00"),
        ("2027-01-31 00:00", 0, "2027-02-02 00:00"),
    ],
    ids=str,
)
def test_watch_lasts_its_days_and_over_the_turn_of_a_month(since: str, days: int, end: str) -> None:
    assert watch_end(seconds(since), days) == seconds(end)
