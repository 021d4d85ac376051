"""One backup of a site at a time: the kernel frees the lock with the process that held it, however that ended."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from .._system.errors import LifeboatError
from .._system.files import make_private_folder

LOCK_NAME = "backup.lock"
# Says that a lock is held: by whom, for people, and the same for machines.
Refusal = Callable[[str, dict[str, Any]], LifeboatError]


@contextmanager
def backup_lock(site_folder: Path) -> Iterator[None]:
    """Hold the lock of the sets of a site; whoever makes or removes a set holds it.

    Args:
        site_folder: The site's folder in the repository; it is made where it is missing.

    Raises:
        LifeboatError: ``backup_running`` while another process holds it, with its process, host and since when.
    """

    def refusal(who: str, holder: dict[str, Any]) -> LifeboatError:
        return LifeboatError(
            f"Cannot work on the backup sets in {site_folder}: another backup of the site runs there ({who}). "
            "Wait until it has ended, or end it, then run this again.",
            "backup_running",
            {"holder": holder},
        )

    with folder_lock(site_folder, refusal):
        yield


@contextmanager
def folder_lock(folder: Path, refusal: Refusal, name: str = LOCK_NAME) -> Iterator[None]:
    """Hold a lock of a folder; the folder is made where it is missing.

    Args:
        folder: The folder.
        refusal: Says that somebody else holds the lock.
        name: The lock's file in the folder.

    Raises:
        LifeboatError: What ``refusal`` makes, while another process holds it.
    """
    make_private_folder(folder)
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            raise refusal(_named(holder), holder) from None
        # The lock is the kernel's: on a full disk it is held all the same, only not told by whom.
        with suppress(OSError):
            _write(descriptor, json.dumps(_this_process()).encode())
        try:
            yield
        finally:
            _write(descriptor, b"")
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a lock; its file is not made by asking."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


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


def _named(holder: dict[str, Any]) -> str:
    if not holder:
        return "a process that is just starting or ending"
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
