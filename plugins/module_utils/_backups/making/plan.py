"""Whether a backup is needed, and what it will take. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._system.errors import LifeboatError
from ..._system.quantities import bytes_text
from ..._system.times import parse_rfc3339
from ..manifest import LOGICAL, PHYSICAL
from ..names import DATABASE
from ..sets import COMPLETE, BackupSet

# Dumps of real sites shrink to a tenth of their tables; this is for one whose rows hold what was compressed before.
DUMP_SHARE_OF_DATA = 0.5
# What the last set took is the better guess; a site grows.
GROWTH = 1.25


@dataclass(frozen=True)
class BackupPlan:
    """What a backup would do.

    Attributes:
        needed: Whether a set is made.
        reason: Why, or why not, as a sentence.
        kinds: logical, physical or both.
        newest: The name of the newest set that is there; "" when there is none.
        removes: Leftovers of backups that did not end, which go first.
        needed_bytes: What the set will take at most; 0 when none is made.
        free_bytes: What is free where it goes.
    """

    needed: bool
    reason: str
    kinds: tuple[str, ...]
    newest: str
    removes: tuple[str, ...]
    needed_bytes: int
    free_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**self.__dict__, "kinds": list(self.kinds), "removes": list(self.removes)}


def why_needed(
    newest: BackupSet | None,
    database: str,
    kinds: Collection[str],
    encryption: str,
    max_age_seconds: int,
    now: datetime,
) -> str:
    """Return why a new set is needed; "" when the newest one will do.

    Args:
        newest: The set that was made last; None when there is none.
        database: The database that the site lives in now.
        kinds: What the set has to be.
        encryption: The wanted encryption: ``gpg``, ``age`` or "".
        max_age_seconds: How old it may be; 0 for a new one in any case.
        now: The time.
    """
    if newest is None:
        return "There is no set yet."
    return _unfit(newest, database, kinds, encryption) or _too_old(newest, max_age_seconds, now)


def _unfit(newest: BackupSet, database: str, kinds: Collection[str], encryption: str) -> str:
    if newest.verdict != COMPLETE or newest.manifest is None:
        return f"The newest set {newest.name} is {newest.verdict}."
    if newest.manifest.database != database:
        # No replay leads from the one over to the other.
        return f"The newest set {newest.name} is from before the site was recovered into another database."
    if not set(kinds) <= set(newest.kinds):
        return f"The newest set {newest.name} is {' and '.join(newest.kinds)} only."
    if newest.manifest.encryption != encryption:
        return f"The newest set {newest.name} is {newest.manifest.encryption or 'not'} encrypted."
    return ""


def _too_old(newest: BackupSet, max_age_seconds: int, now: datetime) -> str:
    age_seconds = (now - parse_rfc3339(newest.recovery_point)).total_seconds()
    if age_seconds < 0:
        return f"The newest set {newest.name} is of a time that is still to come: the clock was set back."
    if age_seconds >= max_age_seconds:
        return f"The newest set {newest.name} is {age_seconds:.0f} seconds old; {max_age_seconds} are allowed."
    return ""


def dump_bytes(data_bytes: int, earlier: Sequence[BackupSet]) -> int:
    """Return what a dump will take on the disk at most, as far as that can be told.

    Args:
        data_bytes: What the rows take in the server.
        earlier: Sets that are there, newest first.
    """
    sizes = (artifact.size_bytes for backup in earlier if (artifact := backup.artifact(DATABASE)) is not None)
    last_bytes = next(sizes, None)
    return int(data_bytes * DUMP_SHARE_OF_DATA if last_bytes is None else last_bytes * GROWTH)


@dataclass(frozen=True)
class Sizes:
    """What the parts of a set take: the dump, the files of tables, and the archives of the site's files."""

    dump_bytes: int
    table_bytes: int
    files_bytes: int


def needed_bytes(sizes: Sizes, kinds: Collection[str], archived: bool) -> int:
    """Return what a backup takes at its peak.

    Args:
        sizes: Of its parts.
        kinds: What the set is.
        archived: The files of tables go into an archive.
    """
    peak_bytes = sizes.files_bytes
    if LOGICAL in kinds:
        peak_bytes += sizes.dump_bytes
    if PHYSICAL in kinds:
        # Beside the copy there is, for a while, that of the server which proves it, or the archive.
        copies = 2 if LOGICAL in kinds or archived else 1
        peak_bytes += copies * sizes.table_bytes
    return peak_bytes


def check_space(site: str, folder: str, needed_bytes: int, free_bytes: int, reserve_bytes: int) -> None:
    """Refuse a backup for which there is no room.

    Raises:
        LifeboatError: ``disk_space``.
    """
    if needed_bytes + reserve_bytes > free_bytes:
        raise LifeboatError(
            f"Cannot back up {site} to {folder}: the set may take {bytes_text(needed_bytes)} and "
            f"{bytes_text(reserve_bytes)} must stay free, but only {bytes_text(free_bytes)} are. "
            "Make room there, keep fewer sets, or give another repository_path. The sets that are there were not "
            "touched.",
            "disk_space",
            {"needed_bytes": needed_bytes, "free_bytes": free_bytes, "reserve_bytes": reserve_bytes},
        )
