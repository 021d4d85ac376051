"""Deleting the old rows of one table in small steps, in the order of its primary key, while others write to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import DRIVER_ERRORS, execute, fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._system.errors import LifeboatError
from .pace import CHUNK_SECONDS, FIRST_ROWS, PAUSE_SECONDS, REST_RATIO, SHRINKAGE, Load, next_rows
from .row_archive import RowArchive
from .tasks import BUSY, DONE, REFUSED, TaskContext

if TYPE_CHECKING:
    from pymysql.connections import Connection

# A lock that somebody else holds, a deadlock, a statement that took too long: a smaller chunk may do better.
TRANSIENT_ERRORS = (1205, 1213, 1969)
MOST_FAILURES = 10
INNODB = "InnoDB"


@dataclass(frozen=True)
class OldRows:
    """Which rows of a table are old.

    Attributes:
        doctype: The DocType; its table is ``tab<doctype>``.
        children: The DocTypes whose rows belong to a row of it.
        before: The site's local time before which a row was made, and last changed, as the server writes it.
        condition: What else must hold, as SQL; "" for nothing.
    """

    doctype: str
    before: str
    children: tuple[str, ...] = ()
    condition: str = ""

    @property
    def table(self) -> str:
        """The quoted name of the table."""
        return quote_identifier(f"tab{self.doctype}")

    @property
    def predicate(self) -> str:
        """The condition of an old row, with two parameters: ``before`` twice."""
        return "creation < %s AND modified < %s" + (f" AND {self.condition}" if self.condition else "")

    @property
    def arguments(self) -> tuple[str, str]:
        """The parameters of ``predicate``."""
        return (self.before, self.before)


@dataclass
class Pruning:
    """What was done so far.

    Attributes:
        count: Rows that were deleted, without those of children.
        position: The last name of the last chunk; None at the beginning.
        outcome: How it ended.
        error: What ended it before its time.
    """

    position: Any = None
    count: int = 0
    outcome: str = DONE
    error: LifeboatError | None = field(default=None)


def prepare_session(connection: Connection[Any], is_transactional: bool, tables: int) -> None:
    """Make a connection one that waits for nobody for long, and lets nobody wait.

    Args:
        connection: The connection.
        is_transactional: Whether the server can take back a statement that it ends. Where it cannot, ending a DELETE
            in its middle could stop a replica, so the size of the chunks alone bounds their time.
        tables: How many tables lose rows in one transaction.
    """
    ((log_bin, binlog_format),) = fetch_all(connection, "SELECT @@log_bin, @@binlog_format")
    execute(connection, "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")
    if not (log_bin and binlog_format == "STATEMENT"):  # which InnoDB refuses at this level
        # No gap is locked, so a new row never waits for a chunk.
        execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    if is_transactional:
        # Locking, deleting the parents, and each table of children.
        execute(connection, "SET SESSION max_statement_time = %s", (CHUNK_SECONDS / (tables + 1),))


def prune_rows(
    context: TaskContext, load: Load, old: OldRows, archive: RowArchive | None, deadline: float, position: Any = None
) -> Pruning:
    """Delete the old rows of a table from a position on.

    Args:
        context: The clock and the pauses.
        load: What says when to pause, with the connection that deletes.
        old: Which rows.
        archive: Gets the rows before they go.
        deadline: The time of the clock at which to stop.
        position: The name after which to begin; None for the beginning.
    """
    pruning = Pruning(position)
    rows, failures = FIRST_ROWS, 0
    try:
        with server_errors(f"delete old rows of tab{old.doctype}"):
            while True:
                why_over = context.why_over(deadline)
                if why_over:
                    pruning.outcome = why_over
                    return pruning
                if load.is_overloaded() or failures > MOST_FAILURES:
                    pruning.outcome = BUSY
                    return pruning
                if load.is_busy():
                    context.pause(PAUSE_SECONDS)
                    continue
                began = context.clock()
                try:
                    names = _chunk(load.connection, old, archive, rows, pruning)
                except DRIVER_ERRORS as error:
                    if error.args[0] not in TRANSIENT_ERRORS:
                        raise
                    load.connection.rollback()
                    failures += 1
                    rows = max(1, rows // SHRINKAGE)
                    context.pause(PAUSE_SECONDS)
                    continue
                if len(names) < rows:
                    pruning.position = None
                    return pruning
                failures, pruning.position = 0, names[-1]
                seconds = context.clock() - began
                rows = next_rows(rows, seconds)
                context.pause(seconds * REST_RATIO)
    except LifeboatError as error:
        pruning.outcome, pruning.error = REFUSED, error
        return pruning


def _chunk(
    connection: Connection[Any], old: OldRows, archive: RowArchive | None, rows: int, pruning: Pruning
) -> list[Any]:
    """Delete the old ones of the next rows, and return the names of all of those rows."""
    after, position = ("", ()) if pruning.position is None else ("WHERE name > %s", (pruning.position,))
    statement = f"SELECT name, {old.predicate} FROM {old.table} {after} ORDER BY name LIMIT %s"  # noqa: S608
    found = fetch_all(connection, statement, (*old.arguments, *position, rows))
    names = [name for name, is_old in found if is_old]
    if names:
        if archive is not None:
            _archive(connection, old, archive, names)
        pruning.count += _delete(connection, old, names)
    return [name for name, _is_old in found]


def _archive(connection: Connection[Any], old: OldRows, archive: RowArchive, names: Sequence[Any]) -> None:
    wanted = {f"tab{old.doctype}": "name", **{f"tab{child}": "parent" for child in old.children}}
    for table, column in wanted.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT * FROM {quote_identifier(table)} WHERE {column} IN %s",  # noqa: S608
                (tuple(names),),
            )
            columns = [description[0] for description in cursor.description or ()]
            archive.write(table, [dict(zip(columns, row)) for row in cursor.fetchall()])


def _delete(connection: Connection[Any], old: OldRows, names: Sequence[Any]) -> int:
    """Delete those of the rows that are old still, with their children, in one transaction."""
    by_key = f"{old.table} FORCE INDEX (PRIMARY) WHERE name IN %s AND {old.predicate}"
    still_old = tuple(names)
    connection.begin()
    if old.children:  # which must not go where their parent stays
        locked = fetch_all(connection, f"SELECT name FROM {by_key} FOR UPDATE", (still_old, *old.arguments))  # noqa: S608
        still_old = tuple(name for (name,) in locked)
    count = execute(connection, f"DELETE {old.table} FROM {by_key}", (still_old, *old.arguments)) if still_old else 0
    for child in old.children if still_old else ():
        execute(
            connection,
            f"DELETE FROM {quote_identifier(f'tab{child}')} WHERE parent IN %s AND parenttype = %s",  # noqa: S608
            (still_old, old.doctype),
        )
    connection.commit()
    return count
