"""Copying the tables of one database out of a live server, at one moment, without a long lock."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..._system.commands import run_command
from ..._system.errors import LifeboatError
from ..._system.files import make_private_folder
from ..binlog.position import BinlogPosition
from ..connection import LoginOptions, connect, execute, fetch_all, server_errors
from ..server import ServerFacts, local_datadir, read_server_facts
from .backup_program import PROGRAM, check_program, copy_tables, prepare_tables, read_position, recovery_point
from .gathering import THREADS, gather_tablespaces
from .schema import Schema, database_directory
from .structure import read_structure
from .support import check_support, encrypted_files
from .tablespace_set import INNODB, TablespaceSet

if TYPE_CHECKING:
    from pymysql.connections import Connection

ATTEMPTS = 3
PREPARE_MEMORY_BYTES = 256 * 1024 * 1024
# While mariadb-backup waits for its lock, statements that alter tables wait behind it.
LOCK_WAIT_SECONDS = 60
COPY_SUFFIX = ".copy"


@dataclass(frozen=True)
class DatabaseCopy:
    """The tables of a database at one moment.

    Attributes:
        tablespaces: The tables, ready to be imported.
        position: The moment in the binary log; None where the server writes none.
        recovery_point: The moment, RFC 3339 in UTC.
    """

    tablespaces: TablespaceSet
    position: BinlogPosition | None
    recovery_point: str


def copy_database(
    login: LoginOptions, database: str, folder: Path, *, watch: Callable[[], None] = lambda: None
) -> DatabaseCopy:
    """Copy the tables of a database with mariadb-backup, and prepare them once for being imported.

    Only this database's tables are copied, with the redo log that is written meanwhile. Reads and writes of InnoDB go
    on; commits stop for the instant in which the position is read, writes to MyISAM tables while these are copied. So
    all tables are of that instant. A copy during which a table was created, altered, dropped or emptied is made again.

    Args:
        login: An administrator of a server whose data directory is on this host.
        database: The database.
        folder: Where the files go; it must not exist. Beside it, ``<folder>.copy`` is used and removed.
        watch: Called every half second; what it raises ends the copy.

    Raises:
        LifeboatError: ``server_not_local``, ``physical_unsupported``, ``schema_changing``, ``copy_failed``,
            ``disk_space``, ``command_missing``, and those of connecting. Nothing is left in ``folder`` then.
    """
    action = f"copy the database {database}"
    with contextlib.closing(connect(login, database)) as connection, server_errors(action), _scratch(folder) as scratch:
        facts = read_server_facts(connection)
        datadir = _readable_datadir(facts)
        check_program(facts.version, run_command)
        directory = database_directory(connection, database)
        copied = scratch / "tables"

        def watch_both() -> None:
            watch()
            _check_lock_wait(connection)

        def copy() -> str:
            shutil.rmtree(copied, ignore_errors=True)
            return copy_tables(login, datadir, directory, copied, threads=THREADS, watch=watch_both)

        schema, said = _copy_while_nothing_changes(connection, database, copied / directory, copy)
        prepare_tables(copied, memory_bytes=PREPARE_MEMORY_BYTES, watch=watch)
        return DatabaseCopy(
            gather_tablespaces(copied / directory, folder, database, schema, facts),
            read_position(copied),
            recovery_point(said, copied),
        )


def _copy_while_nothing_changes(
    connection: Connection[Any], database: str, copied: Path, copy: Callable[[], str]
) -> tuple[Schema, str]:
    """Copy until a copy is whole and nothing was created, altered, dropped or emptied meanwhile.

    Args:
        connection: To the server.
        database: The database.
        copied: Where its files are after a copy.
        copy: Makes a copy, in place of one before, and returns what the program said.
    """
    changed: list[str] = []
    for _attempt in range(ATTEMPTS):
        before = read_structure(connection, database, copied.name)
        check_support(database, before.schema, encrypted_files(connection, copied.name))
        failure, said = None, ""
        try:
            said = copy()
        except LifeboatError as error:
            # Some statements that alter a table end mariadb-backup.
            failure = error
        after = read_structure(connection, database, copied.name)
        changed = after.changed_since(before)
        if failure is not None and not (changed and failure.error_code == "copy_failed"):
            raise failure
        if changed:
            continue
        if not _lacking_tables(after.schema, copied):
            return after.schema, said
        _force_checkpoint(connection)
    raise _never_whole(database, changed)


def _never_whole(database: str, changed: list[str]) -> LifeboatError:
    if changed:
        return LifeboatError(
            f"Cannot copy the database {database}: {changed[0]} was created, altered, dropped or emptied while it was "
            f"copied, {ATTEMPTS} times in a row. Does a migration run? Run this again when it has ended.",
            "schema_changing",
            {"changed": changed},
        )
    return LifeboatError(
        f"Cannot copy the database {database}: {PROGRAM} leaves tables out whose files were imported a short while ago "
        "(a recovery?). Run this again in some minutes, when the server has written all that it changed to its disk.",
        "copy_failed",
    )


def _lacking_tables(schema: Schema, copied: Path) -> list[str]:
    """Return the tables of InnoDB that a copy lacks.

    While the redo log since the last checkpoint says that the files of a table were discarded, mariadb-backup 10.11.19
    takes it for dropped, also when other files were imported meanwhile: it leaves the table out, without an error.
    """
    # What was created during the copy has another ending until it is prepared.
    return [
        table.name
        for table in schema.tables
        if table.engine == INNODB
        and not any((copied / f"{table.file_stem}{ending}").exists() for ending in (".ibd", ".new"))
    ]


def _force_checkpoint(connection: Connection[Any]) -> None:
    """Let the server write all changed pages, where it can be asked to: since 10.6.22, 10.11.12, 11.4.6 and 11.8."""
    if fetch_all(connection, "SHOW GLOBAL VARIABLES LIKE 'innodb_log_checkpoint_now'"):
        execute(connection, "SET GLOBAL innodb_log_checkpoint_now = ON")


def _readable_datadir(facts: ServerFacts) -> Path:
    datadir = local_datadir(facts)
    if datadir is None or not os.access(datadir, os.R_OK | os.X_OK):
        raise LifeboatError(
            f"Cannot copy tables of the server {facts.hostname}:{facts.port} as files: this account cannot read its "
            f"data directory {facts.datadir} on this host. Run this as root on the server's own host, or make logical "
            "sets.",
            "server_not_local",
            {"hostname": facts.hostname, "datadir": facts.datadir},
        )
    return datadir


def _check_lock_wait(connection: Connection[Any]) -> None:
    waiting = fetch_all(
        connection,
        "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'BACKUP STAGE %%' AND STATE LIKE 'Waiting for %%'"
        " AND TIME >= %s",
        (LOCK_WAIT_SECONDS,),
    )
    if waiting:
        raise LifeboatError(
            f"Gave the copy up: for {LOCK_WAIT_SECONDS} seconds it waited for a lock, and statements that alter tables "
            "waited behind it. Look for a long ALTER TABLE or LOCK TABLES on the server, then run this again.",
            "copy_failed",
        )


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield a folder beside another one; it is removed at the end, the other one when the work fails."""
    scratch = folder.with_name(f"{folder.name}{COPY_SUFFIX}")
    make_private_folder(scratch)
    try:
        yield scratch
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
