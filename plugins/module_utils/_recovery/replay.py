"""Replays binary logs in a private server, for one database only.

The server reads the logs as its relay logs, so its own applier does the work: rows, statements that change a schema
(told by the tables that they name, whatever the default database was), sequences, tables without transactions. Other
databases are not there, and what concerns them is passed over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._mariadb.binlog.logs import LogFile, open_transactions
from .._mariadb.binlog.stream import READ_BYTES, open_binlog
from .._mariadb.connection import connect, execute, fetch_all, server_errors
from .._mariadb.private_server import PrivateServer
from .._system.errors import LifeboatError
from .replay_course import Stretch

if TYPE_CHECKING:
    from pymysql.connections import Connection

# Replayed logs carry the ids of their servers, also this one's; they are deleted by us, when they are through.
REPLAY_SETTINGS: dict[str, str | int] = {
    "relay_log": "relay",
    "relay_log_purge": 0,
    "replicate_same_server_id": 1,
    "slave_sql_verify_checksum": 1,
}
CHANNEL = "replay"
RELAY_FILE = f"relay-{CHANNEL}.000001"
RELAY_INDEX = f"relay-{CHANNEL}.index"
POLL_SECONDS = 0.05
ERROR_UNKNOWN_TABLE = 1051
_WILD = re.compile(r"([\\_%])")


@dataclass(frozen=True)
class TableFilter:
    """Which tables of the database a replay changes; none named means all.

    Attributes:
        only: Nothing but these.
        without: All but these.
    """

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


ALL_TABLES = TableFilter()


def replay_stretches(
    server: PrivateServer,
    database: str,
    stretches: Iterable[Stretch],
    report: Callable[[Stretch, int], None],
    tables: TableFilter = ALL_TABLES,
    *,
    idempotent: bool = False,
) -> None:
    """Apply what some stretches of binary logs did to one database, in their order.

    Args:
        server: A private server started with ``REPLAY_SETTINGS``.
        database: The database, under the name that it had.
        stretches: What to replay. Each log is copied into the server's folder and removed when it is through.
        report: Told, several times a second, the stretch and the byte of it that was reached; may raise.
        tables: Which tables are changed.
        idempotent: Whether a row that is there already is replaced, and one that is not there needs not be deleted.

    Raises:
        LifeboatError: ``replay_failed`` when a transaction cannot be applied; what opening a log raises.
    """
    with closing(connect(server.login)) as connection, server_errors("replay binary logs in a private server"):
        for stretch in stretches:
            if stretch.replayed_bytes:
                copy_log(stretch.name, stretch.path, stretch.until_offset, server.datadir / RELAY_FILE)
                (server.datadir / RELAY_INDEX).write_text(f"./{RELAY_FILE}\n")
                _prepare(connection, database, stretch, tables, idempotent)
                _apply(connection, stretch, report)
                execute(connection, f"RESET SLAVE '{CHANNEL}' ALL")


def copy_log(name: str, path: Path, until_offset: int, copy_path: Path) -> None:
    """Copy a log, plain, up to a byte: the server's own file is never opened by a private server.

    Raises:
        LifeboatError: ``binlog_damaged`` when it ends before; what opening a log raises.
    """
    left = until_offset
    with open_binlog(path) as stream, copy_path.open("wb") as copy:
        while left and (chunk := stream.read(min(left, READ_BYTES))):
            copy.write(chunk)
            left -= len(chunk)
    if left:
        raise LifeboatError(
            f"Cannot replay the binary log {name}: {path} ends {left} bytes before byte {until_offset}, up to which "
            "the plan goes. It was cut since; begin the recovery again.",
            "binlog_damaged",
            {"file": name},
        )


def _prepare(
    connection: Connection[Any], database: str, stretch: Stretch, tables: TableFilter, idempotent: bool
) -> None:
    execute(
        connection,
        f"CHANGE MASTER '{CHANNEL}' TO MASTER_HOST = 'localhost', MASTER_USE_GTID = NO,"
        f" RELAY_LOG_FILE = '{RELAY_FILE}', RELAY_LOG_POS = {stretch.since_offset}",
    )
    execute(connection, f"SET SESSION default_master_connection = '{CHANNEL}'")
    only = [f"{_literal(database)}.{_literal(table)}" for table in tables.only] or [f"{_literal(database)}.%"]
    settings = {
        "replicate_wild_do_table": ",".join(only),
        # Asked before the patterns; a pattern to ignore would be asked after them, hence never.
        "replicate_ignore_table": ",".join(f"{database}.{table}" for table in tables.without),
        "slave_exec_mode": "IDEMPOTENT" if idempotent else "STRICT",
        "slave_ddl_exec_mode": "STRICT",
    }
    for name, value in settings.items():
        execute(connection, f"SET GLOBAL {name} = %s", (value,))


def _literal(name: str) -> str:
    """Write a name as a pattern that fits it alone."""
    return _WILD.sub(r"\\\1", name)


def _apply(connection: Connection[Any], stretch: Stretch, report: Callable[[Stretch, int], None]) -> None:
    _start(connection, stretch)
    while True:
        status = _status(connection)
        report(stretch, status.offset)
        if status.is_running:
            time.sleep(POLL_SECONDS)
        elif status.error == ERROR_UNKNOWN_TABLE and _is_strict(connection):
            # One DROP TABLE of tables of several databases: those of the others are not here.
            execute(connection, "SET GLOBAL slave_ddl_exec_mode = 'IDEMPOTENT'")
            _start(connection, stretch)
        elif status.error or status.offset != stretch.until_offset:
            raise _failure(stretch, status.offset, status.error)
        else:
            return


def _start(connection: Connection[Any], stretch: Stretch) -> None:
    execute(
        connection,
        f"START SLAVE '{CHANNEL}' SQL_THREAD UNTIL RELAY_LOG_FILE = '{RELAY_FILE}',"
        f" RELAY_LOG_POS = {stretch.until_offset}",
    )


def _is_strict(connection: Connection[Any]) -> bool:
    return bool(fetch_all(connection, "SELECT @@slave_ddl_exec_mode = 'STRICT'")[0][0])


@dataclass(frozen=True)
class _Status:
    is_running: bool
    offset: int
    error: int


def _status(connection: Connection[Any]) -> _Status:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW SLAVE '{CHANNEL}' STATUS")
        values = dict(zip((column[0] for column in cursor.description), cursor.fetchone() or ()))
    # The text of the error holds the statement, hence rows: it stays in the private server.
    return _Status(
        is_running=values["Slave_SQL_Running"] != "No",
        offset=int(values["Relay_Log_Pos"]),
        error=int(values["Last_SQL_Errno"]),
    )


def _failure(stretch: Stretch, offset: int, error: int) -> LifeboatError:
    gtid = _gtid_at(stretch, offset)
    what = f"transaction {gtid}" if gtid else "a transaction"
    ahead = f" Recover to before:{gtid}, or from a newer base." if gtid else " Recover from a newer base."
    return LifeboatError(
        f"Cannot replay {stretch.name} beyond byte {offset}: {what} cannot be applied to the copy (error {error} of "
        "the private server). Either it needs data of another database, or the base and the logs do not belong "
        f"together.{ahead}",
        "replay_failed",
        {"file": stretch.name, "offset": offset, "gtid": gtid, "server_error": error},
    )


def _gtid_at(stretch: Stretch, offset: int) -> str:
    log = LogFile(stretch.name, stretch.path, stretch.until_offset)
    with open_transactions(log, counts_rows=False) as (transactions, _events):
        return next((str(one.gtid) for one in transactions if one.begin_offset >= offset), "")
