"""What ``bench drop-site`` left of a site in ``archived/sites``, and the backup that proves that it may go."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .._backups.catalogue import catalogue
from .._backups.digests import changed_files
from .._backups.manifest_sets import is_set_folder
from .._backups.repository import Repository
from .._backups.sets import COMPLETE, BackupSet
from .._bench.configuration import DatabaseAddress, database_address, read_configuration
from .._bench.layout import CONFIGURATION_NAME, Bench
from .._system.quantities import DAY_SECONDS
from .._system.times import parse_rfc3339
from .choice import Protection

# A removal that was begun: the folder is no site any more, whatever is left in it.
GOING_SUFFIX = ".lifeboat-going"
BLOCK_BYTES = 512
# The data may be this much newer than its last backup: a site that is backed up every night.
BACKUP_SECONDS = 26 * 3600


@dataclass(frozen=True)
class ArchivedSite:
    """A folder of ``archived/sites``.

    Attributes:
        folder: Its path.
        size_bytes: What it takes on the disk.
        changed_at: When something in it was last changed, and it was not archived before; seconds since the epoch.
        data_at: When a file in it was last changed.
        why_kept: What keeps it, whatever its age: ``open``, ``protected`` or another file system in it; "" for nothing.
    """

    folder: Path
    size_bytes: int
    changed_at: float
    data_at: float
    why_kept: str

    def database(self, bench: Bench) -> DatabaseAddress:
        """Return where its database was.

        Raises:
            LifeboatError: ``configuration_missing`` or ``configuration_invalid``.
        """
        return database_address(
            read_configuration(self.folder / CONFIGURATION_NAME), read_configuration(bench.common_config_path)
        )

    def age_days(self, now: float) -> float:
        """Return for how many days nothing was done with it."""
        return (now - self.changed_at) / DAY_SECONDS


def archive_of(bench: Bench) -> Path:
    """Return the folder of a bench's archived sites, which need not exist."""
    return bench.path / "archived" / "sites"


def archived_folders(bench: Bench) -> list[Path]:
    """Return the archived sites of a bench and what is left of removals, links left out."""
    archive = archive_of(bench)
    if not archive.is_dir():
        return []
    return sorted(entry for entry in archive.iterdir() if entry.is_dir() and not entry.is_symlink())


def look_at(folder: Path, protection: Protection) -> ArchivedSite:
    """Return what is known of an archived site, following no link.

    Args:
        folder: Its folder.
        protection: What never goes.
    """
    top = folder.lstat()
    size_bytes, data_at, why_kept = top.st_blocks * BLOCK_BYTES, 0.0, ""
    for path, status in _tree(folder):
        size_bytes += status.st_blocks * BLOCK_BYTES
        if stat.S_ISREG(status.st_mode):
            data_at = max(data_at, status.st_mtime)
        if status.st_dev != top.st_dev:
            why_kept = why_kept or "another file system"
        why_kept = why_kept or protection.why(path, status.st_dev, status.st_ino)
    # The rename into the archive is the last change of the folder itself, which its files do not show.
    return ArchivedSite(folder, size_bytes, max(data_at, top.st_mtime, top.st_ctime), data_at, why_kept)


def proof_of(site: ArchivedSite, database: str, repository: Repository) -> BackupSet | None:
    """Return the newest set of the collection's repository that has all of an archived site, read byte for byte.

    Args:
        site: The archived site.
        database: The name of its database, by its configuration: that of the set is the same.
        repository: Where the sets lie.
    """
    names = [name for name in repository.sites() if _is_archived_name(name, site.folder.name)]
    sets = [backup for name in names for backup in catalogue([repository.site_folder(name)], name)]
    return next((backup for backup in sets if _proves(backup, site, database)), None)


def _proves(backup: BackupSet, site: ArchivedSite, database: str) -> bool:
    manifest = backup.manifest
    if manifest is None or manifest.database != database or backup.verdict != COMPLETE:
        return False
    if parse_rfc3339(backup.recovery_point).timestamp() < site.data_at - BACKUP_SECONDS:
        return False
    try:
        return is_set_folder(backup.folder) and not changed_files(
            backup.folder, manifest.files, lambda _size, _name: None
        )
    except OSError:
        return False


def _is_archived_name(site: str, folder: str) -> bool:
    """Tell whether bench would give an archived site this name: the second of a name has a number."""
    return re.fullmatch(re.escape(site) + r"\d*", folder) is not None


def _tree(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)  # noqa: PTH118 (a Path for each of many files is slow)
            yield path, os.lstat(path)
