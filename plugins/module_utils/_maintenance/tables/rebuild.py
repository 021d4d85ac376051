"""Rebuilding one table online, watched from a second connection: what is in others' way is ended within seconds."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ..._mariadb.connection import DRIVER_ERRORS, execute, fetch_all
from ..._mariadb.identifiers import quote_identifier

if TYPE_CHECKING:
    from pymysql.connections import Connection

# The server itself gives the lock up after so many seconds, at the start and at the end of a rebuild.
STATEMENT = "ALTER TABLE {table} WAIT 5 FORCE, ALGORITHM=INPLACE, LOCK=NONE"
OWN_STATEMENT = re.compile(r"ALTER TABLE `.*` WAIT 5 FORCE, ALGORITHM=INPLACE, LOCK=NONE", re.DOTALL)
POLL_SECONDS = 0.25
WAITING_STATE = "Waiting for table metadata lock"
THREAD_GONE = 1094
TRANSACTIONS_SHOWN = 3
# By the number of the server's error: what became of a rebuild, and why.
FAILURES = {
    1205: ("blocked", "somebody else used it in an open transaction for more than 5 seconds"),
    1799: ("log_too_big", "it was changed faster than it could be rebuilt (innodb_online_alter_log_max_size)"),
    1845: ("not_online", "this server cannot rebuild it online"),
    1846: ("not_online", "this server cannot rebuild it online"),
}
HELD_UP = ("blocked", "blocking")
BLOCKING = ("blocking", "others waited for it, so the rebuild was ended")
WINDOW_OVER = ("window", "the window was over, so the rebuild was ended")


@dataclass
class Waiting:
    """Since when statements of others wait for a table, by their threads.

    Attributes:
        since: Thread to the statement that it waits with and the seconds of the clock when that was first seen.
    """

    since: dict[int, tuple[int, float]] = field(default_factory=dict)

    def longest_seconds(self, waiting: Iterable[tuple[int, int]], now: float) -> float:
        """Take in who waits now, as thread and statement, and return for how long the first of them has."""
        self.since = {
            thread: self.since[thread] if self.since.get(thread, (None,))[0] == statement else (statement, now)
            for thread, statement in waiting
        }
        return max((now - seen for _statement, seen in self.since.values()), default=0.0)


class Rebuild:
    """One rebuild in a thread of its own.

    Args:
        own: A connection with the account of the site, which nothing else uses meanwhile.
        table: The table.
    """

    def __init__(self, own: Connection[Any], table: str) -> None:
        self._own = own
        self._statement = STATEMENT.format(table=quote_identifier(table))
        self._error: Exception | None = None
        self.thread_id = int(fetch_all(own, "SELECT CONNECTION_ID()")[0][0])
        self._thread = threading.Thread(target=self._run, name=f"rebuild of {table}", daemon=True)

    def _run(self) -> None:
        try:
            execute(self._own, self._statement)
        except Exception as error:  # it is raised again where somebody waits for it
            self._error = error

    def watch(
        self,
        administrator: Connection[Any],
        database: str,
        *,
        blocked_seconds: float,
        ends_at: float,
        clock: Callable[[], float],
        report: Callable[[], None],
    ) -> tuple[str, str] | None:
        """Rebuild the table, and end that when others wait because of it or the time is over.

        Args:
            administrator: A connection that sees all threads and may end them.
            database: The database.
            blocked_seconds: How long others may wait.
            ends_at: The time of the clock at which the window ends.
            clock: Seconds.
            report: Called at each look; what it raises ends the rebuild.

        Returns:
            Why it was given up, for programs and for people; None when the table is rebuilt.

        Raises:
            pymysql.err.MySQLError: The rebuild failed for another reason.
        """
        waiting = Waiting()
        given_up: tuple[str, str] | None = None
        self._thread.start()
        try:
            while not self._joined():
                report()
                if given_up is None:
                    seconds = waiting.longest_seconds(others_waiting(administrator, database, self.thread_id), clock())
                    given_up = BLOCKING if seconds > blocked_seconds else None
                    given_up = WINDOW_OVER if clock() > ends_at else given_up
                if given_up is not None:
                    end_statement(administrator, self.thread_id)
        finally:
            if self._thread.is_alive():
                end_statement(administrator, self.thread_id)
                self._thread.join()
        return self._outcome(given_up)

    def _joined(self) -> bool:
        self._thread.join(POLL_SECONDS)
        return not self._thread.is_alive()

    def _outcome(self, given_up: tuple[str, str] | None) -> tuple[str, str] | None:
        if self._error is None:
            return None
        number = self._error.args[0] if isinstance(self._error, DRIVER_ERRORS) and self._error.args else 0
        if given_up is not None:
            return given_up
        if number in FAILURES:
            return FAILURES[number]
        raise self._error


def others_waiting(administrator: Connection[Any], database: str, thread_id: int) -> list[tuple[int, int]]:
    """Return which threads wait for a table of a database, besides one, each with the number of its statement."""
    rows = fetch_all(
        administrator,
        "SELECT ID, QUERY_ID FROM information_schema.PROCESSLIST WHERE DB = %s AND STATE = %s AND ID <> %s",
        (database, WAITING_STATE, thread_id),
    )
    return [(int(thread), int(statement)) for thread, statement in rows]


def open_transactions(administrator: Connection[Any], database: str, thread_id: int) -> list[str]:
    """Return who has had transactions open in a database for longest, besides one thread: most likely one of them."""
    rows = fetch_all(
        administrator,
        "SELECT thread.ID, thread.USER, thread.HOST,"
        # The time of the start is in the server's own time zone, NOW() in that of the session.
        " TIMESTAMPDIFF(SECOND, trx.trx_started, CONVERT_TZ(NOW(), @@time_zone, 'SYSTEM'))"
        " FROM information_schema.INNODB_TRX trx JOIN information_schema.PROCESSLIST thread"
        " ON thread.ID = trx.trx_mysql_thread_id WHERE thread.DB = %s AND thread.ID <> %s"
        " ORDER BY trx.trx_started LIMIT %s",
        (database, thread_id, TRANSACTIONS_SHOWN),
    )
    return [f"thread {thread} of {user} at {host} for {seconds} s" for thread, user, host, seconds in rows]


def end_statement(administrator: Connection[Any], thread_id: int) -> None:
    """End what a thread does now; one that is gone has ended."""
    try:
        execute(administrator, f"KILL QUERY {thread_id:d}")
    except DRIVER_ERRORS as error:
        if error.args[0] != THREAD_GONE:
            raise


def forgotten_rebuilds(administrator: Connection[Any], database: str) -> list[int]:
    """Return the threads that rebuild tables of a database although whoever began that is gone.

    Whoever calls this has the lock of the site, so no rebuild of a run that lives is among them.
    """
    rows = fetch_all(
        administrator,
        "SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE DB = %s AND INFO IS NOT NULL",
        (database,),
    )
    return [int(thread) for thread, info in rows if OWN_STATEMENT.fullmatch(str(info))]
