"""Judging how long a drill took."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.trend import comparable_drills, judge_time


def outcomes(rto_seconds: float, earlier: list[float], budget: float = 0, limit: float = 1.5) -> tuple[str, str]:
    """Return what the budget and the trend say."""
    _trend, findings = judge_time(rto_seconds, [{"seconds": seconds} for seconds in earlier], budget, limit)
    assert [finding.name for finding in findings] == ["budget", "trend"]
    return findings[0].outcome, findings[1].outcome


@pytest.mark.parametrize(
    ("rto_seconds", "budget", "expected"),
    [(10, 0, "skipped"), (10, 10, "ok"), (10.001, 10, "failed")],
    ids=["none", "as much", "more"],
)
def test_a_budget_may_be_used_up_but_not_passed(rto_seconds: float, budget: float, expected: str) -> None:
    """Without one, nothing is said."""
    assert outcomes(rto_seconds, [], budget)[0] == expected


@pytest.mark.parametrize(
    ("rto_seconds", "earlier", "expected"),
    [
        (100, [10, 10], "skipped"),
        (15, [10, 10, 10], "ok"),
        (15.1, [10, 10, 10], "failed"),
        (15.1, [1, 1, 1, 11, 11, 10, 11, 10], "ok"),
        (15.1, [100, 100, 10, 10, 10, 10, 10], "failed"),
    ],
    ids=["too few", "at the limit", "over the limit", "the median of the last five", "older ones do not count"],
)
def test_the_median_of_the_last_five_is_what_is_usual(rto_seconds: float, earlier: list[float], expected: str) -> None:
    """From three drills on."""
    assert outcomes(rto_seconds, earlier)[1] == expected


def test_without_a_limit_nothing_is_compared() -> None:
    """And the sentence names the option."""
    trend, findings = judge_time(100, [{"seconds": 1}] * 3, 0, 0)
    assert (findings[1].outcome, "slowdown_limit" in findings[1].text) == ("skipped", True)
    assert trend.as_dict() == {
        "rto_seconds": 100,
        "budget_seconds": 0,
        "median_seconds": 1,
        "compared": 3,
        "slowdown_limit": 0,
    }


def test_only_drills_of_the_same_kind_that_came_to_the_end_are_compared() -> None:
    """Also those that failed for their time: what is usual grows with the site."""
    timed = [
        ("logical", 1.0, "passed"),
        ("physical", 2.0, "passed"),
        ("logical", None, "failed"),
        ("logical", 3.0, "failed"),
    ]
    records = [
        {"kind": kind, "rto_seconds": seconds, "outcome": outcome, "ended_at": "2026-11-21T03:00:00Z"}
        for kind, seconds, outcome in timed
    ]
    assert comparable_drills([*records, {}], "logical") == [
        {"at": "2026-11-21T03:00:00Z", "seconds": 1.0, "outcome": "passed"},
        {"at": "2026-11-21T03:00:00Z", "seconds": 3.0, "outcome": "failed"},
    ]
    assert len(comparable_drills(records * 40, "physical")) == 30
