"""Judging how long a drill took: against the budget, and against the drills before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from .._system.quantities import duration_text
from .findings import FAILED, OK, SKIPPED, Finding

DRILLS_COMPARED = 5
# The median of one or two drills says little about what is usual.
FEWEST_DRILLS_COMPARED = 3
# What a plot can show.
HISTORY_SHOWN = 30
# "More than 1.5 times the median of the last five": what was asked of drills.
SLOWDOWN_LIMIT = 1.5


@dataclass(frozen=True)
class Trend:
    """How the time of a drill stands among the comparable ones.

    Attributes:
        rto_seconds: What a recovery would have taken: the phases that it has as well.
        budget_seconds: What it may take; 0 for no budget.
        median_seconds: Of the last comparable drills; None while there are too few.
        compared: How many drills the median is of.
        slowdown_limit: How many times the median it may take; 0 for no limit.
    """

    rto_seconds: float
    budget_seconds: float
    median_seconds: float | None
    compared: int
    slowdown_limit: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def comparable_drills(records: Iterable[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return when the drills of a kind ended, what they took and how they ended: those whose recovery was whole.

    A logical load, a physical one and a replay take different times for the same site, so only drills of the same kind
    are compared. A drill that failed for its time counts: when a site has grown, what is usual grows with it, after
    failures that somebody saw.
    """
    whole = [
        {"at": record["ended_at"], "seconds": float(record["rto_seconds"]), "outcome": record["outcome"]}
        for record in records
        if record.get("kind") == kind and record.get("rto_seconds") is not None
    ]
    return whole[-HISTORY_SHOWN:]


def judge_time(
    rto_seconds: float, earlier: Sequence[Mapping[str, Any]], budget_seconds: float, slowdown_limit: float
) -> tuple[Trend, list[Finding]]:
    """Judge the time of a drill; returns the trend and a finding for the budget and one for the trend.

    Args:
        rto_seconds: What a recovery would have taken.
        earlier: What ``comparable_drills`` returned of those before it.
        budget_seconds: 0 for no budget.
        slowdown_limit: 0 for no limit.
    """
    last = [float(drill["seconds"]) for drill in earlier][-DRILLS_COMPARED:]
    usual = round(median(last), 3) if len(last) >= FEWEST_DRILLS_COMPARED else None
    trend = Trend(rto_seconds, budget_seconds, usual, len(last), slowdown_limit)
    return trend, [_judge_budget(trend), _judge_slowdown(trend)]


def _judge_budget(trend: Trend) -> Finding:
    took, budget = duration_text(trend.rto_seconds), duration_text(trend.budget_seconds)
    if not trend.budget_seconds:
        return Finding("budget", SKIPPED, f"The recovery took {took}; no budget is set (rto_budget_seconds).")
    if trend.rto_seconds > trend.budget_seconds:
        return Finding("budget", FAILED, f"The recovery took {took}, more than its budget of {budget}.")
    return Finding("budget", OK, f"The recovery took {took}, within its budget of {budget}.")


def _judge_slowdown(trend: Trend) -> Finding:
    took = duration_text(trend.rto_seconds)
    if not trend.slowdown_limit:
        return Finding("trend", SKIPPED, f"The recovery took {took}; it is not compared with others (slowdown_limit).")
    if trend.median_seconds is None:
        return Finding(
            "trend",
            SKIPPED,
            f"The recovery took {took}; there are {trend.compared} comparable drills before this one, and "
            f"{FEWEST_DRILLS_COMPARED} are needed to say what is usual.",
        )
    usual = f"the median of the last {trend.compared} comparable drills, {duration_text(trend.median_seconds)}"
    if trend.rto_seconds > trend.slowdown_limit * trend.median_seconds:
        return Finding("trend", FAILED, f"The recovery took {took}, more than {trend.slowdown_limit:g} times {usual}.")
    return Finding("trend", OK, f"The recovery took {took}; {usual}.")
