"""Retention of the copies off-site: the same rules as for the sets on the host. Pure planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .._system.times import parse_rfc3339
from .holds import Hold
from .offsite_sets import CopyCheck, OffsiteSet, best_copies
from .retention import Candidate, Fate, RetentionPolicy, plan_retention


@dataclass(frozen=True)
class OffsitePlan:
    """What becomes of the copies, newest first, and the snapshots that are forgotten."""

    fates: tuple[Fate, ...]
    snapshots: tuple[str, ...]


def plan_offsite(
    copies: Sequence[OffsiteSet],
    checks: Mapping[str, CopyCheck],
    holds: Mapping[str, Hold],
    policy: RetentionPolicy,
    now: datetime,
) -> OffsitePlan:
    """Plan which copies go: those of sets that no rule keeps, and those that a better copy of the same set replaces.

    Args:
        copies: All copies of a site's sets.
        checks: Which copies were read back whole, by their marks; only those replace others.
        holds: What was said of held sets on this host.
        policy: What to keep.
        now: The present, in UTC.
    """
    best = {copy.name: copy for copy in best_copies(copies, checks)}
    fates = plan_retention((_candidate(copy, checks, holds.get(copy.name)) for copy in best.values()), policy, now)
    kept = {fate.candidate.name: fate.candidate for fate in fates if fate.kept}
    going = [
        copy.snapshot
        for copy in copies
        if copy.name not in kept or (copy != best[copy.name] and kept[copy.name].verified)
    ]
    return OffsitePlan(tuple(fates), tuple(going))


def _candidate(copy: OffsiteSet, checks: Mapping[str, CopyCheck], hold: Hold | None) -> Candidate:
    check = checks.get(copy.mark)
    return Candidate(
        name=copy.name,
        recovery_point=parse_rfc3339(copy.manifest.recovery_point),
        kinds=copy.manifest.kinds,
        size_bytes=sum(file.size_bytes for file in copy.manifest.files),
        held=copy.held or (hold is not None and hold.held),
        broken=check is not None and bool(check.problem),
        verified=check is not None and not check.problem,
    )
