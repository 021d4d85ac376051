"""How fast things may go: rows in chunks of half a second at most, and pauses while the server or its disk is busy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, Callable

from .._mariadb.connection import fetch_all
from .._system.commands import CommandResult, CommandRunner, run_command

if TYPE_CHECKING:
    from pymysql.connections import Connection

# The longest that a chunk may take (pt-archiver and the tools for online schema changes: 0.5 s), and what is aimed at,
# so that an ordinary one stays well below.
CHUNK_SECONDS = 0.5
TARGET_SECONDS = 0.25
FIRST_ROWS, MOST_ROWS = 100, 10_000
# A chunk may grow by this factor, and after one that took too long the next is this part of it.
GROWTH, SHRINKAGE = 2, 4
# After each chunk others have the server to themselves for this part of its time.
REST_RATIO = 0.5
# The limits at which pt-osc and gh-ost wait and give up.
PAUSE_THREADS, ABORT_THREADS = 25, 50
IO_PRESSURE_PERCENT = 20.0
REPLICA_SECONDS = 1
PAUSE_SECONDS = 1.0
# After so many files it is looked at the disk again.
PACED_FILES = 100
# Whatever else the host does goes first: at the processors, and at disks whose scheduler knows of classes. Where a
# container may not ask for that, ionice goes on (-t).
PRIORITIES = (("nice", "-n", "19"), ("ionice", "-t", "-c", "3"))
# Who is on call makes this file in the folder of the state, and a cleanup that runs ends soon; none begins until it is
# gone.
STOP_NAME = "cleanup.stop"
_PRESSURE = re.compile(r"^some avg10=(?P<percent>[\d.]+)", re.MULTILINE)


def next_rows(rows: int, seconds: float) -> int:
    """Return how many rows the next chunk has, after one of so many rows that took so long. Pure."""
    wanted = int(rows * TARGET_SECONDS / max(seconds, 0.001))
    return max(1, min(wanted, rows * GROWTH, MOST_ROWS))


@dataclass(frozen=True)
class Load:
    """What says whether others need the server more.

    Attributes:
        connection: A connection to the server.
        replicas: Connections to its replicas.
        root: The folder that stands for ``/``.
    """

    connection: Connection[Any]
    replicas: Sequence[Connection[Any]]
    root: Path

    def is_overloaded(self) -> bool:
        """Tell whether so many threads run that the work is better given up."""
        return self._threads() > ABORT_THREADS

    def is_busy(self) -> bool:
        """Tell whether to pause: many threads run, something waits for the disk, or a replica is behind."""
        return (
            self._threads() > PAUSE_THREADS
            or io_pressure_percent(self.root) > IO_PRESSURE_PERCENT
            or not all(follows(self.connection, replica) for replica in self.replicas)
        )

    def _threads(self) -> int:
        return int(fetch_all(self.connection, "SHOW GLOBAL STATUS LIKE 'Threads_running'")[0][1])


def follows(primary: Connection[Any], replica: Connection[Any]) -> bool:
    """Tell whether a replica has, within a second, all that its primary has written until now.

    Any account may ask this, while the seconds that it is behind are for administrators.
    """
    ((position,),) = fetch_all(primary, "SELECT @@gtid_binlog_pos")
    ((answer,),) = fetch_all(replica, "SELECT MASTER_GTID_WAIT(%s, %s)", (position, REPLICA_SECONDS))
    return bool(answer == 0)


def io_pressure_percent(root: Path) -> float:
    """Return for which part of the last ten seconds something waited for the disk; 0 where the kernel does not say."""
    try:
        match = _PRESSURE.search((root / "proc" / "pressure" / "io").read_text())
    except OSError:
        return 0.0
    return float(match["percent"]) if match else 0.0


def wait_for_disk(root: Path, deadline: float, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
    """Wait while something waits for the disk too often, but not longer than to the deadline.

    Args:
        root: The folder that stands for ``/``.
        deadline: The time of the clock at which to go on.
        clock: Tells seconds that never go back.
        pause: Waits for some seconds.
    """
    while io_pressure_percent(root) > IO_PRESSURE_PERCENT and clock() < deadline:
        pause(PAUSE_SECONDS)


def lowest_priority() -> list[str]:
    """Return what to write before a command, so that it waits for whatever else the host does."""
    return [part for command in PRIORITIES if which(command[0]) for part in command]


def stop_path(state_path: Path) -> Path:
    """Return the file that ends a cleanup."""
    return state_path / STOP_NAME


def gentle_runner(timeout_seconds: float) -> CommandRunner:
    """Return what runs programs at the lowest priority, and ends them after so many seconds."""
    return partial(_run_gently, timeout_seconds)


def _run_gently(timeout_seconds: float, arguments: Sequence[str]) -> CommandResult:
    # A program that is missing is to be named, and not as one that nice could not run.
    priority = lowest_priority() if which(arguments[0]) else []
    return run_command([*priority, *arguments], timeout_seconds)
