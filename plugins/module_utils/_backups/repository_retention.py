"""Retention of a repository: site by site, each on its own, and then the binary logs that no set needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .inventory import with_drills
from .repository import Repository
from .retention import RetentionPolicy
from .retention_run import SitePlan, apply_plan, plan_site
from .sets import BackupSet


@dataclass(frozen=True)
class _Outcome:
    """How it went with one site."""

    plan: SitePlan | None = None
    refused: tuple[str, ...] = ()
    error: LifeboatError | None = None


def retain(
    repository: Repository,
    sites: Sequence[str],
    policy: RetentionPolicy,
    now: datetime,
    *,
    state_path: Path,
    dry_run: bool,
) -> dict[str, Any]:
    """Remove the sets that no rule keeps, and return what was, or would be, done, as JSON values.

    Args:
        repository: Where the sets lie.
        sites: The sites; one that has no set has nothing to remove.
        policy: What to keep.
        now: The present, in UTC.
        state_path: Where the records of drills lie.
        dry_run: Only plan.

    Raises:
        LifeboatError: What kept a site from being done, when all others are.
    """
    outcomes = [_retain_site(repository, site, policy, now, state_path, dry_run) for site in sites]
    plans = [outcome.plan for outcome in outcomes if outcome.plan is not None]
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    result = {
        "changed": any(not plan.is_empty for plan in plans),
        "sites": [plan.as_dict() for plan in plans],
        "refused": [reason for outcome in outcomes for reason in outcome.refused],
        "freed_bytes": sum(fate.candidate.size_bytes for plan in plans for fate in plan.going),
        "diff": {
            "before": {plan.site: [fate.candidate.name for fate in plan.fates] for plan in plans},
            "after": {plan.site: [fate.candidate.name for fate in plan.fates if fate.kept] for plan in plans},
        },
    }
    if errors:
        raise LifeboatError(errors[0].message, errors[0].error_code, {**errors[0].details, "result": result})
    return result


def _retain_site(
    repository: Repository, site: str, policy: RetentionPolicy, now: datetime, state_path: Path, dry_run: bool
) -> _Outcome:
    def drilled(sets: list[BackupSet]) -> list[BackupSet]:
        return with_drills(sets, state_path, site)

    try:
        plan = plan_site(site, repository.site_folder(site), policy, now, drilled)
        refused = [] if dry_run or plan.is_empty else apply_plan(plan, now)
    except LifeboatError as error:
        return _Outcome(error=error)
    return _Outcome(plan, tuple(refused))
