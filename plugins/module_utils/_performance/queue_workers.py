"""RQ's workers of a bench, and ending one so that neither the job that it runs nor one that it just took is lost."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from .._bench.processes import PROC_PATH, is_alive
from .._bench.service import Service
from .._checks.registry import UnmeasurableError
from .._checks.targets.host import Host
from .._queue.connection import redis_connection
from .._queue.jobs import Queue
from .._queue.keys import texts
from .web_masters import service_of

POLL_SECONDS = 0.05
BUSY = "busy"
_SOCKET_LINK = re.compile(r"socket:\[(?P<inode>\d+)\]")


@dataclass(frozen=True)
class QueueWorker:
    """A worker that lives on this host.

    Attributes:
        name: RQ's name of it.
        pid: Its process.
        queues: Those that it serves.
        service: What starts it again, or None where nothing manages it.
        loaded_at_seconds: When it was started, as Unix time.
    """

    name: str
    pid: int
    queues: tuple[str, ...]
    service: Service | None
    loaded_at_seconds: float


def find_queue_workers(queue: Queue, hostname: str, services: Iterable[Service], host: Host) -> list[QueueWorker]:
    """Return a bench's workers on this host, by name.

    Args:
        queue: The bench's queues.
        hostname: The name of this host, as RQ knows it.
        services: The bench's services.
        host: The host, as it is now.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``.
    """
    known = list(services)
    processes = {process.pid: process for process in host.processes}
    found = []
    for worker in queue.live_workers():
        process = processes.get(worker.pid or 0)
        if worker.hostname != hostname or process is None:
            continue
        with suppress(UnmeasurableError):  # it ended meanwhile
            started = host.started_at_seconds(process)
            service = service_of(process.pid, known, host)
            found.append(QueueWorker(worker.name, process.pid, worker.queues, service, started))
    return found


def ask_to_end(
    redis_url: str,
    worker: QueueWorker,
    timeout_seconds: float,
    kill: Callable[[int, int], None] = os.kill,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Have a worker end as soon as it has finished its job; one that was told so already is not told again.

    RQ ends on a first SIGTERM after the job, on a second one in the middle of it. A worker that waits ends at once, and
    would lose a job that Redis hands it at this moment. So it is stopped for that moment, and taken from the waiting
    ones by Redis itself (CLIENT UNBLOCK), which tells whether it had been given a job.

    Args:
        redis_url: The URL of the queue's Redis; it may hold a password.
        worker: The worker.
        timeout_seconds: For how long a moment is looked for in which it either runs a job or waits for one.
        kill: Sends a signal.
        clock: Monotonic seconds.

    Returns:
        False where there was no such moment.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``.
    """
    key = f"rq:worker:{worker.name}"
    deadline = clock() + timeout_seconds
    with redis_connection(redis_url) as connection:
        while is_alive(worker.pid):
            state, told = texts(connection.hmget(key, "state", "shutdown_requested_date"))
            if told:
                return True
            with _held_still(worker.pid, kill):
                # Asked again, as it may have gone on until it stood still.
                state = texts([connection.hget(key, "state")])[0]
                if state == BUSY or _is_taken_from_waiting(connection, worker.pid):
                    kill(worker.pid, signal.SIGTERM)
                    return True
            if clock() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
    return True


@contextmanager
def _held_still(pid: int, kill: Callable[[int, int], None]) -> Iterator[None]:
    """Stop a process for a moment; the signals that it gets meanwhile come before whatever it would have done next."""
    with suppress(ProcessLookupError):
        kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            kill(pid, signal.SIGCONT)


def _is_taken_from_waiting(connection: Any, pid: int) -> bool:
    # RQ gives a name to one of its connections only, and not to the one with which it waits.
    ports = _local_ports(pid)
    clients = [client for client in connection.client_list() if client["addr"].rpartition(":")[2] in ports]
    return any(connection.client_unblock(int(client["id"])) for client in clients)


def _local_ports(pid: int, proc_path: Path = PROC_PATH) -> set[str]:
    inodes = set()
    with suppress(OSError):  # each of them may be closed while we look
        for link in (proc_path / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found = _SOCKET_LINK.fullmatch(str(link.readlink()))
                inodes.update([found["inode"]] if found else [])
    ports = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc_path / "net" / name).read_text().splitlines()[1:]:
                words = line.split()
                if words[9] in inodes:
                    ports.add(str(int(words[1].rpartition(":")[2], 16)))
    return ports
