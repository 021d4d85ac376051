"""Carries the plan of a replay out in a private server, and says how far it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .._backups.manifest import InexactTable
from .._backups.recovery_point import format_moment
from .._mariadb.binlog.logs import file_number
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.private_server import PrivateServer
from .._system.progress import ProgressReporter
from .replay import TableFilter, replay_stretches
from .replay_course import Mark, Stretch, cut
from .replay_plan import ReplayPlan

PROGRESS_STEP = "replay binary logs"


def run_replay(server: PrivateServer, plan: ReplayPlan, progress: ProgressReporter) -> None:
    """Replay onto a base that a private server holds.

    Tables without transactions that the base does not hold as of its position first get alone what was written around
    the backup: each row is set to what it was then, whatever of it the base has already. From there on they are exact.

    Args:
        server: A private server started with ``REPLAY_SETTINGS``.
        plan: What to replay.
        progress: Told the bytes, the transactions and the time that were reached; raises when nobody listens any more.

    Raises:
        LifeboatError: ``replay_failed``, ``caller_gone``, and what opening a log raises.
    """
    meter = _Meter(plan, progress)
    known = [table for table in plan.inexact_tables if table.until is not None]
    if not known:
        replay_stretches(server, plan.database, cut(plan.stretches, plan.base), meter.report)
        return
    names = tuple(table.name for table in known)
    exact_from = _last(known)
    around = cut(plan.stretches, None, exact_from)
    replay_stretches(server, plan.database, around, meter.report, TableFilter(only=names), idempotent=True)
    others = cut(plan.stretches, plan.base, exact_from)
    replay_stretches(server, plan.database, others, meter.report, TableFilter(without=names))
    replay_stretches(server, plan.database, cut(plan.stretches, exact_from), meter.report)


def _last(tables: Sequence[InexactTable]) -> BinlogPosition:
    positions = [table.until for table in tables if table.until is not None]
    return max(positions, key=lambda position: (file_number(position.file), position.offset))


class _Meter:
    """Turns the byte of a log that was reached into progress of the whole replay."""

    def __init__(self, plan: ReplayPlan, progress: ProgressReporter) -> None:
        self._progress = progress
        self._stretches = {stretch.name: stretch for stretch in plan.stretches}
        self._names = list(self._stretches)
        self._marks = plan.marks
        self._keys = [self._key(mark.name, mark.offset) for mark in plan.marks]
        self._transactions = plan.transactions
        progress.start(PROGRESS_STEP, plan.replayed_bytes)

    def report(self, stretch: Stretch, offset: int) -> None:
        """Tell that a byte of a stretch was reached."""
        place = self._names.index(stretch.name)
        earlier = sum(self._stretches[name].replayed_bytes for name in self._names[:place])
        done_bytes = earlier + offset - self._stretches[stretch.name].since_offset
        mark = self._mark_before(stretch.name, offset)
        self._progress.update(
            done_bytes=max(done_bytes, 0),
            item_name=f"{mark.transactions} of {self._transactions} transactions, at "
            f"{format_moment(mark.committed_at_seconds)}"
            if mark
            else None,
        )

    def _mark_before(self, name: str, offset: int) -> Mark | None:
        index = bisect_right(self._keys, self._key(name, offset))
        return self._marks[index - 1] if index else None

    @staticmethod
    def _key(name: str, offset: int) -> tuple[int, int]:
        return file_number(name), offset
