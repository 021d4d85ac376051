"""Retention of the sets of a site: looks, plans, verifies what has to be, and removes, each set after another look."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from .._system.files import NO_SPACE, fsync_folder
from .._system.times import parse_rfc3339
from .catalogue import catalogue
from .chain import read_chain, record_removed
from .digests import changed_files
from .drill_records import PASSED
from .holds import read_holds
from .manifest_sets import is_set_folder, leftovers, manifest_digest
from .recovery_point import format_moment
from .repository import INCOMPLETE_SUFFIX
from .retention import Candidate, Fate, RetentionPolicy, plan_retention
from .set_lock import backup_lock
from .sets import BROKEN, BackupSet

IsRead = Callable[[Path], bool]


@dataclass(frozen=True)
class SitePlan:
    """What retention does with the sets of a site.

    Attributes:
        site: The site's name.
        folder: Its folder in the repository.
        fates: What becomes of each set, newest first.
        digests: The digest of each set's manifest when the plan was made.
        unfinished: Folders of sets whose removal a kill interrupted.
    """

    site: str
    folder: Path
    fates: tuple[Fate, ...]
    digests: Mapping[str, str]
    unfinished: tuple[Path, ...]

    @property
    def going(self) -> list[Fate]:
        """The sets that are removed, oldest first."""
        return [fate for fate in reversed(self.fates) if not fate.kept]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.going and not self.unfinished

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "site": self.site,
            "kept": [fate.as_dict() for fate in self.fates if fate.kept],
            "removed": [fate.as_dict() for fate in self.going],
            "unfinished": [str(folder) for folder in self.unfinished],
            "freed_bytes": sum(fate.candidate.size_bytes for fate in self.going),
        }


def plan_site(
    site: str,
    folder: Path,
    policy: RetentionPolicy,
    now: datetime,
    with_drills: Callable[[list[BackupSet]], list[BackupSet]],
    is_read: IsRead,
) -> SitePlan:
    """Plan the retention of a site's sets; reads as many of the newest ones whole as the plan rests on.

    Args:
        site: The site's name.
        folder: Its folder in the repository.
        policy: What to keep.
        now: The present, in UTC.
        with_drills: Returns sets with the newest drill of each.
        is_read: Tells whether somebody reads the set of a folder.

    Raises:
        LifeboatError: ``holds_damaged`` when nobody can tell which sets are held.
    """
    read_holds(folder)
    sets = {backup.name: backup for backup in with_drills(catalogue([folder], site)) if is_set_folder(backup.folder)}
    candidates = {name: replace(candidate_of(backup), in_use=is_read(backup.folder)) for name, backup in sets.items()}
    fates = verified_plan(candidates, policy, now, lambda name: _is_whole(sets[name]))
    removed = read_chain(folder).removed()
    return SitePlan(
        site,
        folder,
        tuple(fates),
        {name: manifest_digest(backup.folder) for name, backup in sets.items()},
        tuple(path for path in leftovers(folder) if path.name[: -len(INCOMPLETE_SUFFIX)] in removed),
    )


def candidate_of(backup: BackupSet) -> Candidate:
    """Return what retention knows of a set at a glance."""
    return Candidate(
        name=backup.name,
        recovery_point=parse_rfc3339(backup.recovery_point),
        kinds=backup.kinds,
        size_bytes=backup.size_bytes,
        held=backup.held,
        broken=backup.verdict == BROKEN,
        verified=backup.last_drill is not None and backup.last_drill["outcome"] == PASSED,
    )


def verified_plan(
    candidates: Mapping[str, Candidate], policy: RetentionPolicy, now: datetime, verify: Callable[[str], bool]
) -> list[Fate]:
    """Plan, and verify the newest sets that stay until the plan rests on verified ones.

    Args:
        candidates: The sets by name.
        policy: What to keep.
        now: The present, in UTC.
        verify: Reads a set whole and tells whether it is good. It is called for as few as possible, newest first.
    """
    known = dict(candidates)
    while True:
        fates = plan_retention(known.values(), policy, now)
        name = _worth_verifying(known, fates, policy, now)
        if not name:
            return fates
        known[name] = replace(known[name], verified=True) if verify(name) else replace(known[name], broken=True)


def _worth_verifying(
    known: Mapping[str, Candidate], fates: Iterable[Fate], policy: RetentionPolicy, now: datetime
) -> str:
    """Return the newest set without whose verification other sets have to stay; "" when there is none."""
    hoped = plan_retention((replace(one, verified=True) for one in known.values()), policy, now)
    waiting = {fate.candidate.name for fate in fates if fate.kept} - {one.candidate.name for one in hoped if one.kept}
    pillars = [fate.candidate for fate in hoped if fate.is_pillar]
    for one in (known[fate.candidate.name] for fate in hoped if fate.candidate.name in waiting):
        newer = [known[other.name] for other in pillars if other.age_key > one.age_key]
        lacking = set(one.kinds) - {kind for other in newer if other.verified for kind in other.kinds}
        for other in newer:
            if not other.verified and (lacking & set(other.kinds) or not one.kinds):
                return other.name
    return ""


def apply_plan(plan: SitePlan, now: datetime, is_read: IsRead) -> list[str]:
    """Remove what the plan says, each set after another look, and return why others stay after all.

    A set is first remembered as removed on purpose, then renamed, then deleted: a kill leaves it whole, or no set.

    Raises:
        LifeboatError: ``backup_running`` when a backup of the site runs.
        OSError: A set cannot be removed; what was renamed is no set any more.
    """
    refused = []
    with backup_lock(plan.folder):
        for leftover in plan.unfinished:
            remove_folder(leftover)
        for fate in plan.going:
            reason = _why_not_now(plan, fate, is_read)
            if reason:
                refused.append(reason)
                continue
            _remove(plan.folder, fate, format_moment(now.timestamp()))
    return refused


def _remove(folder: Path, fate: Fate, at: str) -> None:
    name = fate.candidate.name

    def record() -> None:
        record_removed(folder, [name], "; ".join(fate.reasons), at)

    try:
        record()
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        # On a full disk the set itself has to make the room for what remembers it.
        take_away(folder / name)
        record()
    else:
        take_away(folder / name)


def take_away(folder: Path) -> None:
    """Remove a set: after the rename it is none any more, whatever happens then."""
    gone = folder.with_name(folder.name + INCOMPLETE_SUFFIX)
    if gone.exists():
        remove_folder(gone)
    folder.rename(gone)
    fsync_folder(folder.parent)
    remove_folder(gone)


def remove_folder(folder: Path) -> None:
    """Delete a folder that is no set, and wait until the disk has forgotten its name."""
    shutil.rmtree(folder)
    fsync_folder(folder.parent)


def _why_not_now(plan: SitePlan, fate: Fate, is_read: IsRead) -> str:
    name = fate.candidate.name
    if is_read(plan.folder / name):
        return f"{name} stays: a recovery or a drill reads it."
    hold = read_holds(plan.folder).get(name)
    if hold is not None and hold.held:
        return f"{name} stays: it was held meanwhile."
    if not _is_same(plan, name):
        return f"{name} stays: it was changed, or removed, since it was looked at."
    pillars = [one.candidate.name for one in plan.fates if one.is_pillar and one.candidate.verified]
    if not all(_is_same(plan, pillar) for pillar in pillars):
        return f"{name} stays: a verified set that was to replace it was changed, or removed, since it was looked at."
    return ""


def _is_same(plan: SitePlan, name: str) -> bool:
    folder = plan.folder / name
    return is_set_folder(folder) and manifest_digest(folder) == plan.digests[name]


def _is_whole(backup: BackupSet) -> bool:
    try:
        return backup.manifest is not None and not changed_files(
            backup.folder, backup.manifest.files, lambda _size, _name: None
        )
    except OSError:
        return False
