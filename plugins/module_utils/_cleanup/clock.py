"""A clock that is ahead makes every file look old: nothing is taken away by such a clock."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Callable

from .._system.errors import LifeboatError
from .._system.mounts import parse_mounts
from .._system.quantities import DAY_SECONDS

# Something is written there all the time, on every host that runs a bench.
WITNESSES = (Path("/run"), Path("/var/log"), Path("/var/lib/systemd/timesync"), Path("/var/lib/mysql"))
LIMIT_SECONDS = 2 * DAY_SECONDS
# On every host with systemd this lies in memory, so nothing in it is older than the start of the host.
MEMORY_FOLDER, MEMORY_KIND = Path("/run"), "tmpfs"
MOUNTINFO = Path("/proc/self/mountinfo")
# What adjtimex(2) returns where nobody keeps the clock in step, and more room than its structure takes anywhere.
NOT_SYNCHRONISED, TIMEX_BYTES = 5, 512


def is_synchronised() -> bool:
    """Tell whether the kernel knows of a program that keeps the clock in step with a time server."""
    state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    return 0 <= state < NOT_SYNCHRONISED


def jump_seconds(now: float, uptime_seconds: float, memory_folder: Path) -> float:
    """Return by how much the clock was set ahead since the host was started; less than 0 where it was not.

    Args:
        now: Seconds since the epoch.
        uptime_seconds: For how long the host has been running, by a clock that nobody can set.
        memory_folder: A folder in memory: what is in it was made since the start.
    """
    started = now - uptime_seconds
    return started - min((status.st_ctime for status in _entries(memory_folder)), default=started)


def jump_of_host(now: float) -> float:
    """Return ``jump_seconds`` of this host; 0 where its clock is kept in step, or nothing says when it was started."""
    kinds = {mount.point: mount.kind for mount in parse_mounts(MOUNTINFO.read_text())}
    if kinds.get(str(MEMORY_FOLDER)) != MEMORY_KIND or is_synchronised():
        return 0.0
    return jump_seconds(now, time.clock_gettime(time.CLOCK_BOOTTIME), MEMORY_FOLDER)


def refuse_clock_ahead(
    now: float, witnesses: Iterable[Path] = WITNESSES, jump: Callable[[float], float] = jump_of_host
) -> None:
    """Refuse to judge ages while the clock is days ahead of what was written on this host, or was set so far ahead.

    Args:
        now: Seconds since the epoch.
        witnesses: Folders in which something is written all the time.
        jump: Returns by how much the clock was set ahead since the host was started. What was written since says
            nothing against such a clock.

    Raises:
        LifeboatError: ``clock_ahead``.
    """
    newest = max((status.st_mtime for folder in witnesses for status in _statuses(folder)), default=now)
    if now - newest > LIMIT_SECONDS:
        raise _refused(
            f"the clock is {(now - newest) / DAY_SECONDS:.1f} days ahead of the newest file in "
            f"{', '.join(map(str, witnesses))}",
            "Set the clock",
        )
    jumped = jump(now)
    if jumped > LIMIT_SECONDS:
        raise _refused(
            f"the clock was set ahead by {jumped / DAY_SECONDS:.1f} days since the host was started, and no time "
            "server keeps it",
            "Set the clock, let a time server keep it (chrony, systemd-timesyncd), or restart the host",
        )


def _statuses(folder: Path) -> Iterator[os.stat_result]:
    """Yield what a folder and its entries are."""
    with suppress(OSError):
        yield folder.stat()
        yield from _entries(folder)


def _entries(folder: Path) -> Iterator[os.stat_result]:
    for entry in folder.iterdir():
        with suppress(OSError):  # one that goes meanwhile
            yield entry.lstat()


def _refused(why: str, remedy: str) -> LifeboatError:
    return LifeboatError(
        f"Refused to judge what is old: {why}. Nothing was taken away. {remedy}, and run this again.", "clock_ahead"
    )
