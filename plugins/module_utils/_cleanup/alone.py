"""One cleanup of a host at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._system.errors import LifeboatError
from .pace import stop_path

# What the kernel says of whoever listens to a socket: the numbers of its process, account and group.
PEER = struct.Struct("3i")


@contextmanager
def alone(state_path: Path) -> Iterator[None]:
    """Let no other cleanup of this host run meanwhile.

    The lock is a name in the kernel, which ends with the process and needs no room on a disk that may be full.

    Raises:
        LifeboatError: ``cleanup_running``.
    """
    name = f"\0lifeboat-cleanup-{hashlib.sha256(os.fsencode(state_path.resolve())).hexdigest()}"
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            lock.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise LifeboatError(
                f"Cannot clean up: another cleanup of this host is running{_holder(name)}. Wait until it has ended, or "
                f"end it (touch {stop_path(state_path)}, and remove that again), then run this again.",
                "cleanup_running",
            ) from None
        lock.listen()
        yield


def _holder(name: str) -> str:
    """Return which process listens, for people; "" where it has just ended."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.setblocking(False)
        try:
            asking.connect(name)
            pid = PEER.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))[0]
        except OSError:
            return ""
    return f" (process {pid})"
