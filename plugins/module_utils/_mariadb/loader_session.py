"""One connection of a load: its settings, its retries, and errors that name the table and line but never a row."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .._system.errors import LifeboatError
from .connection import (
    CLIENT_ERROR_SERVER_GONE,
    DRIVER_ERRORS,
    LoginOptions,
    connect,
    execute,
    fetch_all,
    server_errors,
)
from .dump.session import SessionSettings
from .dump.tokenizer import Rows
from .identifiers import quote_string
from .local_infile import CLIENT_FLAG, load_statement, send_rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

Answer = TypeVar("Answer")

ATTEMPTS = 10
ERRORS_TO_RETRY = (1205, 1213)  # lock wait timeout, deadlock
ERRORS_COLLATION = (1115, 1273)
ERRORS_DISK_FULL = (3, 1021, 1026, 1114)
ERRORS_TOO_LONG = (1153,)


class LoadSession:
    """A connection of the staging account, with settings of our own instead of those that the dump's header asks for.

    ``unique_checks`` stays on: without it InnoDB locks the whole table for its bulk insert, so several connections
    cannot fill one table, and on MariaDB 10.11 it is slower as well.

    Args:
        login: The server and the staging account.
        database: The staging database.
        settings: What the dump's header established.
        is_logged: Whether the server's binary log, hence its replicas, get the load.
    """

    def __init__(self, login: LoginOptions, database: str, settings: SessionSettings, is_logged: bool) -> None:
        self._connection: Connection[Any] = connect(login, database, client_flag=CLIENT_FLAG)
        self._character_set = settings.character_set
        variables = {
            "foreign_key_checks": "0",
            "innodb_strict_mode": "0",
            "lock_wait_timeout": "60",
            "max_statement_time": "0",
            "sql_notes": "0",
            "unique_checks": "1",
        }
        if not is_logged:
            variables["sql_log_bin"] = "0"
        if settings.time_zone:
            variables["time_zone"] = quote_string(settings.time_zone)
        with server_errors("prepare a connection for the load"):
            assignments = ", ".join(f"{name} = {value}" for name, value in variables.items())
            execute(self._connection, f"SET SESSION {assignments}")
            self.use(settings)
            ((self._reads_files,),) = fetch_all(self._connection, "SELECT @@GLOBAL.local_infile")

    def use(self, settings: SessionSettings) -> None:
        """Set what decides how the next definitions are read, and what a view or trigger keeps."""
        execute(self._connection, f"SET NAMES {settings.character_set}")
        collation = f", collation_connection = {settings.collation}" if settings.collation else ""
        execute(self._connection, f"SET SESSION sql_mode = {quote_string(settings.sql_mode)}{collation}")

    def define(self, statement: bytes, table: str, line: int) -> None:
        """Run one definition.

        Raises:
            LifeboatError: With the table's name, the line in the dump and the server's error number.
        """
        self._run(lambda: self._connection.query(statement), table, line)  # bytes go out as they are

    def add_rows(self, batches: Sequence[Rows], table: str, line: int, can_be_undone: bool) -> None:
        """Add rows in one transaction, again when the server chose it to end a deadlock.

        Plain rows go out as a file, which is cheaper. A file's errors are warnings to the server: where it has any, all
        is undone, and statements say what is wrong.

        Args:
            batches: Rows of one table.
            table: Its name, for messages.
            line: The line of the first row.
            can_be_undone: Whether the table's engine can undo.

        Raises:
            LifeboatError: With the table's name, the line of the first row and the server's error number.
        """
        fits = can_be_undone and self._reads_files and all(batch.is_plain for batch in batches)
        if not (fits and self._run(lambda: self._send_as_file(batches), table, line)):
            self._run(lambda: self._insert(batches), table, line)

    def _send_as_file(self, batches: Sequence[Rows]) -> bool:
        statement = load_statement(batches[0].table, batches[0].columns, self._character_set)
        self._connection.begin()
        sent = send_rows(self._connection, statement, batches)
        if sent.warnings or sent.rows != sum(batch.count for batch in batches):
            self._connection.rollback()
            return False
        self._connection.commit()
        return True

    def _insert(self, batches: Sequence[Rows]) -> None:
        self._connection.begin()
        for batch in batches:
            self._connection.query(b"INSERT INTO %b%b VALUES %b" % (batch.table, batch.columns, batch.text))
        self._connection.commit()

    def count_rows(self, quoted_table: bytes, table: str) -> int:
        """Read a table to its end and return how many rows it has."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(b"SELECT COUNT(*) FROM " + quoted_table)
                return int(cursor.fetchall()[0][0])
            except DRIVER_ERRORS as error:
                raise load_error(error, table, 0) from None

    def check_table(self, quoted_table: bytes, table: str, mend: bool = False) -> None:
        """Have the server check a table and all its indexes.

        Args:
            quoted_table: The table.
            table: Its name, for messages.
            mend: Repair what an engine without transactions left open when its files were copied.

        Raises:
            LifeboatError: ``proof_failed`` when it is damaged.
        """
        verdict = self._last_value(b"CHECK TABLE " + quoted_table, table)
        if verdict != "OK" and mend:
            verdict = self._last_value(b"REPAIR TABLE " + quoted_table, table)
        if verdict != "OK":
            raise _damaged(table)

    def read_rows(self, quoted_table: bytes, table: str) -> None:
        """Let the server read every column of every row, those that lie on pages of their own as well.

        Raises:
            LifeboatError: ``proof_failed`` when it cannot.
        """
        if self._last_value(b"CHECKSUM TABLE " + quoted_table + b" EXTENDED", table) is None:
            raise _damaged(table)

    def _last_value(self, statement: bytes, table: str) -> Any:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(statement)
                return cursor.fetchall()[-1][-1]
            except DRIVER_ERRORS as error:
                raise load_error(error, table, 0) from None

    def _run(self, work: Callable[[], Answer], table: str, line: int, attempts: int = ATTEMPTS) -> Answer:
        try:
            return work()
        except DRIVER_ERRORS as error:
            if attempts == 1 or error.args[0] not in ERRORS_TO_RETRY:
                raise load_error(error, table, line) from None
        self._connection.rollback()
        return self._run(work, table, line, attempts - 1)

    def break_off(self) -> None:
        """End whatever another thread waits for on this connection."""
        connected: socket.socket | None = getattr(self._connection, "_sock", None)
        if connected is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; an open transaction is undone."""
        if self._connection.open:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._connection.close()


def _damaged(table: str) -> LifeboatError:
    return LifeboatError(
        f"The table {table} is damaged: the server cannot read all of it. It must not go live, and what was made of "
        "the set is dropped. Choose another set.",
        "proof_failed",
        {"table": table},
    )


def load_error(error: Exception, table: str, line: int) -> LifeboatError:
    """Turn an error of the driver into ours. The server's text is left out: it quotes values of rows."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    details: dict[str, Any] = {"table": table, "line": line, "server_error": number}
    place = f"{table}, line {line} of the dump" if line else table
    if number in (0, *CLIENT_ERROR_SERVER_GONE) or isinstance(error, OSError):
        return LifeboatError(
            f"Cannot load {place}: the connection to MariaDB was lost. Look at its error log, then run this again; "
            "the half loaded staging database is dropped first.",
            "mariadb_lost",
            details,
        )
    if number in ERRORS_COLLATION:
        return LifeboatError(
            f"Cannot load {place}: MariaDB does not know a character set or collation of this table (error {number}). "
            "Load it into a server of at least the version that the dump was made with.",
            "collation_unknown",
            details,
        )
    if number in ERRORS_DISK_FULL:
        return LifeboatError(
            f"Cannot load {place}: MariaDB has no room left (error {number}). Free some where its data is, then run "
            "this again.",
            "disk_space",
            details,
        )
    if number in ERRORS_TOO_LONG:
        return LifeboatError(
            f"Cannot load {place}: MariaDB takes no statement that long. Raise its max_allowed_packet.",
            "statement_too_long",
            details,
        )
    return LifeboatError(
        f"Cannot load {place}: MariaDB refused it with error {number}. The statement's text is not shown, because it "
        "holds data. Compare the versions of the dump's server and of this one.",
        "mariadb_statement_failed",
        details,
    )
