"""What has to be replayed from a base to a point in time: parts of logs, told by following their transactions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._backups.recovery_point import format_moment
from .._mariadb.binlog.events import FIRST_OFFSET
from .._mariadb.binlog.gtids import parse_gtid_list
from .._mariadb.binlog.logs import LogFile, file_number
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.binlog.transactions import Transaction
from .._system.errors import LifeboatError
from .point_in_time import Target

# Of a long replay, progress is told at this many places at most.
SHOWN_MARKS = 64


@dataclass(frozen=True)
class Stretch:
    """A part of one binary log, from between two transactions to between two others.

    Attributes:
        name: The name that the server gave the log, for example ``binlog.000003``.
        path: Where it lies, plain or compressed.
        since_offset, until_offset: Bytes of the log as the server wrote it.
    """

    name: str
    path: Path
    since_offset: int
    until_offset: int

    @property
    def replayed_bytes(self) -> int:
        """How much of the log is replayed."""
        return self.until_offset - self.since_offset

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Stretch:
        """Read what ``as_dict`` returned."""
        return cls(values["name"], Path(values["path"]), values["since_offset"], values["until_offset"])


@dataclass(frozen=True)
class Mark:
    """How far a replay is when it has reached a byte of a log.

    Attributes:
        name: The log.
        offset: The byte.
        transactions: Transactions of the site up to there.
        committed_at_seconds: When the last transaction before it was committed, seconds since the epoch.
    """

    name: str
    offset: int
    transactions: int
    committed_at_seconds: int


class Course:
    """Follows the transactions behind a position up to the target, and knows then what has to be replayed.

    Args:
        database: The database of the site; what other databases did is passed over.
        since: Where to begin.
        target: Where to stop.

    Attributes:
        transactions: Of the site, that are replayed.
        last_commit_seconds: When the last transaction of any site was committed that is replayed; None without one.
        stopped_by: The first transaction that is left out; None where the logs end before the target.
        undone: The transaction that the target undoes, when it was met.
        with_statements: Transactions of the site that ran statements; with one to undo, those behind it.
        marks: Places on the way.
    """

    def __init__(self, database: str, since: BinlogPosition, target: Target) -> None:
        self._database = database
        self._target = target
        self._gtids = parse_gtid_list(since.gtid)
        self._ends: dict[str, int] = {}
        self._passed = 0
        self._mark_every = 1
        self.since = since
        self.transactions = 0
        self.last_commit_seconds: int | None = None
        self.stopped_by: Transaction | None = None
        self.undone: Transaction | None = None
        self.with_statements: list[Transaction] = []
        self.marks: list[Mark] = []

    @property
    def until(self) -> BinlogPosition:
        """Where the replay stops."""
        if not self._ends:
            return self.since
        name, offset = list(self._ends.items())[-1]
        return BinlogPosition(self._gtids.position, name, offset)

    def follow(self, transactions: Iterable[Transaction]) -> Course:
        """Follow transactions in their order until the target is reached.

        Raises:
            LifeboatError: ``replay_refused`` at a transaction of the site that the log does not hold exactly.
        """
        for transaction in transactions:
            if self._is_beyond(transaction):
                self.stopped_by = transaction
                break
            self._take(transaction)
        return self

    def stretches(self, logs: Iterable[LogFile]) -> tuple[Stretch, ...]:
        """Return the parts of logs to replay; a log of which nothing is replayed is left out."""
        return tuple(
            Stretch(log.name, log.path, self._begin_of(log.name), self._ends[log.name])
            for log in logs
            if log.name in self._ends
        )

    def _begin_of(self, name: str) -> int:
        return self.since.offset if name == self.since.file else FIRST_OFFSET

    def _is_beyond(self, transaction: Transaction) -> bool:
        if self._target.gtid is not None:
            return transaction.gtid == self._target.gtid
        moment = self._target.moment_seconds
        return moment is not None and transaction.committed_at_seconds >= moment

    def _take(self, transaction: Transaction) -> None:
        if self._database in transaction.databases or transaction.incident:
            refuse_inexact(transaction, self._database)
            self.transactions += 1
            if transaction.statements:
                self.with_statements.append(transaction)
        if transaction.gtid == self._target.undone:
            self.undone = transaction
            self.with_statements.clear()
        self._gtids.add(transaction.gtid)
        self._ends[transaction.file] = transaction.end_offset
        self.last_commit_seconds = transaction.committed_at_seconds
        self._passed += 1
        if self._passed % self._mark_every == 0:
            self._mark(transaction)

    def _mark(self, transaction: Transaction) -> None:
        committed_at_seconds = transaction.committed_at_seconds
        self.marks.append(Mark(transaction.file, transaction.end_offset, self.transactions, committed_at_seconds))
        if len(self.marks) > SHOWN_MARKS:
            del self.marks[::2]
            self._mark_every *= 2


def refuse_inexact(transaction: Transaction, database: str) -> None:
    """Refuse a transaction that a replay would not repeat exactly.

    Raises:
        LifeboatError: ``replay_refused``.
    """
    if transaction.incident:
        reason = "the server could not write all of its changes to the log"
    elif any(statement.changes_rows and database in statement.databases for statement in transaction.statements):
        reason = "it is logged as a statement, which may change other rows when it runs again (binlog_format)"
    elif not transaction.has_full_images and any(table.database == database for table in transaction.tables):
        reason = "its rows are not logged whole (binlog_row_image)"
    else:
        return
    raise LifeboatError(
        f"Refused to replay transaction {transaction.gtid} of {format_moment(transaction.committed_at_seconds)} "
        f"({transaction.file}, byte {transaction.begin_offset}): {reason}. Recover to before:{transaction.gtid}, or "
        "from a set that was made after it; lifeboat.frappe.binlog_archive says how to mend the server's settings.",
        "replay_refused",
        {"gtid": str(transaction.gtid), "file": transaction.file, "offset": transaction.begin_offset},
    )


def cut(
    stretches: Sequence[Stretch], since: BinlogPosition | None = None, until: BinlogPosition | None = None
) -> list[Stretch]:
    """Return the part of some stretches that lies between two positions; None bounds nothing.

    Logs are ordered by their names, as the numbers in them are.
    """
    part = []
    for stretch in stretches:
        begin, end = stretch.since_offset, stretch.until_offset
        if since is not None:
            begin = _bounded(stretch.name, since, end, begin, max(begin, since.offset))
        if until is not None:
            end = _bounded(stretch.name, until, end, begin, min(end, until.offset))
        if begin < end:
            part.append(replace(stretch, since_offset=begin, until_offset=end))
    return part


def _bounded(name: str, position: BinlogPosition, if_before: int, if_after: int, if_same: int) -> int:
    if name == position.file:
        return if_same
    return if_before if file_number(name) < file_number(position.file) else if_after
