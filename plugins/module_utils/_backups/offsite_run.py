"""The states of the module ``backup_offsite``, and the catalogue with what lies off-site; results are JSON values."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from .._bench.layout import find_bench
from .._system.errors import LifeboatError
from .binlog_archive import archive_of
from .catalogue import catalogue, site_folders
from .holds import read_holds
from .manifest import read_manifest
from .offsite_copy import OffsiteCopy
from .offsite_fetch import fetch_set
from .offsite_logs import OffsiteLogs
from .offsite_retention import plan_offsite
from .offsite_sets import OffsiteSet, best_copies, offsite_sets, read_checks, site_tag, with_copies
from .repository import Repository
from .restic_repository import ResticRepository
from .retention import RetentionPolicy
from .retention_binlogs import oldest_position
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
    """Copy the sets of a site, and the binary logs behind them, that are not off-site; read the new copies back.

    Raises:
        LifeboatError: As ``OffsiteCopy``.
    """
    work = OffsiteCopy(repository, site, site_folder, now)
    plan = work.plan(create, check_all)
    if not dry_run:
        work.apply(plan)
    return {
        **plan.as_dict(),
        "changed": plan.create or bool(plan.copied or plan.holds or plan.logs),
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
    replays: Callable[[Sequence[BackupSet]], bool] = lambda _sets: False,
) -> dict[str, Any]:
    """Fetch the set that a recovery would begin with, where it is not, or not whole, on the host; and logs behind it.

    Args:
        repository: Where from.
        local: The local catalogue that a recovery would choose from.
        site: The site's name.
        site_folder: Its folder in the local repository.
        now: The present, in UTC.
        choose: Returns the set that a recovery would begin with, its location saying where it is whole; None for none.
        reserve_bytes: What has to stay free.
        dry_run: Only tell.
        replays: Tells of the same sets whether the recovery goes on from the chosen one over binary logs.

    Raises:
        LifeboatError: As ``choose``, ``fetch_set`` and ``OffsiteLogs.fetch``.
    """
    copies = {copy.snapshot: copy for copy in copies_of(repository, site)}
    sets = _merged(local, repository, list(copies.values()), site_folder)
    chosen = choose(sets)
    if chosen is None:
        return {"changed": False, "diff": {}}
    needed = chosen.offsite if chosen.location == OFFSITE else None
    began = time.monotonic()
    if needed and not dry_run:
        folder = fetch_set(repository, copies[needed["snapshot"]], site_folder, now, reserve_bytes)
        # What is shown of a copy does not tell which of its tables are older than its position.
        chosen = replace(chosen, manifest=read_manifest(folder))
    logs = _fetch_logs(repository, chosen, site_folder, reserve_bytes, dry_run) if replays(sets) else []
    shown = {"name": chosen.name, "folder": str(chosen.folder), "size_bytes": chosen.size_bytes}
    return {
        "changed": needed is not None or bool(logs),
        "chosen": shown,
        "fetched": [shown] if needed else [],
        "logs_fetched": logs,
        "fetch_seconds": round(time.monotonic() - began, 1) if needed or logs else 0.0,
        "diff": {"before": {}, "after": dict.fromkeys([*([chosen.name] if needed else []), *logs], "fetched")},
    }


def _fetch_logs(
    repository: ResticRepository, base: BackupSet, site_folder: Path, reserve_bytes: int, dry_run: bool
) -> list[str]:
    position = oldest_position(base.manifest) if base.manifest else None
    if base.manifest is None or position is None:
        return []
    server = base.manifest.server
    archive = archive_of(Repository.around(site_folder), server.hostname, server.port)
    return OffsiteLogs(repository, archive).fetch(position.file, reserve_bytes, dry_run)


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
