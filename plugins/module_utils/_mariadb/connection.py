"""Connecting to MariaDB, with errors that name the stage that failed."""

from __future__ import annotations

import configparser
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._system.errors import LifeboatError

try:
    import pymysql
    import pymysql.cursors
except ImportError:  # the module layer reports the missing library, or respawns where the bench has it
    HAS_PYMYSQL = False
    DRIVER_ERRORS: tuple[type[Exception], ...] = (OSError,)
else:
    HAS_PYMYSQL = True
    DRIVER_ERRORS = (pymysql.err.MySQLError, OSError)

if TYPE_CHECKING:
    from pymysql.connections import Connection

CLIENT_ERROR_SERVER_GONE = (2006, 2013, 2055)
CLIENT_ERROR_UNREACHABLE = (2002, 2003, 2005)
DEFAULT_HOST = "localhost"
DEFAULT_PORT = 3306
DEFAULT_CONFIG_FILE = "~/.my.cnf"
ERROR_ACCESS_DENIED = (1044, 1045, 1698, 4151)


@dataclass(frozen=True)
class LoginOptions:
    """How to reach a server; the names are those of community.mysql's options."""

    login_user: str | None = None
    login_password: str | None = None
    login_host: str = DEFAULT_HOST
    login_port: int = DEFAULT_PORT
    login_unix_socket: str | None = None
    config_file: str | None = None
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    connect_timeout: int = 30

    def with_account(self, user: str, password: str) -> LoginOptions:
        """Return the same server with another account."""
        return replace(self, login_user=user, login_password=password, config_file=None)

    @property
    def address(self) -> str:
        """Name the server for people."""
        return self.login_unix_socket or f"{self.login_host}:{self.login_port}"


def with_config_file(options: LoginOptions) -> LoginOptions:
    """Fill what the options leave open from the ``[client]`` section of their option file, if there is one."""
    path = Path(options.config_file).expanduser() if options.config_file else None
    if path is None or not path.is_file():
        return options
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None, strict=False)
    parser.read_string("\n".join(line for line in path.read_text().splitlines() if not line.startswith("!")))
    section = parser["client"] if parser.has_section("client") else {}
    unquoted = {name: value.strip("'\"") for name, value in section.items() if value is not None}
    return replace(
        options,
        login_user=options.login_user or unquoted.get("user"),
        login_password=options.login_password or unquoted.get("password"),
        login_host=options.login_host if options.login_host != DEFAULT_HOST else unquoted.get("host", DEFAULT_HOST),
        login_port=int(unquoted.get("port", DEFAULT_PORT))
        if options.login_port == DEFAULT_PORT
        else options.login_port,
        login_unix_socket=options.login_unix_socket or unquoted.get("socket"),
    )


def connect(options: LoginOptions, database: str | None = None, **arguments: Any) -> Connection[Any]:
    """Open a connection in autocommit mode; rows come as tuples.

    Args:
        options: The server and the account.
        database: The default database, or None.
        arguments: Further arguments of ``pymysql.connect``.

    Raises:
        LifeboatError: ``mariadb_unreachable`` or ``mariadb_access_denied``, with what to do; ``library_missing`` where
            PyMySQL is not installed.
    """
    options = with_config_file(options)
    if not HAS_PYMYSQL:
        raise LifeboatError(
            f"Cannot talk to MariaDB at {options.address}: the Python library PyMySQL is not installed. "
            "Install it with the role lifeboat.frappe.prerequisites.",
            "library_missing",
            {"library": "PyMySQL"},
        )
    settings: dict[str, Any] = {
        "user": options.login_user or "root",
        "password": options.login_password or "",
        "database": database,
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": options.connect_timeout,
        **arguments,
    }
    if options.login_unix_socket:
        settings["unix_socket"] = options.login_unix_socket
    else:
        settings.update(host=options.login_host, port=options.login_port)
    if options.ca_cert or options.client_cert:
        settings.update(ssl_ca=options.ca_cert, ssl_cert=options.client_cert, ssl_key=options.client_key)
    try:
        return pymysql.connect(**settings)
    except pymysql.err.OperationalError as error:
        raise _connection_error(error, options) from error


def _connection_error(error: Exception, options: LoginOptions) -> LifeboatError:
    number = error.args[0] if error.args else 0
    details = {"address": options.address, "server_error": number}
    if number in ERROR_ACCESS_DENIED:
        return LifeboatError(
            f"Cannot log in to MariaDB at {options.address} as {options.login_user or 'root'}: access denied. "
            "Give login_user and login_password of an administrator, or run as root where unix_socket is allowed.",
            "mariadb_access_denied",
            details,
        )
    cause = error.__cause__ or error.__context__
    if isinstance(cause, socket.gaierror):
        stage = f"the name {options.login_host} does not resolve"
    elif isinstance(cause, ConnectionRefusedError):
        stage = "nothing listens there"
    elif isinstance(cause, FileNotFoundError):
        stage = "there is no such socket"
    elif isinstance(cause, TimeoutError):
        stage = f"it did not answer within {options.connect_timeout} seconds"
    else:
        stage = f"error {number} during the handshake"
    return LifeboatError(
        f"Cannot reach MariaDB at {options.address}: {stage}. Is the server running, and are login_host, login_port "
        "or login_unix_socket right?",
        "mariadb_unreachable",
        details,
    )


@contextmanager
def server_errors(action: str) -> Iterator[None]:
    """Turn errors of the driver into errors that say which action failed; no text of the statement, hence no row.

    Raises:
        LifeboatError: ``mariadb_lost``, ``mariadb_access_denied`` or ``mariadb_statement_failed``.
    """
    try:
        yield
    except pymysql.err.MySQLError as error:
        number = error.args[0] if error.args else 0
        details = {"server_error": number}
        if number in CLIENT_ERROR_SERVER_GONE or isinstance(error, pymysql.err.InterfaceError):
            raise LifeboatError(
                f"Cannot {action}: the connection to MariaDB was lost. Look at its error log, then run this again.",
                "mariadb_lost",
                details,
            ) from None
        code = "mariadb_access_denied" if number in (*ERROR_ACCESS_DENIED, 1142, 1227) else "mariadb_statement_failed"
        raise LifeboatError(f"Cannot {action}: MariaDB refused it with error {number}.", code, details) from None


def fetch_all(connection: Connection[Any], statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return list(cursor.fetchall())


def execute(connection: Connection[Any], statement: str, arguments: tuple[Any, ...] = ()) -> int:
    """Run one statement and return the number of rows that it affected."""
    with connection.cursor() as cursor:
        return int(cursor.execute(statement, arguments or None))
