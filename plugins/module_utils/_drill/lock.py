"""One drill of a site at a time, and what is known of one that died. Never the lock of the site's recoveries."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from .._backups.set_lock import folder_lock
from .._recovery.journal import state_folder
from .._recovery.plan import format_time
from .._system.errors import LifeboatError
from .._system.files import remove_unfinished_writes, write_json_atomically

LOCK_NAME = "drill.lock"
STATE_NAME = "drill.json"


@dataclass(frozen=True)
class RunningDrill:
    """A drill that was begun and has not ended: what the next one needs when it died.

    Attributes:
        drill: Its identifier.
        site: The site.
        host, user, pid: Who runs it.
        since: When it began, RFC 3339.
        scratch: Its scratch folder.
        phase: The phase in which it is.
    """

    drill: str
    site: str
    host: str
    user: str
    pid: int
    since: str
    scratch: str
    phase: str = ""


class DrillLock:
    """The lock that a running drill holds; the kernel frees it with the process, however that ends."""

    def __init__(self, path: Path, running: RunningDrill) -> None:
        self._path = path
        self._running = running

    def note_phase(self, phase: str) -> None:
        """Write down in which phase the drill is, durably: when it is killed, its record says so."""
        self._running = replace(self._running, phase=phase)
        write_json_atomically(self._path, asdict(self._running))

    def end(self) -> None:
        """Say that nothing of the drill is left, and that its record is written."""
        self._path.unlink()


def running_drill(drill: str, site: str, scratch: Path, now: datetime) -> RunningDrill:
    """Describe a drill that this process begins."""
    return RunningDrill(
        drill, site, socket.gethostname(), getpass.getuser(), os.getpid(), format_time(now), str(scratch)
    )


@contextmanager
def drill_lock(state_path: Path, site: str) -> Iterator[RunningDrill | None]:
    """Hold the lock of a site's drills while the body runs.

    Yields:
        The drill that died and was not cleaned up after, or None.

    Raises:
        LifeboatError: ``drill_running`` when another drill of the site is under way.
    """
    folder = state_folder(state_path, site)
    with folder_lock(folder, lambda _who, _holder: _drill_running(site, _read(folder / STATE_NAME)), LOCK_NAME):
        remove_unfinished_writes(folder / STATE_NAME)
        yield _read(folder / STATE_NAME)


def begin(state_path: Path, running: RunningDrill) -> DrillLock:
    """Write down, before anything is made, which drill holds the lock and where its scratch folder will be."""
    path = state_folder(state_path, running.site) / STATE_NAME
    write_json_atomically(path, asdict(running))
    return DrillLock(path, running)


def _read(path: Path) -> RunningDrill | None:
    try:
        return RunningDrill(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _drill_running(site: str, running: RunningDrill | None) -> LifeboatError:
    who = (
        f"drill {running.drill}, begun by {running.user} on {running.host} (process {running.pid}) at {running.since},"
        if running
        else "a drill that is just beginning or ending"
    )
    return LifeboatError(
        f"Cannot drill {site}: {who} is under way. Wait until it has ended, or end it, then run this again.",
        "drill_running",
        {"site": site, "holder": asdict(running) if running else None},
    )
