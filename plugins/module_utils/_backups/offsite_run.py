"""The states of the module ``backup_offsite``, and the catalogue with what lies off-site; results are JSON values."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from .._bench.layout import find_bench
from .._system.errors import LifeboatError
from .catalogue import catalogue, site_folders
from .holds import read_holds
from .offsite_copy import OffsiteCopy
from .offsite_fetch import fetch_set
from .offsite_retention import plan_offsite
from .offsite_sets import OffsiteSet, best_copies, offsite_sets, read_checks, site_tag, with_copies
from .repository import Repository
from .restic_repository import ResticRepository
from .retention import RetentionPolicy
from .sets import OFFSITE, BackupSet


def local_sets(site: str, bench_path: str | None, repository: Repository) -> list[BackupSet]:
    """Return the sets of a site on this host; after a disaster the bench, or the site in it, may be gone."""
    try:
        folders = site_folders(find_bench(site, bench_path).site(site), repository)
    except LifeboatError:
        folders = (repository.site_folder(site),)
    return catalogue(folders, site)


def copies_of(repository: ResticRepository, site: str) -> list[OffsiteSet]:
    """Return all copies of a site's sets."""
    return offsite_sets(repository.snapshots(site_tag(site)))


def with_offsite(
    local: Sequence[BackupSet], repository: ResticRepository, site: str, site_folder: Path
) -> list[BackupSet]:
    """Return a site's local sets, each with its copy, and those that are off-site alone; newest first.

    Raises:
        LifeboatError: What keeps the repository from being looked at.
    """
    return _merged(local, repository, copies_of(repository, site), site_folder)


def _merged(
    local: Sequence[BackupSet], repository: ResticRepository, copies: Sequence[OffsiteSet], site_folder: Path
) -> list[BackupSet]:
    checks = read_checks(site_folder, repository.name)
    return with_copies(local, best_copies(copies, checks), site_folder, repository.name, checks)


def copy_sets(
    repository: ResticRepository,
    site: str,
    site_folder: Path,
    now: datetime,
    *,
    create: bool,
    check_all: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Copy the sets of a site that are not off-site yet, and read the new copies back.

    Raises:
        LifeboatError: As ``OffsiteCopy``.
    """
    work = OffsiteCopy(repository, site, site_folder, now)
    plan = work.plan(create, check_all)
    if not dry_run:
        work.apply(plan)
    return {
        **plan.as_dict(),
        "changed": plan.create or bool(plan.copied or plan.holds),
        "diff": {"before": {}, "after": {backup.name: "copied" for backup in plan.copied}},
    }


def fetch(
    repository: ResticRepository,
    local: Sequence[BackupSet],
    site: str,
    site_folder: Path,
    now: datetime,
    *,
    choose: Callable[[Sequence[BackupSet]], BackupSet | None],
    reserve_bytes: int,
    dry_run: bool,
) -> dict[str, Any]:
    """Fetch the set that a recovery would begin with, where it is not, or not whole, on the host.

    Args:
        repository: Where from.
        local: The local catalogue that a recovery would choose from.
        site: The site's name.
        site_folder: Its folder in the local repository.
        now: The present, in UTC.
        choose: Returns the set that a recovery would begin with, its location saying where it is whole; None for none.
        reserve_bytes: What has to stay free.
        dry_run: Only tell.

    Raises:
        LifeboatError: As ``choose`` and ``fetch_set``.
    """
    copies = {copy.snapshot: copy for copy in copies_of(repository, site)}
    chosen = choose(_merged(local, repository, list(copies.values()), site_folder))
    if chosen is None:
        return {"changed": False, "diff": {}}
    needed = chosen.offsite if chosen.location == OFFSITE else None
    began = time.monotonic()
    if needed and not dry_run:
        fetch_set(repository, copies[needed["snapshot"]], site_folder, now, reserve_bytes)
    shown = {"name": chosen.name, "folder": str(chosen.folder), "size_bytes": chosen.size_bytes}
    return {
        "changed": needed is not None,
        "chosen": shown,
        "fetched": [shown] if needed else [],
        "fetch_seconds": round(time.monotonic() - began, 1) if needed else 0.0,
        "diff": {"before": {}, "after": {chosen.name: "fetched"} if needed else {}},
    }


def retain_copies(
    repository: ResticRepository,
    site: str,
    site_folder: Path,
    policy: RetentionPolicy,
    now: datetime,
    *,
    prune: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Forget the copies that no rule keeps.

    Raises:
        LifeboatError: ``holds_damaged``, ``offsite_locked`` and what else keeps restic from it.
    """
    checks = read_checks(site_folder, repository.name)
    plan = plan_offsite(copies_of(repository, site), checks, read_holds(site_folder), policy, now)
    if plan.snapshots and not dry_run:
        repository.forget(plan.snapshots)
        if prune:
            repository.prune()
    return {
        "changed": bool(plan.snapshots),
        "kept": [fate.as_dict() for fate in plan.fates if fate.kept],
        "removed": [fate.as_dict() for fate in plan.fates if not fate.kept],
        "forgotten": list(plan.snapshots),
        "diff": {
            "before": {"sets": [fate.candidate.name for fate in plan.fates]},
            "after": {"sets": [fate.candidate.name for fate in plan.fates if fate.kept]},
        },
    }
