"""A lab that runs in the background until somebody ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .lab import MARK, Lab
from .processes import POLL_SECONDS, end_marked_processes, wait_until

STOP_TIMEOUT_SECONDS = 60.0


def keep(lab: Lab) -> None:
    """Run a lab until SIGTERM or SIGINT."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        with lab:
            for site in lab.sites:
                if not any((lab.site_path(site) / "private" / "backups").iterdir()):
                    lab.backup(site)
            _pid_path(lab.folder).write_text(str(os.getpid()))
            ending.wait()
    finally:
        _pid_path(lab.folder).unlink(missing_ok=True)


def start_keeper(folder: Path, arguments: list[str]) -> None:
    """Start a process that keeps a lab, and wait until the lab serves."""
    folder.mkdir(exist_ok=True)
    log_path = folder / "lab.log"
    with log_path.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "keep", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_until(lambda: keeper_pid(folder) == child.pid, f"the lab (see {log_path})", child, timeout_seconds=180)


def stop_keeper(folder: Path) -> bool:
    """End the lab of a folder, and tell whether one ran."""
    process_id = keeper_pid(folder)
    if process_id is not None:
        os.kill(process_id, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while keeper_pid(folder) is not None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    end_marked_processes(MARK, folder)
    return process_id is not None


def keeper_pid(folder: Path) -> int | None:
    """Return the process that keeps the lab of a folder, None when none does."""
    with contextlib.suppress(OSError, ValueError):
        process_id = int(_pid_path(folder).read_text())
        if b"tests.lab" in Path("/proc", str(process_id), "cmdline").read_bytes().split(b"\0"):
            return process_id
    return None


def _pid_path(folder: Path) -> Path:
    return folder / "lab.pid"
