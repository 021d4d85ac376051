"""Putting one binary log into an archive: read once, proven, compressed, read back, and only then remembered."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Callable, cast

from .._mariadb.binlog.events import BinlogReader
from .._mariadb.binlog.gtids import parse_gtid_list
from .._mariadb.binlog.live import ServerIdentity
from .._mariadb.binlog.logs import check_follows
from .._mariadb.binlog.stream import READ_BYTES, open_binlog
from .._mariadb.binlog.transactions import Transaction, TransactionReader
from .._system.digests import file_digest
from .._system.errors import LifeboatError
from .._system.files import fsync_folder
from .binlog_index import INDEX_SUFFIX, ArchivedBinlog, read_entries, write_entry
from .log_compression import SUFFIXES, compressing
from .recovery_point import format_moment
from .set_lock import LOCK_NAME

PARTIAL_SUFFIX = ".partial"


class _Tee(io.RawIOBase):
    """A stream whose bytes are hashed, counted and passed on while they are read."""

    def __init__(self, stream: BinaryIO, take: Callable[[bytes], object]) -> None:
        super().__init__()
        self._stream = stream
        self._take = take
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self._digest.update(content)
        self.size_bytes += len(content)
        self._take(content)
        return len(content)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Contents:
    """What the transactions of a log were, taken one by one."""

    def __init__(self) -> None:
        self.first: Transaction | None = None
        self.last: Transaction | None = None
        self.times_seconds: list[int] = []
        self.count = self.row_statements = self.partial_images = 0

    def take(self, transaction: Transaction) -> None:
        self.first = self.first or transaction
        self.last = transaction
        at_seconds = transaction.committed_at_seconds
        self.times_seconds = [min([*self.times_seconds, at_seconds]), max([*self.times_seconds, at_seconds])]
        self.count += 1
        self.row_statements += transaction.has_row_statements
        self.partial_images += not transaction.has_full_images


def store_binlog(
    source: BinaryIO,
    name: str,
    size_bytes: int,
    folder: Path,
    *,
    compression: str,
    previous: ArchivedBinlog | None,
    server: ServerIdentity,
    now: Callable[[], float],
    on_step: Callable[[str], object],
) -> ArchivedBinlog:
    """Put a log into an archive; whatever ends this, the file is in it whole or not at all.

    Args:
        source: The log in plain, from its first byte on.
        name: As the server calls it.
        size_bytes: How long the server says that it is.
        folder: The archive's folder.
        compression: ``zstd`` or ``gzip``.
        previous: The log that it has to follow; None for the first, and behind a gap that was accepted.
        server: Whose it is.
        now: Seconds since the epoch.
        on_step: Is told before each step: ``copy``, ``name``, ``check``, ``remember``.

    Raises:
        LifeboatError: ``binlog_gap`` when it does not begin where the newest one ended; ``binlog_damaged`` and others
            when it cannot be read, or when the disk does not give back what was written.
        OSError: The archive cannot be written.
    """
    stored = folder / f"{name}{SUFFIXES[compression]}"
    partial = folder / f"{stored.name}{PARTIAL_SUFFIX}"
    try:
        on_step("copy")
        with _new_file(partial) as target, compressing(compression, target) as take:
            tee = _Tee(source, take)
            content = io.BufferedReader(tee, READ_BYTES)
            reader = BinlogReader(content, name, has_successor=True)
            before = parse_gtid_list(previous.gtids_after) if previous is not None else None
            transactions = TransactionReader(reader, name, counts_rows=False, known_before=before)
            if previous is not None and before is not None:
                check_follows(previous.name, before, name, transactions.before)
            contents = _Contents()
            for transaction in transactions:
                contents.take(transaction)
            while content.read(READ_BYTES):
                pass
        if tee.size_bytes != size_bytes:
            raise _of_other_length(name, tee.size_bytes, size_bytes)
        on_step("name")
        partial.rename(stored)
        fsync_folder(folder)
        on_step("check")
        _check_stored(stored, name, tee.sha256)
        entry = ArchivedBinlog(
            name=name,
            stored_name=stored.name,
            size_bytes=size_bytes,
            sha256=tee.sha256,
            stored_bytes=stored.stat().st_size,
            stored_sha256=file_digest(stored),
            gtids_before=str(transactions.before),
            gtids_after=str(transactions.state),
            first_gtid=str(contents.first.gtid) if contents.first else "",
            last_gtid=str(contents.last.gtid) if contents.last else "",
            began_at=format_moment(reader.format.written_at_seconds),
            earliest_commit=format_moment(contents.times_seconds[0]) if contents.times_seconds else "",
            latest_commit=format_moment(contents.times_seconds[1]) if contents.times_seconds else "",
            transactions=contents.count,
            row_statements=contents.row_statements,
            partial_images=contents.partial_images,
            ending=reader.ending,
            server=server,
            server_version=reader.format.server_version,
            archived_at=format_moment(now()),
        )
        on_step("remember")
        write_entry(folder, entry)
    except BaseException:
        partial.unlink(missing_ok=True)
        stored.unlink(missing_ok=True)
        raise
    return entry


def leftovers(folder: Path) -> tuple[str, ...]:
    """Return what is in an archive's folder and not of the archive: what a run that was killed left behind."""
    if not folder.is_dir():
        return ()
    entries = read_entries(folder)
    known = {
        LOCK_NAME,
        *(entry.stored_name for entry in entries),
        *(f"{entry.name}{INDEX_SUFFIX}" for entry in entries),
    }
    return tuple(sorted(path.name for path in folder.iterdir() if path.name not in known))


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that its owner alone may read; at the end the disk has it, and nothing but the disk."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        yield cast(BinaryIO, stream)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _check_stored(stored: Path, name: str, sha256: str) -> None:
    digest = hashlib.sha256()
    with open_binlog(stored) as stream:
        for content in iter(lambda: stream.read(READ_BYTES), b""):
            digest.update(content)
    if digest.hexdigest() != sha256:
        raise LifeboatError(
            f"Cannot archive the binary log {name}: the disk of {stored.parent} gives back other bytes than were "
            "written. Look at the disk (kernel log, SMART), and keep the archive elsewhere.",
            "binlog_damaged",
            {"file": name},
        )


def _of_other_length(name: str, found_bytes: int, size_bytes: int) -> LifeboatError:
    return LifeboatError(
        f"Cannot archive the binary log {name}: {found_bytes} bytes of it were read, the server says that it has "
        f"{size_bytes}. Run this again; if it stays so, look at the disk of the server's logs.",
        "binlog_damaged",
        {"file": name},
    )
