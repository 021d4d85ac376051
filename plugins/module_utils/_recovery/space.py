"""Leaving the reserve of a file system free: looked at before a load, and watched while it goes."""

from __future__ import annotations

from pathlib import Path

from .._mariadb.load_target import Watch
from .._system.errors import LifeboatError
from .._system.files import free_bytes


def space_watch(datadir: Path | None, reserve_bytes: int) -> Watch:
    """Return a watch over the file system of a server's data.

    A full one stops the writes of every site of the server, so the load ends while the reserve is still free.

    Args:
        datadir: The data directory; None where it cannot be seen from here, then nothing is watched.
        reserve_bytes: What must stay free.
    """

    def watch() -> LifeboatError | None:
        if datadir is None:
            return None
        free = free_bytes(datadir)
        if free >= reserve_bytes:
            return None
        return LifeboatError(
            f"Gave up the load: {datadir} has {free} bytes free, and {reserve_bytes} must stay free (reserve_bytes). "
            "What was loaded is dropped; free some space there, then run this again.",
            "disk_space",
            {"path": str(datadir), "free_bytes": free, "reserve_bytes": reserve_bytes},
        )

    return watch


def require_space(path: Path, needed_bytes: int, reserve_bytes: int) -> None:
    """Refuse work that a file system has no room for.

    Args:
        path: A path on it that exists.
        needed_bytes: What will be written.
        reserve_bytes: What must stay free after that.

    Raises:
        LifeboatError: ``disk_space``.
    """
    free = free_bytes(path)
    if free < needed_bytes + reserve_bytes:
        raise LifeboatError(
            f"Refused the load: {path} has {free} bytes free, {needed_bytes} are needed and {reserve_bytes} must stay "
            "free (reserve_bytes). Nothing was created; free some space there, then run this again.",
            "disk_space",
            {"path": str(path), "free_bytes": free, "needed_bytes": needed_bytes, "reserve_bytes": reserve_bytes},
        )
