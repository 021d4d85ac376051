"""The plan of a replay: from which position over which logs to where, what it holds, what could be reached instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from .._backups.manifest import InexactTable, Manifest
from .._backups.recovery_point import format_moment
from .._mariadb.binlog.logs import LogFile, file_number, read_transactions
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.binlog.row_images import RowChange, read_row_changes
from .._system.errors import LifeboatError
from .point_in_time import Target, Window
from .replay_course import Course, Mark, Stretch
from .undo import Undo, plan_undo, refuse_changed_rows, refuse_changed_schema


@dataclass(frozen=True)
class ReplayPlan:
    """What is replayed onto a base.

    Attributes:
        database: The database, under the name that it had in the logs.
        target: What was asked for.
        is_latest: Whether the target is the end of the logs, wherever that is once the site is closed.
        recovery_point: The moment that the data is of then, RFC 3339 in UTC.
        base: The position of the base.
        until: Where the replay stops; its ``gtid`` is the last transaction of each domain that is in.
        before: The first transaction that is not in; "" where the logs end before one.
        transactions: Transactions of the site that are replayed.
        stretches: The parts of logs.
        inexact_tables: Tables without transactions that the base does not hold as of its position.
        marks: How far the replay is at which byte.
        window: What can be recovered to.
        undo: The transaction that is undone at the end; None without one.
    """

    database: str
    target: str
    is_latest: bool
    recovery_point: str
    base: BinlogPosition
    until: BinlogPosition
    before: str
    transactions: int
    stretches: tuple[Stretch, ...]
    inexact_tables: tuple[InexactTable, ...]
    marks: tuple[Mark, ...]
    window: Window
    undo: Undo | None = None

    @property
    def replayed_bytes(self) -> int:
        """How much of the logs is replayed."""
        return sum(stretch.replayed_bytes for stretch in self.stretches)

    @property
    def largest_log_bytes(self) -> int:
        """What the private server needs for one log after the other."""
        return max((stretch.until_offset for stretch in self.stretches), default=0)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, as a plan and a record show it."""
        return {
            "database": self.database,
            "target": self.target,
            "is_latest": self.is_latest,
            "recovery_point": self.recovery_point,
            "from": self.base.as_dict(),
            "until": self.until.as_dict(),
            "gtid": self.until.gtid,
            "before": self.before,
            "bytes": self.replayed_bytes,
            "transactions": self.transactions,
            "files": [stretch.as_dict() for stretch in self.stretches],
            "inexact_tables": [asdict(table) for table in self.inexact_tables],
            "marks": [asdict(mark) for mark in self.marks],
            "window": asdict(self.window),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], undo: Mapping[str, Any] | None) -> ReplayPlan:
        """Read what ``as_dict`` returned, and what ``Undo.as_dict`` did."""
        return cls(
            database=values["database"],
            target=values["target"],
            is_latest=values["is_latest"],
            recovery_point=values["recovery_point"],
            base=BinlogPosition.from_dict(values["from"]),
            until=BinlogPosition.from_dict(values["until"]),
            before=values["before"],
            transactions=values["transactions"],
            stretches=tuple(Stretch.from_dict(stretch) for stretch in values["files"]),
            inexact_tables=tuple(InexactTable.from_dict(table) for table in values["inexact_tables"]),
            marks=tuple(Mark(**mark) for mark in values["marks"]),
            window=Window(**values["window"]),
            undo=Undo.from_dict(undo) if undo else None,
        )


def first_position(manifest: Manifest) -> BinlogPosition:
    """Return where the logs of a base are needed from: its position, or that of a table that is older.

    Raises:
        LifeboatError: ``backup_not_found`` when the set knows no position.
    """
    if manifest.position is None:
        raise LifeboatError(
            f"Cannot replay anything onto the set {manifest.name}: it was made while the server wrote no binary log, "
            "so its place in one is not known. Choose a set that has a position.",
            "backup_not_found",
        )
    positions = [manifest.position, *(table.since for table in manifest.inexact_tables if table.since is not None)]
    return min(positions, key=lambda position: (file_number(position.file), position.offset))


