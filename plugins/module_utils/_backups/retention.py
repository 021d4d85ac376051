"""Which sets of a site are kept: grandfather-father-son over whole sets. Pure planning.

Periods are counted, not measured: the last seven days that have a set, not the days since a moment ago. So a clock that
jumps removes nothing. Days, weeks, months and years are those of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Callable

# What a clock of another host, or one that was just set, may be ahead.
FUTURE_SECONDS = 300


@dataclass(frozen=True)
class RetentionPolicy:
    """How many periods keep their latest set, and how many sets stay whatever their age."""

    keep_daily: int
    keep_weekly: int
    keep_monthly: int
    keep_yearly: int
    keep_minimum: int


@dataclass(frozen=True)
class Candidate:
    """What retention knows of a set.

    Attributes:
        name: The set's name.
        recovery_point: The moment that its data is of.
        kinds: logical, physical or both; empty where its manifest cannot be understood.
        size_bytes: What its removal frees.
        held: A person holds it.
        broken: It cannot be used.
        in_use: A recovery or a drill reads it.
        verified: Every byte of it was compared with its manifest, or a drill of it passed.
    """

    name: str
    recovery_point: datetime
    kinds: tuple[str, ...]
    size_bytes: int
    held: bool = False
    broken: bool = False
    in_use: bool = False
    verified: bool = False

    @property
    def age_key(self) -> tuple[datetime, str]:
        """What sorts sets from the oldest to the newest, also those of one moment."""
        return self.recovery_point, self.name


@dataclass(frozen=True)
class Fate:
    """What becomes of a set, and why; a pillar is a good set that a rule keeps: verified, it may replace others."""

    candidate: Candidate
    kept: bool
    reasons: tuple[str, ...]
    is_pillar: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the set and the reasons as JSON values."""
        moment = self.candidate.recovery_point.strftime("%Y-%m-%dT%H:%M:%SZ")
        kinds, reasons = list(self.candidate.kinds), list(self.reasons)
        return {**asdict(self.candidate), "recovery_point": moment, "kinds": kinds, "reasons": reasons}


_PERIODS: tuple[tuple[str, str, Callable[[datetime], tuple[int, ...]]], ...] = (
    ("keep_daily", "day", lambda moment: (moment.year, moment.month, moment.day)),
    ("keep_weekly", "week", lambda moment: moment.isocalendar()[:2]),
    ("keep_monthly", "month", lambda moment: (moment.year, moment.month)),
    ("keep_yearly", "year", lambda moment: (moment.year,)),
)


def plan_retention(sets: Iterable[Candidate], policy: RetentionPolicy, now: datetime) -> list[Fate]:
    """Return what becomes of each set, newest first.

    A set goes only when no rule keeps it, and sets that are newer, stay and were verified have every kind that it has.
    A broken set counts for no rule, and goes when enough good ones are there.

    Args:
        sets: All sets of one site.
        policy: What to keep.
        now: The present; its zone is UTC, as that of the recovery points.
    """
    ordered = sorted(sets, key=lambda candidate: candidate.age_key, reverse=True)
    past = [one for one in ordered if (one.recovery_point - now).total_seconds() <= FUTURE_SECONDS]
    good = [candidate for candidate in past if not candidate.broken]
    reasons: dict[str, list[str]] = {candidate.name: [] for candidate in ordered}
    _keep(reasons, [one for one in ordered if one.held], "held")
    _keep(reasons, [one for one in ordered if one.in_use], "a recovery or a drill reads it")
    _keep(reasons, [one for one in ordered if one not in past], "it is of a moment that has not come")
    _keep(reasons, good[: max(policy.keep_minimum, 1)], f"one of the newest {max(policy.keep_minimum, 1)}")
    for kind in sorted({kind for candidate in good for kind in candidate.kinds}):
        _keep(reasons, [one for one in good if kind in one.kinds][:1], f"the newest {kind} one")
    for field, period, period_of in _PERIODS:
        latest = {period_of(one.recovery_point): one for one in reversed(good)}
        chosen = [latest[key] for key in sorted(latest, reverse=True)[: getattr(policy, field)]]
        _keep(reasons, chosen, f"the latest of its {period}")
    if len(good) < policy.keep_minimum:
        _keep(reasons, [one for one in past if one.broken], f"there are fewer than {policy.keep_minimum} good ones")
    pillars = [one for one in good if reasons[one.name]]
    for candidate in ordered:
        if not reasons[candidate.name] and not _is_replaced(candidate, pillars):
            _keep(reasons, [candidate], "no newer set that stays was verified")
    return [_fate(candidate, reasons[candidate.name], candidate in pillars) for candidate in ordered]


def _keep(reasons: dict[str, list[str]], kept: Sequence[Candidate], reason: str) -> None:
    for candidate in kept:
        reasons[candidate.name].append(reason)


def _is_replaced(candidate: Candidate, pillars: Sequence[Candidate]) -> bool:
    newer = [one for one in pillars if one.verified and one.age_key > candidate.age_key]
    return bool(newer) and set(candidate.kinds) <= {kind for one in newer for kind in one.kinds}


def _fate(candidate: Candidate, reasons: list[str], is_pillar: bool) -> Fate:
    gone = "broken" if candidate.broken else "no rule keeps it"
    return Fate(candidate, bool(reasons), tuple(reasons) or (gone,), is_pillar)
