"""Reading from MariaDB for checks: bounded, read only, and each statement on a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..._mariadb.connection import LoginOptions, connect, execute, fetch_all, server_errors
from ..._system.errors import LifeboatError
from ..patience import USUAL, Patience
from ..registry import UnmeasurableError

if TYPE_CHECKING:
    from pymysql.connections import Connection


class DatabaseReader:
    """Connections of the first account that a server lets in.

    Checks run side by side, so each statement takes a connection that nobody else uses. The server itself ends a
    statement that takes longer than a check may, so a check that was given up leaves nothing running.

    Args:
        logins: The accounts to try, in this order.
        database: The default database, or None.
        patience: After which time the server ends a statement, and for how long one that hangs is waited for.
    """

    def __init__(self, logins: Sequence[LoginOptions], database: str | None = None, patience: Patience = USUAL) -> None:
        self._logins = logins
        self._patience = patience
        self._database = database
        self._idle: LifoQueue[Connection[Any]] = LifoQueue()
        self._lock = Lock()
        self._login: LoginOptions | None = None
        self._reason = ""

    @property
    def login(self) -> LoginOptions:
        """The first account that the server lets in.

        Raises:
            UnmeasurableError: It lets none in, with the reason of the first. It is not asked again.
        """
        with self._lock:
            if self._login is None and not self._reason:
                self._find_login()
        if self._login is None:
            raise UnmeasurableError(self._reason)
        return self._login

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Yield a connection that nobody else uses meanwhile; one on which something failed is not used again.

        Raises:
            UnmeasurableError: The server refuses it.
        """
        login = self.login
        try:
            connection = self._idle.get_nowait()
        except Empty:
            try:
                connection = self._open(login)
            except LifeboatError as error:
                raise UnmeasurableError(error.message) from None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads, and return its rows.

        Raises:
            UnmeasurableError: The server refuses it, or it took too long.
        """
        try:
            with self.connection() as connection, server_errors("read what the check needs"):
                return fetch_all(connection, statement, arguments)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _find_login(self) -> None:
        reasons: list[str] = []
        end = time.monotonic() + self._patience.answer_seconds
        for login in self._logins:
            try:
                self._idle.put(self._open(login))
            except LifeboatError as error:
                reasons.append(error.message)
            else:
                self._login = login
                return
            if time.monotonic() > end:
                break  # a server that hangs for one account hangs for the next as well
        self._reason = reasons[0] if reasons else "no account is known for this server"

    def _open(self, login: LoginOptions) -> Connection[Any]:
        connection = connect(login, self._database, read_timeout=self._patience.wait_seconds)
        with server_errors("prepare a connection that only reads"):
            execute(connection, f"SET SESSION max_statement_time = {self._patience.answer_seconds:g}")
            # The variable for this has another name from MariaDB 11.1 on.
            execute(connection, "SET SESSION TRANSACTION READ ONLY")
        return connection
