"""Dumping a database as bench does, as a stream, with the position in the binary log that the dump is of."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from .._system.children import bound_command, find_program
from .._system.commands import secret_pipe
from .._system.errors import LifeboatError
from .binlog.position import BinlogPosition
from .connection import LoginOptions
from .option_file import option_file

CLIENT_PACKAGE = "mariadb-client"
# The options of bench's own dumps, and what no row can be too long for (the server's own upper limit).
DUMP_OPTIONS = (
    *("--single-transaction", "--quick", "--skip-lock-tables"),
    *("--default-character-set=utf8mb4", "--max-allowed-packet=1G"),
)
# The place in a file stands before the first table, the transactions (GTID) behind the last one.
END_BYTES = 16 * 1024
TABLE_CHANGED = "1412"

_FILE = re.compile(rb"^-- CHANGE MASTER TO MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+);", re.M)
_GTID = re.compile(rb"^-- SET GLOBAL gtid_slave_pos='([^']*)';", re.M)
_ERROR_NUMBER = re.compile(r"\b(?:error:?|Error) (\d{4})\b")


class DatabaseDump:
    """The SQL of a dump as it comes out of the program; see ``dump_database``."""

    def __init__(self, database: str, process: subprocess.Popen[bytes], messages: BinaryIO) -> None:
        self._database = database
        self._process = process
        self._messages = messages
        self._head = self._tail = b""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; nothing only at the end of a dump that is whole.

        Raises:
            LifeboatError: ``dump_failed``.
        """
        content = cast(BinaryIO, self._process.stdout).read(size)
        self._head += content[: END_BYTES - len(self._head)]
        self._tail = (self._tail + content)[-END_BYTES:]
        if not content and self._process.wait() != 0:
            raise self._failure()
        return content

    @property
    def position(self) -> BinlogPosition | None:
        """Where in the binary log the snapshot is; None when it was not asked for. Known when all was read."""
        file, transactions = _FILE.search(self._head), _GTID.findall(self._tail)
        if file is None:
            return None
        return BinlogPosition(transactions[-1].decode() if transactions else "", file[1].decode(), int(file[2]))

    def _failure(self) -> LifeboatError:
        self._messages.seek(0)
        # The messages name statements: only the number is told on.
        numbers = _ERROR_NUMBER.findall(self._messages.read().decode(errors="replace"))
        number = numbers[-1] if numbers else ""
        reason = (
            "a table was altered while it was read (a migration?). Run this again when that has ended"
            if number == TABLE_CHANGED
            else f"mariadb-dump ended with exit code {self._process.returncode}"
            + (f" and error {number}" if number else "")
            + ". Look whether the server runs, and whether the account may read all tables"
        )
        return LifeboatError(
            f"Cannot dump the database {self._database}: {reason}.",
            "dump_failed",
            {"exit_code": self._process.returncode, "server_error": int(number or 0)},
        )


@contextmanager
def dump_database(login: LoginOptions, database: str, *, with_position: bool) -> Iterator[DatabaseDump]:
    """Dump a database in one transaction; no table of InnoDB is locked.

    Args:
        login: The server and an account that may read the database.
        database: Its name.
        with_position: Whether to find the position in the binary log, which the server must write then.

    Raises:
        LifeboatError: ``command_missing`` when mariadb-dump is not installed.
    """
    program = find_program("mariadb-dump", CLIENT_PACKAGE)
    with secret_pipe(option_file(login)) as options, tempfile.TemporaryFile() as messages:
        command = [
            *(program, f"--defaults-file=/dev/fd/{options}", *DUMP_OPTIONS),
            *(("--master-data=2",) if with_position else ()),
            database,
        ]
        with subprocess.Popen(
            bound_command(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            pass_fds=(options,),
            env={"PATH": os.defpath},
        ) as process:
            try:
                yield DatabaseDump(database, process, cast(BinaryIO, messages))
            finally:
                process.kill()
