"""window: until when the maintenance may go on."""

from __future__ import annotations

from datetime import datetime

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.window import Window, window_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def at(hour: int, minute: int = 0, day: int = 21) -> float:
    return datetime(2026, 11, day, hour, minute).astimezone().timestamp()


@pytest.mark.parametrize(
    ("now", "until", "ends_at"),
    [
        (at(1), "", at(2, 30)),
        (at(1), "04:00", at(4)),
        (at(22), "4:00", at(4, day=22)),
        (at(4, 10), "04:00", at(4)),
        (at(4), "04:00", at(4)),
        (at(1), "2026-11-21T05:00:00+00:00", datetime.fromisoformat("2026-11-21T05:00:00+00:00").timestamp()),
    ],
    ids=["minutes", "today", "tomorrow", "over", "now", "offset"],
)
def test_window_ends_when_it_was_said(now: float, until: str, ends_at: float) -> None:
    assert window_of(now, 90, until, None) == Window(now, ends_at)


@pytest.mark.parametrize("until", ["later", "25:00", "2026-11-21T05:00:00"])
def test_time_that_cannot_be_understood_is_refused(until: str) -> None:
    with pytest.raises(LifeboatError) as refused:
        window_of(at(1), 60, until, None)
    assert refused.value.error_code == "window_invalid"


def test_run_in_a_window_that_is_open_goes_on_with_it() -> None:
    assert window_of(150, 1, "", Window(100, 200)).began_at == 100
    assert window_of(200, 1, "", Window(100, 200)).began_at == 200
    assert window_of(50, 1, "", Window(100, 200)).began_at == 50


def test_what_takes_as_long_as_there_is_time_fits() -> None:
    assert Window(0, 10).fits(4, 6)
    assert not Window(0, 10).fits(4, 6.1)
