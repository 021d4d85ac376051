"""The logical part of a set: the dump of a database in the form in which bench writes it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from ..._bench.apps import bench_apps
from ..._bench.layout import Bench
from ..._bench.revisions import app_revision
from ..._mariadb.binlog.position import BinlogPosition
from ..._mariadb.connection import LoginOptions, server_errors
from ..._mariadb.dump_command import DatabaseDump, dump_database
from ..manifest import InexactTable
from ..names import DATABASE
from .parallel_gzip import ParallelGzip
from .set_writer import SetWriter
from .source import Source, inexact_tables, live_position, read_tables, server_seconds

if TYPE_CHECKING:
    from pymysql.connections import Connection

READ_BYTES = 1024 * 1024
FRAPPE = "frappe"


@dataclass(frozen=True)
class LiveDump:
    """What is known of a dump of the live database.

    Attributes:
        began_at: When it began, in seconds since the epoch by the server's clock: the data is at least that new.
        position: What it is of in the binary log; None where the server writes none.
        inexact_tables: Tables without transactions that may be of a later moment.
    """

    began_at: int
    position: BinlogPosition | None
    inexact_tables: tuple[InexactTable, ...]


def dump_live_database(
    writer: SetWriter,
    source: Source,
    login: LoginOptions,
    connection: Connection[Any],
    on_read: Callable[[int], None],
) -> LiveDump:
    """Write the dump of the live database; no table with transactions is locked.

    Args:
        writer: The set.
        source: What is dumped.
        login: The server, for the program that dumps.
        connection: A connection to the same server.
        on_read: Is told the bytes of each part of the dump.
    """
    with server_errors(f"ask for the time before the dump of {source.database}"):
        began_at = server_seconds(connection)
    with dump_database(login, source.database, with_position=source.facts.binary_log) as dump:
        write_dump(writer, source.site.bench, dump, began_at, on_read)
        position = dump.position
    with server_errors(f"look at the tables of {source.database} after the dump"):
        until = live_position(connection) if source.facts.binary_log else None
        tables = read_tables(connection, source.database)
    return LiveDump(began_at, position, inexact_tables(tables, began_at, position, until))


def write_dump(
    writer: SetWriter, bench: Bench, dump: DatabaseDump, began_at: int, on_read: Callable[[int], None]
) -> None:
    """Write a dump as bench does: Frappe's header in a gzip member of its own, which says when the dump began.

    Args:
        writer: The set.
        bench: Whose version of Frappe the header names.
        dump: The SQL.
        began_at: Seconds since the epoch.
        on_read: Is told the bytes of each part.
    """
    with writer.artifact(DATABASE, "database", ".sql.gz") as artifact:
        artifact.write(gzip.compress(frappe_header(bench).encode(), mtime=began_at))
        with ParallelGzip(artifact.write) as packed:
            while content := dump.read(READ_BYTES):
                packed.write(content)
                on_read(len(content))
            packed.close()


def frappe_header(bench: Bench) -> str:
    """Return the first lines of a dump, by which ``bench restore`` tells a backup of a newer Frappe."""
    lines = [
        "begin frappe metadata",
        f"[{FRAPPE}]",
        f"version = {bench_apps(bench).get(FRAPPE, '')}",
        f"branch = {app_revision(bench, FRAPPE).branch}",
        "end frappe metadata",
        "",
    ]
    return "".join(f"-- {line}\n" for line in lines)
