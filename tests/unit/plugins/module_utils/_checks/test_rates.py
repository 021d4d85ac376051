"""Rates between two samples."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Rates, Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError

BEFORE = Sample(100.0, 50.0, {"reads": 10, "misses": 1, "gone": 1})


def after(at_seconds: float = 110.0, started: float = 50.0, reads: float = 30) -> Sample:
    return Sample(at_seconds, started, {"reads": reads, "misses": 6})


def test_growth_rate_and_share() -> None:
    rates = Rates(BEFORE, after())
    assert rates.seconds == 10
    assert rates.increase("reads") == 20
    assert rates.per_second("reads") == 2
    assert rates.share("misses", "reads") == 25


def test_share_of_nothing_is_nothing() -> None:
    assert Rates(BEFORE, after(reads=10)).share("misses", "reads") == 0


@pytest.mark.parametrize(
    ("later", "name", "reason"),
    [
        (after(), "gone", "is not there"),
        (after(), "never", "is not there"),
        (after(at_seconds=100.2), "reads", "two samples"),
        (after(started=104.0), "reads", "was reset"),
        (after(reads=5), "reads", "was reset"),
    ],
)
def test_what_cannot_be_told(later: Sample, name: str, reason: str) -> None:
    with pytest.raises(UnmeasurableError, match=reason):
        Rates(BEFORE, later).increase(name)


def test_start_that_wavers_by_a_rounded_uptime_is_no_restart() -> None:
    assert not Rates(BEFORE, after(started=51.0)).is_over_a_restart
