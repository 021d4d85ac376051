"""What the person on call has to know of a point in time before it is recovered to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._backups.choice import looks_like_a_time, parse_moment
from .._mariadb.binlog.logs import file_number
from .._mariadb.binlog.position import BinlogPosition
from .._system.times import parse_rfc3339
from .checks import FAILED, PASSED, WARNING, Check
from .replay_plan import ReplayPlan
from .site_logs import SiteLogs

CHECK_NAME = "recovery_point"


def check_point(
    replay: ReplayPlan | None,
    recover_to: str | None,
    recovery_point: str,
    logs: SiteLogs | None,
    database_exists: bool,
) -> list[Check]:
    """Say what the point in time means for the data.

    Args:
        replay: What is replayed; None where the set itself is recovered.
        recover_to: What was asked for.
        recovery_point: That of the set.
        logs: Where it is replayed from; None where nothing is.
        database_exists: Whether the live server has the site's database.
    """
    if replay is None or logs is None:
        return _of_set(recover_to, recovery_point)
    return [_of_latest(replay, logs, database_exists) if replay.is_latest else _of_moment(replay), *_of_tables(replay)]


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


def _of_latest(replay: ReplayPlan, logs: SiteLogs, database_exists: bool) -> Check:
    if logs.live is not None:
        return Check(
            CHECK_NAME,
            PASSED,
            "The site is closed before the end of its log is read, so nothing that it wrote is lost; it stays closed "
            "until the replacement is live, or the recovery is given up.",
        )
    if logs.has_begun_anew and database_exists:
        return Check(
            CHECK_NAME,
            FAILED,
            "The server has begun its binary logs anew (RESET MASTER, or it was installed again), and has the site's "
            f"database: what the site wrote since is in no log behind the archive, which ends at "
            f"{replay.recovery_point}. Recover to a moment up to then, or to the newest set.",
            "binlog_restarted",
        )
    return Check(
        CHECK_NAME,
        WARNING,
        f"The archived logs end at {replay.recovery_point}, and no server goes on with them: what was written after "
        "that is in none of them.",
    )


def _of_moment(replay: ReplayPlan) -> Check:
    behind = f"the first transaction that is not in is {replay.before}" if replay.before else "none is left out"
    return Check(CHECK_NAME, PASSED, f"{replay.target} is after {replay.until.gtid or 'no transaction'}; {behind}.")


def _of_tables(replay: ReplayPlan) -> Iterator[Check]:
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
