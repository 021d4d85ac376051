"""What a server is and may do."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .connection import DRIVER_ERRORS, execute, fetch_all
from .identifiers import quote_identifier

if TYPE_CHECKING:
    from pymysql.connections import Connection


ERROR_FOLDER_NOT_EMPTY = 1010
ERROR_UNKNOWN_COLLATION = 1273
ERROR_COLLATION_OF_ANOTHER_CHARACTER_SET = 1253


@dataclass(frozen=True)
class ServerFacts:
    """The facts of a server that decide how a load is done."""

    version: str
    datadir: str
    hostname: str
    port: int
    binary_log: bool
    max_allowed_packet_bytes: int
    page_size_bytes: int
    replica_count: int


def read_server_facts(connection: Connection[Any]) -> ServerFacts:
    """Read the facts of a server in one query, and how many replicas follow it now."""
    row = fetch_all(
        connection,
        "SELECT @@version, @@datadir, @@hostname, @@port, @@log_bin, @@max_allowed_packet, @@innodb_page_size,"
        " (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%')",
    )[0]
    return ServerFacts(
        version=str(row[0]),
        datadir=str(row[1]),
        hostname=str(row[2]),
        port=int(row[3]),
        binary_log=bool(row[4]),
        max_allowed_packet_bytes=int(row[5]),
        page_size_bytes=int(row[6]),
        replica_count=int(row[7]),
    )


def local_datadir(facts: ServerFacts) -> Path | None:
    """Return the server's data directory when it is on this host and can be seen, else None."""
    path = Path(facts.datadir)
    return path if facts.hostname == socket.gethostname() and path.is_dir() else None


def unknown_collations(connection: Connection[Any], collations: Iterable[str]) -> list[str]:
    """Return those of the collations that the server does not know.

    It is asked by using each one, since the names that information_schema lists differ between versions.
    """
    return [collation for collation in collations if not _knows_collation(connection, collation)]


def _knows_collation(connection: Connection[Any], collation: str) -> bool:
    try:
        fetch_all(connection, f"SELECT CONVERT('' USING utf8mb4) COLLATE {quote_identifier(collation)}")
    except DRIVER_ERRORS as error:
        if error.args[0] not in (ERROR_UNKNOWN_COLLATION, ERROR_COLLATION_OF_ANOTHER_CHARACTER_SET):
            raise
        return bool(error.args[0] != ERROR_UNKNOWN_COLLATION)
    return True


def database_exists(connection: Connection[Any], database: str) -> bool:
    """Tell whether a database of this name exists."""
    return bool(fetch_all(connection, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)))


def list_tables(connection: Connection[Any], database: str) -> list[str]:
    """Return the base tables of a database, sorted by name."""
    rows = fetch_all(
        connection,
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' "
        "ORDER BY TABLE_NAME",
        (database,),
    )
    return [str(row[0]) for row in rows]


def drop_database(connection: Connection[Any], database: str) -> None:
    """Drop a database if it exists; a lock that somebody holds ends the wait after 10 seconds instead of never.

    The server leaves a file that a killed import had not yet given its name (``.BAK``) when it drops the last tables,
    and fails; it removes such a file when there is no table any more.
    """
    execute(connection, "SET SESSION lock_wait_timeout = 10")
    statement = f"DROP DATABASE IF EXISTS {quote_identifier(database)}"
    try:
        execute(connection, statement)
    except DRIVER_ERRORS as error:
        if error.args[0] != ERROR_FOLDER_NOT_EMPTY:
            raise
        execute(connection, statement)
