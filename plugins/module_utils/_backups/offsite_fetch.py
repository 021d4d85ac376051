"""Fetching a set from off-site: what was not compared whole with its manifest never gets a set's name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from .._system.errors import LifeboatError
from .._system.files import free_bytes, fsync_folder, make_private_folder
from .chain import record_made
from .choice import choose_set
from .digests import changed_files
from .manifest import read_manifest
from .manifest_sets import manifest_digest
from .offsite_sets import OffsiteSet
from .recovery_point import format_moment
from .repository import INCOMPLETE_SUFFIX
from .restic_repository import ResticRepository
from .set_lock import backup_lock
from .sets import BROKEN, COMPLETE, LOCAL, OFFSITE, BackupSet


def choose_location(sets: Sequence[BackupSet], recover_to: str | None) -> BackupSet:
    """Return the set that a recovery would take, whose ``location`` says whether it is to be fetched.

    Args:
        sets: Local sets with their copies, and those that are off-site alone.
        recover_to: As ``choose_set`` takes it.

    Raises:
        LifeboatError: As ``choose_set``.
    """
    return choose_set(sets, recover_to, _whole_somewhere).chosen


def _whole_somewhere(backup: BackupSet) -> BackupSet:
    """Read a local set that has a copy; where it was changed, the copy counts instead of it."""
    if backup.location != LOCAL or backup.offsite is None or backup.offsite["problem"] or backup.manifest is None:
        return backup
    try:
        problems = changed_files(backup.folder, backup.manifest.files, lambda _size, _name: None)
    except OSError as error:
        problems = [str(error.strerror)]
    if backup.verdict != BROKEN and not problems:
        return backup
    return replace(backup, location=OFFSITE, verdict=COMPLETE, reasons=())


def fetch_set(
    repository: ResticRepository, copy: OffsiteSet, site_folder: Path, now: datetime, reserve_bytes: int
) -> Path:
    """Write a set into the site's folder and return where it lies; a broken one of that name makes way.

    Args:
        repository: Where from.
        copy: The copy of the set.
        site_folder: The site's folder in the local repository.
        now: The present, in UTC.
        reserve_bytes: What has to stay free.

    Raises:
        LifeboatError: ``disk_space``, ``offsite_changed`` when what came is not what was copied, ``backup_running``,
            and what restic's failures are. Nothing is left then that could be taken for a set.
    """
    make_private_folder(site_folder)
    size_bytes = sum(file.size_bytes for file in copy.manifest.files)
    refuse_little_space(site_folder, copy.name, size_bytes, reserve_bytes)
    with backup_lock(site_folder):
        incoming = site_folder / (copy.name + INCOMPLETE_SUFFIX)
        _clear(incoming)
        try:
            incoming.mkdir(mode=0o700)
            repository.restore(copy.snapshot, incoming)
            _refuse_changed(incoming / copy.name, copy, repository.name)
            _sync_tree(incoming / copy.name)
            _put_in_place(incoming / copy.name, site_folder / copy.name)
        finally:
            _clear(incoming)
        record_made(site_folder, copy.name, copy.manifest_sha256, format_moment(now.timestamp()))
    return site_folder / copy.name


def _put_in_place(incoming: Path, folder: Path) -> None:
    replaced = folder.with_name(f"{folder.name}.replaced{INCOMPLETE_SUFFIX}")
    _clear(replaced)
    if folder.exists():
        folder.rename(replaced)
    incoming.rename(folder)
    fsync_folder(folder.parent)
    _clear(replaced)


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        fsync_folder(folder.parent)


def _refuse_changed(folder: Path, copy: OffsiteSet, repository: str) -> None:
    try:
        problems = changed_files(folder, read_manifest(folder).files, lambda _size, _name: None)
        is_same = manifest_digest(folder) == copy.manifest_sha256
    except OSError as error:
        problems, is_same = [f"{error.filename} is not in it."], False
    if problems or not is_same:
        reason = problems[0] if problems else "Its manifest is not the one that was copied."
        raise LifeboatError(
            f"Cannot use the copy of {copy.name} in {repository}: {reason} Choose another set, and look at the "
            "repository with restic check --read-data.",
            "offsite_changed",
            {"set": copy.name, "snapshot": copy.snapshot},
        )


def refuse_little_space(folder: Path, subject: str, size_bytes: int, reserve_bytes: int) -> None:
    """Refuse to fetch what leaves less room than has to stay.

    Args:
        folder: Where it would lie.
        subject: What it is.
        size_bytes: What it takes at most.
        reserve_bytes: What has to stay free.

    Raises:
        LifeboatError: ``disk_space``.
    """
    free = free_bytes(folder)
    if free < size_bytes + reserve_bytes:
        raise LifeboatError(
            f"Cannot fetch {subject} to {folder}: that takes up to {size_bytes} bytes, {reserve_bytes} are to stay "
            f"free, and only {free} are free. Make room, or give another repository_path.",
            "disk_space",
            {"needed_bytes": size_bytes + reserve_bytes, "free_bytes": free},
        )


def _sync_tree(folder: Path) -> None:
    """Wait until the disk has all files and names of a folder."""
    for place, _folders, names in os.walk(folder):
        for name in names:
            descriptor = os.open(Path(place, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        fsync_folder(Path(place))