def plan_replay(
    manifest: Manifest, target: Target, logs: Sequence[LogFile], window: Window, now_seconds: float
) -> ReplayPlan:
    """Read the logs behind a base up to the target, and plan what of them is replayed.

    Args:
        manifest: What the base says of itself.
        target: Where to stop; it lies in the window.
        logs: All logs from the base on, without a gap.
        window: What can be recovered to.
        now_seconds: Seconds since the epoch.

    Raises:
        LifeboatError: ``gtid_not_found``, ``replay_refused``, ``undo_refused``, and what reading a log raises.
    """
    first = first_position(manifest)
    course = Course(manifest.database, first, target)
    course.follow(read_transactions(logs, first, counts_rows=target.undone is not None))
    if target.gtid is not None and course.stopped_by is None:
        raise _not_found(str(target.gtid), window)
    undo = None
    if target.undone is not None:
        if course.undone is None:
            raise _not_found(str(target.undone), window)
        undo = plan_undo(course.undone, manifest.database)
        refuse_changed_schema(undo, course.with_statements)
        refuse_changed_rows(undo, changes_since(undo, logs))
    base = manifest.position or first
    return ReplayPlan(
        database=manifest.database,
        target=target.text,
        is_latest=target.is_latest,
        recovery_point=format_moment(_recovery_point(target, course, now_seconds)),
        base=base,
        until=course.until,
        before=str(course.stopped_by.gtid) if course.stopped_by else "",
        transactions=course.transactions,
        stretches=course.stretches(logs),
        inexact_tables=manifest.inexact_tables,
        marks=tuple(course.marks),
        window=window,
        undo=undo,
    )


def plan_rest(done: ReplayPlan, logs: Sequence[LogFile], now_seconds: float) -> ReplayPlan:
    """Plan the replay of what the logs got since an earlier plan to the latest moment was made.

    Args:
        done: The earlier plan.
        logs: All logs from where it stopped on, or with a transaction to undo from that one on.
        now_seconds: When the site was closed, seconds since the epoch.

    Raises:
        LifeboatError: As ``plan_replay`` does.
    """
    course = Course(done.database, done.until, Target(done.target))
    behind = [log for log in logs if file_number(log.name) >= file_number(done.until.file)]
    course.follow(read_transactions(behind, done.until, counts_rows=False))
    if done.undo is not None:
        refuse_changed_schema(done.undo, course.with_statements)
        refuse_changed_rows(done.undo, changes_since(done.undo, logs))
    return replace(
        done,
        recovery_point=format_moment(now_seconds),
        base=done.until,
        until=course.until,
        transactions=course.transactions,
        stretches=course.stretches(behind),
        inexact_tables=(),
        marks=tuple(course.marks),
    )


def changes_since(undo: Undo, logs: Iterable[LogFile]) -> Iterable[RowChange]:
    """Yield the row changes of a transaction and of all behind it."""
    for log in logs:
        if file_number(log.name) >= file_number(undo.file):
            begin_offset = undo.begin_offset if log.name == undo.file else 0
            yield from read_row_changes(log, begin_offset, log.size_bytes, has_successor=not log.is_active)


def _recovery_point(target: Target, course: Course, now_seconds: float) -> float:
    if target.moment_seconds is not None:
        return target.moment_seconds
    return course.stopped_by.committed_at_seconds if course.stopped_by else now_seconds


def _not_found(gtid: str, window: Window) -> LifeboatError:
    return LifeboatError(
        f"Cannot find the transaction {gtid} in the logs behind the newest base before it. They hold {window}. "
        "lifeboat.frappe.binlog_info lists the transactions by table, time and rows.",
        "gtid_not_found",
        {"gtid": gtid, "window": str(window)},
    )
