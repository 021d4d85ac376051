"""What the person on call has to know of a point in time before it is recovered to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._backups.choice import looks_like_a_time, parse_moment
from .._mariadb.binlog.logs import file_number
from .._mariadb.binlog.position import BinlogPosition
from .._system.times import parse_rfc3339
from .checks import PASSED, WARNING, Check
from .replay_plan import ReplayPlan

CHECK_NAME = "recovery_point"


def check_point(replay: ReplayPlan | None, recover_to: str | None, recovery_point: str) -> list[Check]:
    """Say what the point in time means for the data.

    Args:
        replay: What is replayed; None where the set itself is recovered.
        recover_to: What was asked for.
        recovery_point: That of the set.
    """
    if replay is None:
        return _of_set(recover_to, recovery_point)
    return list(_of_replay(replay))


def _of_set(recover_to: str | None, recovery_point: str) -> list[Check]:
    if not recover_to or not looks_like_a_time(recover_to):
        return []
    earlier_seconds = int(parse_moment(recover_to) - parse_rfc3339(recovery_point).timestamp())
    return [
        Check(
            CHECK_NAME,
            WARNING,
            f"No set of the site has a position in a binary log, so nothing can be replayed: the data is of "
            f"{recovery_point}, {earlier_seconds} seconds before the time that was asked for.",
        )
    ]


def _of_replay(replay: ReplayPlan) -> Iterator[Check]:
    if replay.is_latest:
        yield Check(
            CHECK_NAME,
            PASSED,
            "The site is closed before the end of its log is read, so nothing that it wrote is lost; it stays closed "
            "until the replacement is live, or the recovery is given up.",
        )
    else:
        behind = f"the first transaction that is not in is {replay.before}" if replay.before else "none is left out"
        yield Check(CHECK_NAME, PASSED, f"{replay.target} is after {replay.until.gtid or 'no transaction'}; {behind}.")
    unknown = [table.name for table in replay.inexact_tables if table.until is None]
    later = [t.name for t in replay.inexact_tables if t.until is not None and _is_behind(t.until, replay.until)]
    if unknown or later:
        yield Check(
            CHECK_NAME,
            WARNING,
            f"{', '.join(sorted([*unknown, *later]))}: a table without transactions, which the set holds as of a "
            "moment after the point in time; rows that were written in between are in it.",
        )


def _is_behind(position: BinlogPosition, other: BinlogPosition) -> bool:
    return (file_number(position.file), position.offset) > (file_number(other.file), other.offset)
