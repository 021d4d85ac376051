"""The scratch place of a drill: a folder and a server of its own, neither of which can be the live one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import fetch_all, server_errors
from .._mariadb.server import database_exists
from .._system.errors import LifeboatError
from .._system.files import make_private_folder

if TYPE_CHECKING:
    from pymysql.connections import Connection

FOLDER_PREFIX = "lifeboat-drill-"
REMOVE_TIMEOUT_SECONDS = 30.0
REMOVE_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class ServerIdentity:
    """What tells one server from another.

    Attributes:
        hostname: The host that it runs on, as it says.
        datadir: Its data directory.
        socket: Its unix socket.
        pid_file: Where it writes the number of its process.
        port: Its TCP port, also where it does not listen on it.
        server_id: Its number in a replication.
        server_uid: What MariaDB computes of its host and its port; "" before 10.5.26, 10.6.19 and 10.11.9.
    """

    hostname: str
    datadir: str
    socket: str
    pid_file: str
    port: int
    server_id: int
    server_uid: str


def server_identity(connection: Connection[Any]) -> ServerIdentity:
    """Ask a server who it is."""
    with server_errors("ask a server who it is"):
        row = fetch_all(connection, "SELECT @@hostname, @@datadir, @@socket, @@pid_file, @@port, @@server_id")[0]
        uid = fetch_all(connection, "SHOW GLOBAL VARIABLES LIKE 'server_uid'")
    hostname, datadir, socket, pid_file = (str(value) for value in row[:4])
    return ServerIdentity(hostname, datadir, socket, pid_file, int(row[4]), int(row[5]), str(uid[0][1]) if uid else "")


def scratch_folder(base: Path, site: str, drill: str) -> Path:
    """Return the scratch folder of a drill below a base; nothing is made."""
    return base / site / f"{FOLDER_PREFIX}{drill}"


def refuse_unsafe_folder(scratch: Path, live_places: Iterable[Path]) -> None:
    """Refuse a scratch folder that lies in a live place, or around one.

    Args:
        scratch: The folder; it need not exist.
        live_places: The folder of the bench's sites, the live server's data directory, folders of backups.

    Raises:
        LifeboatError: ``drill_scratch_unsafe``.
    """
    wanted = scratch.resolve()
    for place in live_places:
        live = place.resolve()
        if live in (wanted, *wanted.parents) or wanted in live.parents:
            raise LifeboatError(
                f"Refused to drill in {scratch}: it and {place}, where live data is, are not apart. Give another "
                "scratch_path; nothing was changed.",
                "drill_scratch_unsafe",
                {"scratch": str(scratch), "live": str(place)},
            )


def refuse_live_server(scratch: ServerIdentity, live: ServerIdentity, own_folder: Path) -> None:
    """Refuse to write to a server that is the live one, or is not the drill's own.

    Args:
        scratch: The server that the drill is about to write to.
        live: The server of the live site.
        own_folder: The scratch folder, in which the drill's own server has everything.

    Raises:
        LifeboatError: ``drill_scratch_unsafe``.
    """
    own = own_folder.resolve()
    strangers = [
        place for place in (Path(scratch.datadir), Path(scratch.pid_file)) if own not in place.resolve().parents
    ]
    is_same_place = scratch.hostname == live.hostname and _is_same_folder(Path(scratch.datadir), Path(live.datadir))
    # The uid alone does not tell the servers of one host apart that have the same port; the number is drawn at random.
    is_same_server = (scratch.server_uid, scratch.server_id) == (live.server_uid, live.server_id)
    if strangers or is_same_place or is_same_server:
        raise LifeboatError(
            f"Refused to drill: the server with the data directory {scratch.datadir} is not the drill's own, or is the "
            "live one. Nothing was written to it. Look which servers run on this host.",
            "drill_scratch_unsafe",
            {"scratch": scratch.datadir, "live": live.datadir},
        )


def refuse_known_database(connection: Connection[Any], database: str) -> None:
    """Refuse to write to a database that is already there: the drill's own server has none.

    Raises:
        LifeboatError: ``drill_scratch_unsafe``.
    """
    with server_errors("look for a database in the scratch place"):
        exists = database_exists(connection, database)
    if exists:
        raise LifeboatError(
            f"Refused to drill: the server of the scratch place has a database {database} already. Nothing was written "
            "to it. Run the drill again.",
            "drill_scratch_unsafe",
            {"database": database},
        )


def _is_same_folder(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return first.resolve() == second.resolve()


def make_scratch(scratch: Path) -> None:
    """Make the scratch folder, which nobody else may enter."""
    make_private_folder(scratch)


def remove_scratch(scratch: Path) -> None:
    """Remove a scratch folder, if there is one; the caller holds the lock of the site's drills.

    Raises:
        LifeboatError: ``drill_scratch_unsafe`` when the path is not that of a drill's folder: what a damaged file says
            is never removed.
    """
    if not scratch.name.startswith(FOLDER_PREFIX):
        raise LifeboatError(
            f"Refused to remove {scratch}: it is no folder of a drill. Look at drill.json in the site's folder of the "
            "state_path, and remove that file when nothing of the drill is left.",
            "drill_scratch_unsafe",
            {"scratch": str(scratch)},
        )
    deadline = time.monotonic() + REMOVE_TIMEOUT_SECONDS
    # The server of a drill that was killed is being killed as well, and may write for a moment longer.
    while not _is_removed(scratch) and time.monotonic() < deadline:
        time.sleep(REMOVE_PAUSE_SECONDS)
    if scratch.exists():
        shutil.rmtree(scratch)


def used_bytes(scratch: Path) -> int:
    """Return the size of all files of a scratch folder to which nobody writes any more; 0 where there is none."""
    return sum(path.lstat().st_size for path in scratch.rglob("*") if not path.is_dir())


def _is_removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
