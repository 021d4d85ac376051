"""Several binary logs as one: the files of a server in their order, proven to follow each other without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..._system.errors import LifeboatError
from .events import ROTATED, BinlogReader
from .gtids import GtidState, positions_by_domain
from .position import BinlogPosition
from .stream import open_binlog
from .transactions import Transaction, TransactionReader

_NUMBERED = re.compile(r"(?P<base>.+)\.(?P<number>\d{6,})\Z")


@dataclass(frozen=True)
class LogFile:
    """A file of a server's binary log, wherever it lies.

    Attributes:
        name: As the server calls it.
        path: Where it lies, plain or compressed.
        size_bytes: Its length in plain, as far as it is to be read: what a live server adds later is not looked at.
        is_archived: Whether it is a copy in an archive; else it is the server's own.
        is_active: Whether the server writes it.
    """

    name: str
    path: Path
    size_bytes: int
    is_archived: bool = False
    is_active: bool = False


def file_number(name: str) -> int:
    """Return the number in the name of a binary log.

    Raises:
        LifeboatError: ``binlog_missing`` when it is no such name.
    """
    match = _NUMBERED.match(name)
    if match is None:
        raise LifeboatError(
            f"Cannot use {name!a} as the name of a binary log: it does not end with a number. Give a name as "
            "SHOW BINARY LOGS lists it.",
            "binlog_missing",
            {"file": name},
        )
    return int(match["number"])


def base_name(name: str) -> str:
    """Return what the names of all binary logs of a server have in common."""
    return name.rpartition(".")[0]


def name_after(name: str) -> str:
    """Return the name of the file that a server writes after this one."""
    return f"{base_name(name)}.{file_number(name) + 1:06d}"


@contextmanager
def open_transactions(
    log: LogFile, counts_rows: bool = True, before: GtidState | None = None
) -> Iterator[tuple[TransactionReader, BinlogReader]]:
    """Yield what reads the transactions of a file, and its events.

    Args:
        log: The file.
        counts_rows: As ``TransactionReader`` takes it.
        before: What the files before it hold, where that is known.

    Raises:
        LifeboatError: ``binlog_missing``, ``binlog_damaged``, ``binlog_encrypted`` or ``binlog_unsupported``.
    """
    with open_binlog(log.path) as stream:
        events = BinlogReader(stream, log.name, has_successor=not log.is_active)
        yield TransactionReader(events, log.name, counts_rows, before), events


def read_transactions(
    logs: Sequence[LogFile], since: BinlogPosition | None = None, *, counts_rows: bool = True
) -> Iterator[Transaction]:
    """Yield the transactions of several files as of one log, those that were committed first first.

    Args:
        logs: The files in their order.
        since: Where to begin, in the first of them; None for its start.
        counts_rows: Whether to count rows exactly; without it each row event counts as one row, which is faster.

    Raises:
        LifeboatError: ``binlog_gap`` when a file does not begin with what the one before it ended with, or when
            ``since`` is no place between two transactions of this log; else as ``open_transactions`` does.
    """
    earlier, state, incident = "", GtidState(), ""
    for number, log in enumerate(logs):
        with open_transactions(log, counts_rows, state if number else None) as (transactions, events):
            if number:
                check_follows(earlier, state, log.name, transactions.before)
                transactions.incident = incident
            state = transactions.before.copy()
            yield from _transactions_of(log, transactions, events, state, None if number else since)
            if events.ending == ROTATED and log is not logs[-1] and transactions.next_file != logs[number + 1].name:
                raise missing_file(transactions.next_file, log.name)
            earlier, incident = log.name, transactions.incident


def _transactions_of(
    log: LogFile,
    transactions: TransactionReader,
    events: BinlogReader,
    state: GtidState,
    since: BinlogPosition | None,
) -> Iterator[Transaction]:
    """Yield the transactions of a file behind a position; the state grows by each that was passed."""
    waiting = since
    for transaction in transactions:
        if transaction.end_offset > log.size_bytes:
            break
        if waiting is not None and transaction.end_offset > waiting.offset:
            _check_position(waiting, state, transaction.begin_offset, "it lies within a transaction")
            waiting = None
        if waiting is None:
            yield transaction
        state.add(transaction.gtid)
    if waiting is not None:
        _check_position(waiting, state, events.end_offset, "the file ends before it")


def check_follows(earlier: str, state: GtidState, later: str, before: GtidState) -> None:
    """Check that a file begins with the transactions that the one before it ended with.

    Raises:
        LifeboatError: ``binlog_gap``.
    """
    if not before.follows(state):
        raise LifeboatError(
            f"The binary logs {earlier} and {later} do not follow each other: the first ends after "
            f"{str(state) or 'nothing'}, the second begins after {str(before) or 'nothing'}. They are of two histories "
            "(RESET MASTER, another server), or a file was changed. A recovery cannot go beyond the first; make a new "
            "backup.",
            "binlog_gap",
            {"file": later, "after": earlier},
        )


def missing_file(name: str, after: str) -> LifeboatError:
    """Return the error that names the file that is missing."""
    return LifeboatError(
        f"The binary log {name} is missing: it comes after {after}, and is neither on the server nor in the archive. "
        "What was written from it on cannot be brought back over the gap; make a new backup now, and look why it was "
        "deleted before it was archived (binlog_expire_logs_seconds, PURGE BINARY LOGS, a full disk).",
        "binlog_gap",
        {"file": name, "after": after},
    )


def _check_position(since: BinlogPosition, state: GtidState, next_offset: int, otherwise: str) -> None:
    """Check that a position is between what was read so far and what comes next in its file.

    Args:
        since: The position.
        state: What was read so far.
        next_offset: Where the next transaction begins, or the file ends.
        otherwise: What is the case where that is before the position.
    """
    expected = positions_by_domain(since.gtid)
    if since.offset > next_offset:
        raise _no_such_position(since, otherwise)
    if expected and expected != positions_by_domain(state.position):
        found = state.position or "nothing"
        raise _no_such_position(since, f"the log is after {found} there, the backup after {since.gtid}")


def _no_such_position(since: BinlogPosition, reason: str) -> LifeboatError:
    return LifeboatError(
        f"The backup's position, byte {since.offset} of {since.file}, is not in this binary log: {reason}. The log is "
        "of another history (RESET MASTER, another server), or was changed. Choose a newer backup.",
        "binlog_gap",
        {"file": since.file, "offset": since.offset},
    )
