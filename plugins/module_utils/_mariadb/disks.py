"""The file systems of a server's host, as the server itself tells: for servers on another host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from .connection import DRIVER_ERRORS, fetch_all

if TYPE_CHECKING:
    from pymysql.connections import Connection

# An administrator has the server tell it with this, without a restart.
HOW_TO_TELL = "INSTALL SONAME 'disks'"
ERROR_UNKNOWN_TABLE = 1109
KIBIBYTE = 1024


@dataclass(frozen=True)
class Disk:
    """A file system: where it is mounted, all of its bytes, and those that are free for everybody."""

    path: PurePosixPath
    total_bytes: int
    free_bytes: int


def read_disks(connection: Connection[Any]) -> list[Disk]:
    """Return the file systems of the server's host; none where it has not the plugin or the account not FILE."""
    try:
        rows = fetch_all(connection, "SELECT Path, Total, Available FROM information_schema.DISKS")
    except DRIVER_ERRORS as error:
        if error.args[0] != ERROR_UNKNOWN_TABLE:
            raise
        return []
    return [Disk(PurePosixPath(path), int(total) * KIBIBYTE, int(free) * KIBIBYTE) for path, total, free in rows]


def disk_of(folder: str, disks: Sequence[Disk]) -> Disk | None:
    """Return the file system that a folder of the server's host is on; None where none of them holds it. Pure."""
    place = PurePosixPath(folder)
    holding = [disk for disk in disks if disk.path in (place, *place.parents)]
    return max(holding, key=lambda disk: len(disk.path.parts), default=None)
