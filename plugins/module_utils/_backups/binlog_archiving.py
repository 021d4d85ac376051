"""A run that brings the archive of a server's binary logs up to date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Callable

from .._mariadb.binlog.live import LiveBinlogs, flush_binlogs, read_live_binlogs
from .._mariadb.binlog.logs import name_after
from .._mariadb.binlog.remote import fetch_binlog
from .._mariadb.binlog.stream import open_binlog
from .._mariadb.connection import LoginOptions
from .._system.errors import LifeboatError
from .._system.files import NO_SPACE, free_bytes
from .._system.progress import ProgressReporter
from .._system.quantities import bytes_text
from .binlog_archive import BinlogArchive, archive_of, named_archive
from .binlog_index import ArchivedBinlog
from .binlog_plan import ArchivePlan, plan_archiving
from .binlog_store import leftovers, store_binlog
from .repository import Repository
from .set_lock import backup_lock

if TYPE_CHECKING:
    from pymysql.connections import Connection

AUTO, FILES, NETWORK = "auto", "files", "network"
SOURCES = (AUTO, FILES, NETWORK)
_INCOMING = "incoming.partial"


@dataclass(frozen=True)
class ArchiveRequest:
    """What is asked for.

    Attributes:
        repository: Where the archives lie.
        name: The name of the archive; None for that by which a recovery finds it, of the server itself.
        login: The server.
        source: ``files`` to read the server's files, ``network`` to ask it for them as a replica does, ``auto`` for
            files where they can be read.
        flush: Whether to make the server begin a new file where the archive lacks what is in the one that it writes.
        accept_gap: Whether to go on behind logs that were deleted before they were archived.
        compression: ``zstd`` or ``gzip``.
        reserve_bytes: What the file system must keep free.
    """

    repository: Repository
    name: str | None
    login: LoginOptions
    source: str
    flush: bool
    accept_gap: bool
    compression: str
    reserve_bytes: int


@dataclass(frozen=True)
class ArchiveRun:
    """What a run did, or would do.

    Attributes:
        archive: The archive.
        plan: What it had to do.
        live: The server as it was before.
        entries: What the archive holds now, oldest first.
        added: Of these, what was added.
        removed_leftovers: What a run that was killed had left, and was removed.
    """

    archive: BinlogArchive
    plan: ArchivePlan
    live: LiveBinlogs
    entries: tuple[ArchivedBinlog, ...]
    added: tuple[ArchivedBinlog, ...]
    removed_leftovers: tuple[str, ...]


def preview_archiving(request: ArchiveRequest, connection: Connection[Any]) -> ArchiveRun:
    """Return what ``archive_binlogs`` would do; nothing is changed. Raises as that does."""
    live = read_live_binlogs(connection)
    archive = _archive(request, live)
    entries = archive.entries()
    plan = plan_archiving(entries, live, flush=request.flush, accept_gap=request.accept_gap)
    return ArchiveRun(archive, plan, live, entries, (), leftovers(archive.folder))


def archive_binlogs(
    request: ArchiveRequest, connection: Connection[Any], progress: ProgressReporter, now: Callable[[], float]
) -> ArchiveRun:
    """Bring the archive of a server up to date.

    Args:
        request: What is asked for.
        connection: An account that may run SHOW BINARY LOGS, and FLUSH BINARY LOGS where that is asked for.
        progress: Is told of each file and of each step with it.
        now: Seconds since the epoch.

    Raises:
        LifeboatError: As ``plan_archiving`` and ``store_binlog`` do; ``backup_running`` when another run archives to
            the same folder; ``disk_space``. What was archived before, also by this run, stays.
    """
    before = live = read_live_binlogs(connection)
    archive = _archive(request, live)
    with backup_lock(archive.folder):
        removed = _remove_leftovers(archive.folder)
        entries = archive.entries()
        plan = plan_archiving(entries, live, flush=request.flush, accept_gap=request.accept_gap)
        if plan.flushes:
            flush_binlogs(connection)
            live = read_live_binlogs(connection)
        files = plan_archiving(entries, live, flush=False, accept_gap=request.accept_gap).files
        progress.start("archive", total_bytes=sum(size for _name, size in files), total_items=len(files))
        added: list[ArchivedBinlog] = []
        for name, size_bytes in files:
            previous = next((entry for entry in reversed((*entries, *added)) if name_after(entry.name) == name), None)
            added.append(_archive_one(request, archive.folder, live, (name, size_bytes), previous, progress, now))
            progress.update(sum(entry.size_bytes for entry in added), len(added))
        return ArchiveRun(archive, plan, before, (*entries, *added), tuple(added), removed)


def _archive_one(
    request: ArchiveRequest,
    folder: Path,
    live: LiveBinlogs,
    file: tuple[str, int],
    previous: ArchivedBinlog | None,
    progress: ProgressReporter,
    now: Callable[[], float],
) -> ArchivedBinlog:
    name, size_bytes = file
    _check_space(folder, name, size_bytes, request.reserve_bytes)
    with _room(folder, name), _opened(request, folder, live, name) as stream:
        return store_binlog(
            stream,
            name,
            size_bytes,
            folder,
            compression=request.compression,
            previous=previous,
            server=live.identity,
            now=now,
            on_step=lambda step: progress.update(item_name=f"{name}: {step}"),
        )


def _archive(request: ArchiveRequest, live: LiveBinlogs) -> BinlogArchive:
    if request.name:
        return named_archive(request.repository, request.name)
    return archive_of(request.repository, live.identity.hostname, live.identity.port)


def _remove_leftovers(folder: Path) -> tuple[str, ...]:
    names = leftovers(folder)
    for name in names:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return names


@contextmanager
def _opened(request: ArchiveRequest, folder: Path, live: LiveBinlogs, name: str) -> Iterator[BinaryIO]:
    """Yield the plain bytes of a log, from the server's file or over the network."""
    if request.source != NETWORK and live.folder is not None:
        with open_binlog(live.folder / name) as stream:
            yield stream
        return
    if request.source == FILES:
        raise LifeboatError(
            f"Cannot read the binary log {name} of {live.identity}: its files are not on this host, or are encrypted, "
            "or may not be read. Run this on the server's host as root, or give source: network.",
            "binlog_missing",
            {"file": name},
        )
    incoming = folder / _INCOMING
    incoming.mkdir(mode=0o700)
    try:
        with open_binlog(fetch_binlog(request.login, name, incoming)) as stream:
            yield stream
    finally:
        shutil.rmtree(incoming)


def _check_space(folder: Path, name: str, size_bytes: int, reserve_bytes: int) -> None:
    # A log that does not compress, and over the network its copy in plain beside it.
    needed_bytes = reserve_bytes + 2 * size_bytes
    available_bytes = free_bytes(folder)
    if available_bytes < needed_bytes:
        raise LifeboatError(
            f"Cannot archive the binary log {name} in {folder}: it needs up to {bytes_text(needed_bytes)} with the "
            f"reserve, and {bytes_text(available_bytes)} are free. Make room, or shorten the retention of backups.",
            "disk_space",
            {"folder": str(folder), "needed_bytes": needed_bytes, "free_bytes": available_bytes},
        )


@contextmanager
def _room(folder: Path, name: str) -> Iterator[None]:
    """Turn a file system that became full into the error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise LifeboatError(
            f"Cannot archive the binary log {name} in {folder}: {os.strerror(error.errno)}. What was written of it was "
            "removed; the logs that were archived before are as they were. Make room and run this again.",
            "disk_space",
            {"folder": str(folder)},
        ) from error
