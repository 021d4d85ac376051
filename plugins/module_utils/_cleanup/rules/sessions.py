"""Sessions of users that ended long ago."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._bench.layout import Site
from ..._mariadb.connection import execute, fetch_all, server_errors
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS
from ..pace import REST_RATIO
from ..settings import older_than_days
from ..site_database import old_before, plan_sites, site_connection, site_of
from ..tasks import DONE, REFUSED, Planned, Task, TaskContext, TaskOutcome, TaskRule

if TYPE_CHECKING:
    from pymysql.connections import Connection

ID = "sessions"
DEFAULT_DAYS = 30.0
HOUR_SECONDS = 3600
BATCH_ROWS = 500
# More wait for the next run: the ids are held in memory.
MOST_ROWS = 100_000


@dataclass(frozen=True)
class SessionSettings:
    """After how many days without a request a session goes; never before it has expired."""

    older_than_days: float


def _settings(values: Mapping[str, Any]) -> SessionSettings:
    return SessionSettings(older_than_days(values, DEFAULT_DAYS))


def expiry_seconds(text: str) -> int:
    """Return after how long a session expires, as System Settings write it (``240:00``, ``06:00:00``). Pure.

    What cannot be read is taken for Frappe's own default of the longest kind, 720 hours.
    """
    hours, _colon, rest = text.partition(":")
    minutes = rest.partition(":")[0] or "0"
    if not (hours.isdigit() and minutes.isdigit()):
        return 720 * HOUR_SECONDS
    return int(hours) * HOUR_SECONDS + int(minutes) * 60


def _plan(context: TaskContext, settings: SessionSettings) -> Iterator[Planned]:
    return plan_sites(ID, context, partial(_site_task, context, settings))


def _site_task(
    context: TaskContext, settings: SessionSettings, site: Site, connection: Connection[Any]
) -> Iterator[Task]:
    age_seconds = max(int(settings.older_than_days * DAY_SECONDS), _expiry_of(connection))
    before = old_before(context.now, age_seconds)
    ((count, size_bytes),) = fetch_all(
        connection,
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(sessiondata)), 0) FROM tabSessions WHERE lastupdate < %s",
        (before,),
    )
    if count:
        yield Task(
            rule=ID,
            subject=f"{site.name}: tabSessions",
            count=min(int(count), MOST_ROWS),
            bytes=int(size_bytes),
            age_seconds=age_seconds,
            reason=f"expired, and not used for {age_seconds / DAY_SECONDS:g} days"
            + f"; {count - MOST_ROWS:,} more wait for the next run" * (count > MOST_ROWS),
            parameters={"bench": str(site.bench.path), "site": site.name, "before": before},
        )


def _expiry_of(connection: Connection[Any]) -> int:
    rows = fetch_all(
        connection, "SELECT value FROM tabSingles WHERE doctype = 'System Settings' AND field = 'session_expiry'"
    )
    return expiry_seconds(str(rows[0][0]) if rows else "")


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    site, before = site_of(context.benches, task.parameters), str(task.parameters["before"])
    time.strptime(before, "%Y-%m-%d %H:%M:%S")
    count = 0
    with site_connection(site) as connection:
        try:
            with server_errors(f"delete expired sessions of {site.name}"):
                if before > old_before(context.now, _expiry_of(connection)):
                    raise ValueError("they have not expired")
                execute(connection, "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")
                statement = f"SELECT sid FROM tabSessions WHERE lastupdate < %s LIMIT {MOST_ROWS}"  # noqa: S608
                sessions = [sid for (sid,) in fetch_all(connection, statement, (before,))]
                for start in range(0, len(sessions), BATCH_ROWS):
                    why_over = context.why_over(deadline)
                    if why_over:
                        return _outcome(why_over, count, task)
                    began = context.clock()
                    # One that is used since then has a later time, and stays.
                    count += execute(
                        connection,
                        "DELETE FROM tabSessions WHERE sid IN %s AND lastupdate < %s",
                        (tuple(sessions[start : start + BATCH_ROWS]), before),
                    )
                    context.pause((context.clock() - began) * REST_RATIO)
        except LifeboatError as error:
            return _outcome(REFUSED, count, task, error)
    return _outcome(DONE, count, task)


def _outcome(outcome: str, count: int, task: Task, error: LifeboatError | None = None) -> TaskOutcome:
    return TaskOutcome(outcome, count, count * task.bytes // max(task.count, 1), error)


SESSIONS = TaskRule(
    id=ID,
    noun="session",
    title="sessions of users that expired and were not used since",
    never_touches="a session that System Settings let go on; what users keep between sessions",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
