"""Replacing a master of gunicorn that nothing manages by a new one, which takes its sockets over."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Callable

from .._bench.layout import ROOT
from .._bench.processes import is_alive, list_processes
from .._system.errors import LifeboatError
from .web_masters import WebMaster

POLL_SECONDS = 0.05


def upgrade(
    master: WebMaster,
    timeout_seconds: float,
    root: Path = ROOT,
    kill: Callable[[int, int], None] = os.kill,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Start a new master beside an old one, on the same sockets, and let the old one finish and end.

    SIGTERM is sent to the old master once the new one has its workers. The SIGQUIT of gunicorn's guide would cut the
    requests that its workers are at, and its SIGWINCH does nothing unless gunicorn runs as a daemon.

    Args:
        master: The old master.
        timeout_seconds: How long the new one may take to start, and the old one to end.
        root: The folder that stands for ``/``.
        kill: Sends a signal.
        clock: Monotonic seconds.

    Raises:
        LifeboatError: ``restart_failed`` when the new one does not start or the old one does not end; the old one goes
            on serving then.
    """
    kill(master.pid, signal.SIGUSR2)
    _wait(lambda: _has_new_master(master, root), "its new master started no workers", master, timeout_seconds, clock)
    kill(master.pid, signal.SIGTERM)
    _wait(lambda: not is_alive(master.pid, root / "proc"), "it does not end", master, timeout_seconds, clock)


def _has_new_master(master: WebMaster, root: Path) -> bool:
    processes = list_processes(root / "proc")
    old = {master.pid, *master.worker_pids}
    children = {each.pid for each in processes if each.parent_pid == master.pid and each.pid not in old}
    return sum(each.parent_pid in children for each in processes) >= len(master.worker_pids)


def _wait(
    is_so: Callable[[], bool], problem: str, master: WebMaster, timeout_seconds: float, clock: Callable[[], float]
) -> None:
    deadline = clock() + timeout_seconds
    while not is_so():
        if clock() >= deadline:
            raise LifeboatError(
                f"Cannot replace gunicorn's master {master.pid}: {problem} within {timeout_seconds:g} seconds. It goes "
                "on serving. Read its log, then run this again.",
                "restart_failed",
            )
        time.sleep(POLL_SECONDS)
