"""Applies the inverse of one transaction to a copy of its database, and counts that exactly its rows came back."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import BinaryIO, cast

from .._mariadb.binlog.logs import LogFile
from .._mariadb.binlog.row_images import read_row_changes
from .._mariadb.connection import connect, fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._mariadb.private_server import PrivateServer
from .._system.children import bound_command, find_program
from .replay import copy_log
from .undo import Undo, undo_refused

CLIENT_PACKAGE = "mariadb-client"
_ERROR_NUMBER = re.compile(rb"ERROR (\d+)")


def flash_back(server: PrivateServer, database: str, undo: Undo, log_path: Path) -> None:
    """Undo a transaction in a private server; the server writes the inverse of its row events itself.

    Args:
        server: A private server that holds the database as it was after the transaction, or later.
        database: The database; what the transaction did elsewhere is left out.
        undo: The transaction.
        log_path: The log that it lies in, plain or compressed.

    Raises:
        LifeboatError: ``undo_refused`` when a row is not there any more, or is there again; ``binlog_damaged``;
            ``command_missing``.
    """
    plain = server.folder / "undone.binlog"
    copy_log(undo.file, log_path, undo.end_offset, plain)
    # mariadb-binlog passes over what is damaged and calls that a success: each event is verified here before.
    for _change in read_row_changes(LogFile(undo.file, plain, undo.end_offset), undo.begin_offset, undo.end_offset):
        pass
    before = _row_counts(server, database, undo)
    _apply(server, database, undo, plain)
    after = _row_counts(server, database, undo)
    plain.unlink()
    if after != {table: before[table] + added for table, added in undo.added_rows().items()}:
        raise undo_refused(undo.gtid, "other numbers of rows came back than it had changed")


def _apply(server: PrivateServer, database: str, undo: Undo, plain: Path) -> None:
    inverse = [
        *(find_program("mariadb-binlog", CLIENT_PACKAGE), "--no-defaults", "--flashback", f"--database={database}"),
        *(f"--start-position={undo.begin_offset}", f"--stop-position={undo.end_offset}", str(plain)),
    ]
    client = [
        *(find_program("mariadb", CLIENT_PACKAGE), "--no-defaults", "--user=root", "--max-allowed-packet=1G"),
        f"--socket={server.login.login_unix_socket}",
    ]
    with Popen(bound_command(inverse), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as reader:
        with Popen(bound_command(client), stdin=reader.stdout, stdout=DEVNULL, stderr=PIPE) as writer:
            # Only the client holds the pipe now: when that ends early, the reader is not left waiting.
            cast(BinaryIO, reader.stdout).close()
            _output, said = writer.communicate()
        reader.wait()
    if writer.returncode or reader.returncode:
        # What the client says holds the statement, hence rows: only the number is told.
        number = _ERROR_NUMBER.search(said)
        raise undo_refused(
            undo.gtid,
            f"its inverse does not fit the rows of now (error {int(number[1])})" if number else "it cannot be inverted",
        )


def _row_counts(server: PrivateServer, database: str, undo: Undo) -> dict[str, int]:
    with closing(connect(server.login, database)) as connection, server_errors("count the rows of a private server"):
        return {
            table: int(fetch_all(connection, f"SELECT COUNT(*) FROM {quote_identifier(table)}")[0][0])  # noqa: S608
            for table in undo.added_rows()
        }
