"""Retention of archived binary logs: none goes that a set needs, whatever site of the server it is of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._mariadb.binlog.logs import file_number
from .._mariadb.binlog.position import BinlogPosition
from .._system.errors import LifeboatError
from .binlog_archive import BinlogArchive
from .binlog_index import ArchivedBinlog
from .manifest import Manifest, read_manifest
from .manifest_sets import set_folders
from .repository import Repository
from .set_lock import backup_lock

# Its name and port, as it says them itself: those in the manifests of its sets and in the index of its archive.
Server = tuple[str, int]


@dataclass(frozen=True)
class BinlogPlan:
    """What goes from the archive of one server.

    Attributes:
        archive: The archive.
        needed_from: The oldest log that a set needs; "" where no set says that it needs any.
        going: The logs that go, oldest first.
        problem: Why none goes; "" where that is not so.
    """

    archive: BinlogArchive
    needed_from: str
    going: tuple[ArchivedBinlog, ...]
    problem: str

    @property
    def freed_bytes(self) -> int:
        """What their removal frees."""
        return sum(entry.stored_bytes for entry in self.going)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "server": self.archive.folder.name,
            "needed_from": self.needed_from,
            "removed": [entry.name for entry in self.going],
            "freed_bytes": self.freed_bytes,
            "problem": self.problem,
        }


def oldest_position(manifest: Manifest) -> BinlogPosition | None:
    """Return from where on a set needs the logs: its position, or that of a table that is older in it."""
    inexact = [table.since for table in manifest.inexact_tables]
    known = [position for position in (manifest.position, *inexact) if position is not None]
    return min(known, key=lambda position: (file_number(position.file), position.offset), default=None)


def plan_binlogs(repository: Repository, going: Collection[Path]) -> list[BinlogPlan]:
    """Plan for each archive which logs go: those before the oldest position of a set that stays.

    Where one set cannot be understood nobody knows what it needs, and nothing goes.

    Args:
        repository: Where the sets of all sites and the archives lie.
        going: The folders of the sets that go.
    """
    needs: list[tuple[Server, BinlogPosition]] = []
    problem = ""
    for folder in _staying(repository, going):
        try:
            manifest = read_manifest(folder)
        except LifeboatError as error:
            problem = error.message
            continue
        position = oldest_position(manifest)
        if position is not None:
            needs.append(((manifest.server.hostname, manifest.server.port), position))
    return [_plan_archive(BinlogArchive(folder), needs, problem) for folder in repository.binlog_folders()]


def apply_binlogs(repository: Repository, plans: Iterable[BinlogPlan]) -> None:
    """Remove what the plans say, if another look at the sets says the same.

    Raises:
        LifeboatError: ``backup_running`` while logs are archived.
    """
    for plan in plans:
        if plan.going:
            with backup_lock(plan.archive.folder):
                again = {one.archive.folder: one for one in plan_binlogs(repository, ())}
                plan.archive.remove(set(plan.going) & set(again[plan.archive.folder].going))


def _staying(repository: Repository, going: Collection[Path]) -> list[Path]:
    folders = [folder for site in repository.sites() for folder in set_folders(repository.site_folder(site))]
    return [folder for folder in folders if folder not in going]


def _plan_archive(archive: BinlogArchive, needs: Iterable[tuple[Server, BinlogPosition]], problem: str) -> BinlogPlan:
    try:
        servers = {(entry.server.hostname, entry.server.port) for entry in archive.entries()}
    except LifeboatError as error:
        return BinlogPlan(archive, "", (), error.message)
    positions = [position for server, position in needs if server in servers]
    oldest = min(positions, key=lambda position: file_number(position.file), default=None)
    if oldest is None:
        return BinlogPlan(archive, "", (), problem)
    return BinlogPlan(archive, oldest.file, () if problem else archive.older_than(oldest), problem)
