"""Logging in to a database step by step, so that the step that fails is known, and what helps there.

A client library says no more than "Can't connect": a name that does not resolve, a port that nothing listens on, a
server that is full, a password that is wrong and a table that is broken need different help.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Callable

from .connection import DRIVER_ERRORS, LoginOptions, connect, fetch_all
from .identifiers import quote_identifier

if TYPE_CHECKING:
    from pymysql.connections import Connection

Resolver = Callable[..., Any]

NAME = "name resolution"
TRANSPORT = "TCP connection"
SOCKET = "socket connection"
HANDSHAKE = "handshake"
LOGIN = "login"
DATABASE = "database"
TABLE = "table"

# Enough of a server's first packet to see an error in it: its header, the mark of an error and the error's number.
_GREETING_BYTES = 7
_HEADER_BYTES = 4
_ERROR_MARK = 0xFF
# A stage always gets a moment, also where those before it took nearly all the time there is.
_LEAST_SECONDS = 0.05

_ADVICE_BY_ERROR = {
    1040: "all connections are taken: end idle ones (SHOW PROCESSLIST), then raise max_connections or lower the number "
    "of web and queue workers",
    1044: "the account may not use this database: GRANT ALL PRIVILEGES ON it to the account, and compare db_name with "
    "SHOW DATABASES",
    1045: "the password or the host of the account is wrong: compare db_password of site_config.json, then ALTER USER",
    1049: "there is no such database: correct db_name of site_config.json, or recover the site from a backup set",
    1129: "the server blocked this host after failed connections: FLUSH HOSTS, and find out what failed",
    1130: "the server lets nobody in from this host: CREATE USER for this host, or correct db_host",
    1142: "the account may not read this table: GRANT ALL PRIVILEGES on its database to the account",
    1146: "there is no such table: the database is empty or half loaded: recover the site from a backup set",
    1203: "the account has too many connections: look for idle ones, or raise max_user_connections",
    1226: "the account has used up a limit of its own: look at SHOW CREATE USER",
    1698: "the account logs in by a plugin and not by a password: ALTER USER ... IDENTIFIED BY",
    1862: "the account's password has expired: ALTER USER ... IDENTIFIED BY",
    1932: "the storage engine lost the table: recover the site from a backup set",
    4151: "the account is locked: a recovery may have fenced it off; if not, ALTER USER ... ACCOUNT UNLOCK",
}
_ADVICE_BY_STAGE = {
    NAME: "correct db_host of site_config.json, or mend the name service (/etc/hosts, DNS)",
    TRANSPORT: "start MariaDB, look at its error log, and compare db_host and db_port with bind_address, port and the "
    "firewall",
    SOCKET: "start MariaDB, look at its error log, and compare db_socket with the server's variable socket",
    HANDSHAKE: "the server accepts connections but does not speak: look at its error log, memory and disk; is it "
    "MariaDB that listens there?",
    LOGIN: "look at the account with SHOW GRANTS and SHOW CREATE USER",
    DATABASE: "look at SHOW DATABASES and the server's error log",
    TABLE: "look at the server's error log, and recover the site from a backup set where the table is damaged",
}


@dataclass(frozen=True)
class Stage:
    """A step that was taken, and how long it took, whether it failed or not."""

    name: str
    seconds: float


@dataclass
class Attempt:
    """How far a login got.

    Attributes:
        stages: The steps in their order, the failed one last.
        failed_stage: The one that failed, or nothing.
        error_number: The server's or the client library's number, 0 where there is none.
        reason: What failed there, without any text of the server.
    """

    stages: list[Stage] = field(default_factory=list)
    failed_stage: str = ""
    error_number: int = 0
    reason: str = ""

    @property
    def seconds(self) -> float:
        """The time of all steps."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def advice(self) -> str:
        """What helps, or nothing where all went well."""
        return _ADVICE_BY_ERROR.get(self.error_number, _ADVICE_BY_STAGE.get(self.failed_stage, ""))


class _StageError(Exception):
    def __init__(self, reason: str, number: int = 0) -> None:
        super().__init__(reason)
        self.number = number


