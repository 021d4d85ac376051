"""The binary logs of a running server: which there are, where they lie, who the server is."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..._system.errors import LifeboatError
from ..connection import execute, fetch_all, server_errors
from .logs import LogFile

if TYPE_CHECKING:
    from pymysql.connections import Connection

_VARIABLES = (
    "binlog_checksum",
    "binlog_expire_logs_seconds",
    "binlog_format",
    "binlog_row_image",
    "encrypt_binlog",
    "expire_logs_days",
    "gtid_binlog_state",
    "hostname",
    "log_bin",
    "log_bin_basename",
    "max_binlog_total_size",
    "port",
    "server_id",
    "server_uid",
    "sync_binlog",
    "version",
)


@dataclass(frozen=True)
class ServerIdentity:
    """What tells a server from every other one; ``server_uid`` is "" before 10.6.19, 10.11.9 and 11.4.3."""

    server_uid: str
    server_id: int
    hostname: str
    port: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def is_same(self, other: ServerIdentity) -> bool:
        """Tell whether two descriptions are of one server: the same unique id, or else the same id at one address."""
        if self.server_uid and self.server_uid == other.server_uid:
            return True
        return (self.server_id, self.hostname, self.port) == (other.server_id, other.hostname, other.port)

    def __str__(self) -> str:
        uid = f", server_uid {self.server_uid}" if self.server_uid else ""
        return f"{self.hostname}:{self.port} (server_id {self.server_id}{uid})"


@dataclass(frozen=True)
class LiveBinlogs:
    """The binary logs that a server has now.

    Attributes:
        identity: The server.
        variables: Its settings that matter here, as texts; a variable that it does not know is not in it.
        files: Names and lengths, oldest first; the last one is being written.
        folder: Where they lie, where that is on this host and they can be read; else (also where the server encrypts
            them) None.
        gtid_state: The last transaction of each domain and server, read before ``files``.
    """

    identity: ServerIdentity
    variables: dict[str, str]
    files: tuple[tuple[str, int], ...]
    folder: Path | None
    gtid_state: str

    @property
    def active(self) -> str:
        """The file that is being written."""
        return self.files[-1][0]

    def log_files(self) -> tuple[LogFile, ...]:
        """Return the files as they lie on this host; none where they are elsewhere."""
        if self.folder is None:
            return ()
        return tuple(
            LogFile(name, self.folder / name, size_bytes, is_active=name == self.active)
            for name, size_bytes in self.files
        )


def _identity_of(variables: dict[str, str]) -> ServerIdentity:
    return ServerIdentity(
        variables.get("server_uid", ""), int(variables["server_id"]), variables["hostname"], int(variables["port"])
    )


def read_live_binlogs(connection: Connection[Any]) -> LiveBinlogs:
    """Look at the binary logs of a server.

    Args:
        connection: An account that may run SHOW BINARY LOGS (``BINLOG MONITOR``).

    Raises:
        LifeboatError: ``binlog_off`` when the server writes none; ``mariadb_access_denied``, ``mariadb_lost`` or
            ``mariadb_statement_failed``.
    """
    with server_errors("read the binary logs of the server"):
        live = ask_for_binlogs(lambda statement: fetch_all(connection, statement))
    if live is None:
        raise LifeboatError(
            "The server writes no binary log (log_bin is off), so nothing can be archived or replayed. Add log_bin to "
            "the section [mariadbd] of its option file and restart it.",
            "binlog_off",
        )
    return live


def ask_for_binlogs(query: Callable[[str], list[tuple[Any, ...]]]) -> LiveBinlogs | None:
    """Return the binary logs of a server; None when it writes none.

    Args:
        query: Runs a statement on the server and returns its rows.
    """
    names = ", ".join(f"'{name}'" for name in _VARIABLES)
    rows = query(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
    variables = {str(name): str(value) for name, value in rows}
    if variables["log_bin"] != "ON":
        return None
    files = tuple((str(row[0]), int(row[1])) for row in query("SHOW BINARY LOGS"))
    folder = _local_folder(variables, files[-1][0])
    return LiveBinlogs(_identity_of(variables), variables, files, folder, variables["gtid_binlog_state"])


def flush_binlogs(connection: Connection[Any]) -> None:
    """Make the server go on in a new file, so that the one it wrote can be archived.

    Raises:
        LifeboatError: ``mariadb_access_denied`` (the account needs RELOAD), ``mariadb_lost`` or
            ``mariadb_statement_failed``.
    """
    with server_errors("make the server begin a new binary log"):
        execute(connection, "FLUSH BINARY LOGS")


def _local_folder(variables: dict[str, str], active: str) -> Path | None:
    folder = Path(variables["log_bin_basename"]).parent
    is_here = variables["hostname"] == socket.gethostname() and os.access(folder / active, os.R_OK)
    return folder if is_here and variables.get("encrypt_binlog") != "ON" else None
