"""Retention of a repository: site by site, each on its own, and then the binary logs that no set needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Callable

from .._system.errors import LifeboatError
from .inventory import with_drills
from .repository import Repository
from .retention import RetentionPolicy
from .retention_binlogs import BinlogPlan, apply_binlogs, plan_binlogs
from .retention_run import IsRead, SitePlan, apply_plan, plan_site
from .sets import BackupSet


@dataclass(frozen=True)
class _Outcome:
    """How it went with one site."""

    plan: SitePlan | None = None
    refused: tuple[str, ...] = ()
    error: LifeboatError | None = None

    @property
    def changed(self) -> bool:
        """Whether anything went, or would go."""
        return self.plan is not None and len(self.plan.going) + len(self.plan.unfinished) > len(self.refused)


def retain(
    repository: Repository,
    sites: Sequence[str],
    policy: RetentionPolicy,
    now: datetime,
    *,
    state_path: Path,
    is_read: Callable[[str, Path], bool],
    binlogs: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Remove the sets that no rule keeps, and the logs that no set needs; return that, or the plan, as JSON values.

    Args:
        repository: Where the sets lie.
        sites: The sites; one that has no set has nothing to remove.
        policy: What to keep.
        now: The present, in UTC.
        state_path: Where the records of drills lie.
        is_read: Tells whether somebody reads a set of a site, by its folder.
        binlogs: Look at the archives of binary logs as well.
        dry_run: Only plan.

    Raises:
        LifeboatError: What kept a site from being done, when all others are.
    """
    outcomes = [
        _retain_site(repository, site, policy, now, state_path, partial(is_read, site), dry_run) for site in sites
    ]
    plans = [outcome.plan for outcome in outcomes if outcome.plan is not None]
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    going = [plan.folder / fate.candidate.name for plan in plans for fate in plan.going] if dry_run else []
    logs = plan_binlogs(repository, going) if binlogs else []
    if not dry_run:
        errors += _remove_logs(repository, logs)
    result = {
        "changed": any(outcome.changed for outcome in outcomes) or any(plan.going for plan in logs),
        "sites": [plan.as_dict() for plan in plans],
        "binlogs": [plan.as_dict() for plan in logs],
        "refused": [reason for outcome in outcomes for reason in outcome.refused],
        "freed_bytes": sum(fate.candidate.size_bytes for plan in plans for fate in plan.going)
        + sum(plan.freed_bytes for plan in logs),
        "diff": {
            "before": {plan.site: [fate.candidate.name for fate in plan.fates] for plan in plans},
            "after": {plan.site: [fate.candidate.name for fate in plan.fates if fate.kept] for plan in plans},
        },
    }
    if errors:
        raise LifeboatError(errors[0].message, errors[0].error_code, {**errors[0].details, "result": result})
    return result


def _remove_logs(repository: Repository, plans: Sequence[BinlogPlan]) -> list[LifeboatError]:
    try:
        apply_binlogs(repository, plans)
    except LifeboatError as error:
        return [error]
    return []


def _retain_site(
    repository: Repository,
    site: str,
    policy: RetentionPolicy,
    now: datetime,
    state_path: Path,
    is_read: IsRead,
    dry_run: bool,
) -> _Outcome:
    def drilled(sets: list[BackupSet]) -> list[BackupSet]:
        return with_drills(sets, state_path, site)

    try:
        plan = plan_site(site, repository.site_folder(site), policy, now, drilled, is_read)
        refused = [] if dry_run or plan.is_empty else apply_plan(plan, now, is_read)
    except LifeboatError as error:
        return _Outcome(error=error)
    return _Outcome(plan, tuple(refused))