def attempt_login(
    login: LoginOptions,
    database: str,
    table: str,
    *,
    timeout_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    resolve: Resolver = socket.getaddrinfo,
) -> Attempt:
    """Log in, open a database and read a row of a table, as far as it goes; nothing is written.

    Args:
        login: The server and the account.
        database: The database to open.
        table: The table to read from.
        timeout_seconds: What all steps together may take.
        clock: Seconds from any start.
        resolve: Finds the addresses of a name, as ``socket.getaddrinfo`` does.
    """
    attempt = Attempt()
    try:
        _take_steps(_Steps(attempt, clock, clock() + timeout_seconds, resolve), login, database, table)
    except _StageError as error:
        attempt.reason, attempt.error_number = str(error), error.number
    return attempt


@dataclass(frozen=True)
class _Steps:
    attempt: Attempt
    clock: Callable[[], float]
    deadline: float
    resolve: Resolver

    @property
    def seconds_left(self) -> float:
        return max(_LEAST_SECONDS, self.deadline - self.clock())

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; what fails in it ends the attempt."""
        started = self.clock()
        self.attempt.failed_stage = name
        try:
            yield
        except (TimeoutError, socket.timeout):  # two classes up to Python 3.9
            raise _StageError(f"no answer within {self.clock() - started:.1f} seconds") from None
        except DRIVER_ERRORS as error:
            raise _StageError(*_reason(error)) from None
        finally:
            self.attempt.stages.append(Stage(name, self.clock() - started))
        self.attempt.failed_stage = ""


def _take_steps(steps: _Steps, login: LoginOptions, database: str, table: str) -> None:
    with _open_transport(steps, login) as transport:
        with steps.step(HANDSHAKE):
            transport.settimeout(steps.seconds_left)
            _read_greeting(transport)
        with steps.step(LOGIN):
            connection: Connection[Any] = connect(login, defer_connect=True, read_timeout=steps.seconds_left)
            connection.connect(transport)
        try:
            with steps.step(DATABASE):
                connection.select_db(database)
            with steps.step(TABLE):
                fetch_all(connection, f"SELECT 1 FROM {quote_identifier(table)} LIMIT 1")  # noqa: S608 (quoted)
        finally:
            connection.close()


def _open_transport(steps: _Steps, login: LoginOptions) -> socket.socket:
    if login.login_unix_socket:
        with steps.step(SOCKET):
            return _connect_to(socket.AF_UNIX, login.login_unix_socket, steps.seconds_left)
    with steps.step(NAME):
        addresses = _resolve(steps, login.login_host, login.login_port)
    with steps.step(TRANSPORT):
        return _connect_to_first(addresses, steps)


def _connect_to_first(addresses: list[Any], steps: _Steps) -> socket.socket:
    (family, address), *others = addresses
    try:
        return _connect_to(family, address, steps.seconds_left)
    except OSError:
        if not others:
            raise
    # localhost has two addresses, and MariaDB may listen on one of them alone.
    return _connect_to_first(others, steps)


def _connect_to(family: int, address: Any, timeout_seconds: float) -> socket.socket:
    transport = socket.socket(family, socket.SOCK_STREAM)
    try:
        transport.settimeout(timeout_seconds)
        transport.connect(address)
    except OSError:
        transport.close()
        raise
    return transport


def _resolve(steps: _Steps, host: str, port: int) -> list[tuple[int, Any]]:
    """Return the addresses of a host; a resolver that hangs is left behind, since nothing can stop it."""
    answers: SimpleQueue[list[tuple[int, Any]] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            found = steps.resolve(host, port, type=socket.SOCK_STREAM)
            answers.put([(family, address) for family, _type, _protocol, _name, address in found])
        except OSError as error:
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=steps.seconds_left)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _read_greeting(transport: socket.socket) -> None:
    """Wait for the server's first packet and leave it where it is; a full server sends an error in its place."""
    packet = transport.recv(_GREETING_BYTES, socket.MSG_PEEK)
    if not packet:
        raise _StageError("the server closed the connection without a word")
    if packet[_HEADER_BYTES : _HEADER_BYTES + 1] == bytes([_ERROR_MARK]):
        number = int.from_bytes(packet[_HEADER_BYTES + 1 :], "little")
        raise _StageError(f"the server refuses it with error {number}", number)


def _reason(error: Exception) -> tuple[str, int]:
    if isinstance(error, socket.gaierror):
        return "the name does not resolve", 0
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower(), 0
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return f"error {number}", number
