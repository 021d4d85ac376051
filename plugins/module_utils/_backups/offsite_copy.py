"""Copying sets off-site: what is to be copied, checked and held is planned, then done, set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .binlog_archive import archive_of
from .catalogue import catalogue
from .copy_check import copy_problem
from .digests import changed_files
from .holds import Hold, read_holds
from .manifest import read_manifest
from .manifest_sets import manifest_digest
from .offsite_logs import OffsiteLogs
from .offsite_sets import (
    HELD_TAG,
    CopyCheck,
    OffsiteSet,
    best_copies,
    offsite_sets,
    read_checks,
    site_tag,
    tags_of,
    write_checks,
)
from .recovery_point import format_moment
from .repository import Repository
from .restic_repository import ResticRepository
from .sets import COMPLETE, BackupSet


@dataclass(frozen=True)
class CopyPlan:
    """What there is to do.

    Attributes:
        create: The repository has to be made.
        copied: The sets to copy, oldest first.
        checked: The copies to read back, which were never read, or had a fault when they were.
        holds: The copies whose tag does not say yet whether their set is held, and what it is to say.
        logs: The archived binary logs to copy.
    """

    create: bool
    copied: tuple[BackupSet, ...]
    checked: tuple[OffsiteSet, ...]
    holds: tuple[tuple[OffsiteSet, bool], ...]
    logs: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "created": self.create,
            "copied": [{"name": backup.name, "size_bytes": backup.size_bytes} for backup in self.copied],
            "checked": [copy.name for copy in self.checked],
            "held": [copy.name for copy, held in self.holds if held],
            "released": [copy.name for copy, held in self.holds if not held],
            "logs_copied": list(self.logs),
        }


def plan_copies(
    local: Sequence[BackupSet],
    copies: Sequence[OffsiteSet],
    checks: Mapping[str, CopyCheck],
    holds: Mapping[str, Hold],
    *,
    create: bool = False,
    check_all: bool = False,
) -> CopyPlan:
    """Plan what is to be copied of a site.

    Args:
        local: The local catalogue of the site; only whole sets with a manifest are copied.
        copies: All copies of the site's sets off-site.
        checks: Which copies were read back whole, by their marks.
        holds: What was said of held sets.
        create: Whether the repository is still to be made.
        check_all: Read every copy back, not only those that never were.
    """
    there = {(copy.name, copy.manifest_sha256) for copy in copies}
    whole = [backup for backup in local if backup.manifest is not None and backup.verdict == COMPLETE]
    best = best_copies(copies, checks)
    return CopyPlan(
        create,
        tuple(backup for backup in reversed(whole) if (backup.name, manifest_digest(backup.folder)) not in there),
        tuple(copy for copy in best if check_all or copy.mark not in checks or checks[copy.mark].problem),
        tuple((copy, holds[copy.name].held) for copy in best if _differs(copy, holds.get(copy.name))),
    )


def _differs(copy: OffsiteSet, hold: Hold | None) -> bool:
    return hold is not None and hold.held != copy.held


class OffsiteCopy:
    """Copies the sets of one site, and the binary logs that lead from them to a later moment.

    Args:
        repository: Where to.
        site: The site's name.
        site_folder: Its folder in the local repository.
        now: The present, in UTC.
    """

    def __init__(self, repository: ResticRepository, site: str, site_folder: Path, now: datetime) -> None:
        self._repository = repository
        self._site = site
        self._site_folder = site_folder
        self._now = format_moment(now.timestamp())
        self._checks = read_checks(site_folder, repository.name)

    def plan(self, create: bool, check_all: bool) -> CopyPlan:
        """Look and plan.

        Args:
            create: Whether a repository that does not exist may be made.
            check_all: Read every copy back.

        Raises:
            LifeboatError: ``offsite_missing``, ``offsite_password_wrong``, ``offsite_failed``, ``holds_damaged``.
        """
        try:
            copies, missing = self._copies(), False
        except LifeboatError as error:
            if not create or error.error_code != "offsite_missing":
                raise
            copies, missing = [], True
        local = catalogue([self._site_folder], self._site)
        holds = read_holds(self._site_folder)
        plan = plan_copies(local, copies, self._checks, holds, create=missing, check_all=check_all)
        logs = [name for archive in self._archives(local) for name in archive.missing(is_empty=missing)]
        return replace(plan, logs=tuple(logs))

    def apply(self, plan: CopyPlan) -> None:
        """Do what the plan says; what cannot be copied costs nothing else its copy.

        Raises:
            LifeboatError: The first that went wrong, when all else is done: ``backup_changed`` for a set that is not
                what its manifest says, ``offsite_changed`` for a copy that is not.
        """
        if plan.create:
            self._repository.create()
        errors = [error for backup in plan.copied for error in self._copy(backup)]
        for copy, held in plan.holds:
            self._repository.change_tag(copy.snapshot, HELD_TAG, held)
        wanted = {copy.mark for copy in plan.checked}
        present = self._copies() if plan.copied or plan.checked else []
        fresh = {backup.name for backup in plan.copied}
        for copy in best_copies(present, self._checks):
            if copy.mark in wanted or (copy.name in fresh and copy.mark not in self._checks):
                errors += self._check(copy, is_new=copy.name in fresh and copy.mark not in wanted)
        errors += self._copy_logs(plan)
        if errors:
            raise errors[0]

    def _copies(self) -> list[OffsiteSet]:
        return offsite_sets(self._repository.snapshots(site_tag(self._site)))

    def _archives(self, sets: Sequence[BackupSet]) -> list[OffsiteLogs]:
        """Return the archives of the servers that the site's sets come from."""
        known = (backup.manifest for backup in sets if backup.manifest is not None and backup.manifest.position)
        servers = dict.fromkeys((manifest.server.hostname, manifest.server.port) for manifest in known)
        local = Repository.around(self._site_folder)
        return [OffsiteLogs(self._repository, archive_of(local, *server)) for server in servers]

    def _copy_logs(self, plan: CopyPlan) -> list[LifeboatError]:
        archives = self._archives(catalogue([self._site_folder], self._site))
        due = [archive for archive in archives if plan.logs or not archive.is_read_back]
        return [error for archive in due for error in _copy_archive(archive)]

    def _copy(self, backup: BackupSet) -> list[LifeboatError]:
        try:
            manifest = read_manifest(backup.folder)
            problems = changed_files(backup.folder, manifest.files, lambda _size, _name: None)
            if problems:
                raise LifeboatError(
                    f"The set {backup.name} was not copied off-site: {problems[0]} Make a new backup, and look at the "
                    "disk.",
                    "backup_changed",
                    {"set": backup.name, "problems": problems},
                )
            self._repository.back_up(backup.folder, tags_of(manifest, manifest_digest(backup.folder)))
        except LifeboatError as error:
            return [error]
        except OSError as error:
            return [_unreadable(backup, error)]
        return []

    def _check(self, copy: OffsiteSet, is_new: bool) -> list[LifeboatError]:
        try:
            problem = copy_problem(self._repository, copy)
            if problem and is_new:
                # It was never good, so it must not look as if it were; its set is copied again next time.
                self._repository.forget([copy.snapshot])
            else:
                self._checks[copy.mark] = CopyCheck(self._now, problem)
                write_checks(self._site_folder, self._repository.name, self._checks)
        except LifeboatError as error:
            return [error]
        if not problem:
            return []
        return [
            LifeboatError(
                f"A copy in the off-site repository {self._repository.name} cannot be used. {problem} Look with restic "
                "check --read-data, mend the repository, and copy the set again.",
                "offsite_changed",
                {"set": copy.name, "snapshot": copy.snapshot},
            )
        ]


def _copy_archive(archive: OffsiteLogs) -> list[LifeboatError]:
    try:
        archive.copy()
    except LifeboatError as error:
        return [error]
    return []


def _unreadable(backup: BackupSet, error: OSError) -> LifeboatError:
    return LifeboatError(
        f"The set {backup.name} was not copied off-site: {error.filename} cannot be read ({error.strerror}). It was "
        "removed meanwhile, or the disk fails.",
        "backup_changed",
        {"set": backup.name},
    )
