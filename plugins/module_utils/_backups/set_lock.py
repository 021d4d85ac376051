"""One backup of a site at a time: the kernel frees the lock with the process that held it, however that ended."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .._system.files import make_private_folder

LOCK_NAME = "backup.lock"


@contextmanager
def backup_lock(site_folder: Path) -> Iterator[None]:
    """Hold the lock of the sets of a site; whoever makes or removes a set holds it.

    Args:
        site_folder: The site's folder in the repository; it is made where it is missing.

    Raises:
        LifeboatError: ``backup_running`` while another process holds it, with its process, host and since when.
    """
    make_private_folder(site_folder)
    descriptor = os.open(site_folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _running(site_folder, _read_holder(descriptor)) from None
        _write(descriptor, json.dumps(_this_process()).encode())
        try:
            yield
        finally:
            _write(descriptor, b"")
    finally:
        os.close(descriptor)


def _this_process() -> dict[str, Any]:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _write(descriptor: int, content: bytes) -> None:
    # Not durable on purpose: after a power cut nobody holds the lock.
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)


def _read_holder(descriptor: int) -> dict[str, Any]:
    try:
        return dict(json.loads(os.pread(descriptor, 4096, 0)))
    except ValueError:
        return {}


def _running(site_folder: Path, holder: dict[str, Any]) -> LifeboatError:
    who = (
        f"process {holder['pid']} on {holder['host']} since {holder['since']}"
        if holder
        else "a process that is just starting or ending"
    )
    return LifeboatError(
        f"Cannot work on the backup sets in {site_folder}: another backup of the site runs there ({who}). "
        "Wait until it has ended, or end it, then run this again.",
        "backup_running",
        {"holder": holder},
    )
