"""The services of a bench: found by looking at the host, never assumed from a name or a template."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Callable

from .._system.commands import CommandRunner, run_command
from .layout import ROOT, Bench
from .processes import Process, is_alive, list_processes
from .service import OTHER_KIND, RUNNING, Service, runs_in, served_queues, service_kind
from .supervisor import supervisor_services
from .systemd import systemd_services

POLL_SECONDS = 0.05
# A manager that hangs must not hold up a recovery: its services are then found among the processes.
MANAGER_TIMEOUT_SECONDS = 10

_run_manager = partial(run_command, timeout_seconds=MANAGER_TIMEOUT_SECONDS)


def find_services(bench: Bench, run: CommandRunner = _run_manager, root: Path = ROOT) -> list[Service]:
    """Return the services whose programs live in the bench, whichever way they were started.

    Args:
        bench: The bench.
        run: Runs ``supervisorctl`` and ``systemctl``.
        root: The folder that stands for ``/``.
    """
    processes = {process.pid: process for process in list_processes(root / "proc")}
    managed = [
        *supervisor_services(bench, processes, run, root),
        *systemd_services(bench, processes, run, root),
    ]
    managed_pids = {service.pid for service in managed}
    services = list(managed)
    for process in processes.values():
        kind = service_kind(process.arguments)
        if kind == OTHER_KIND or not runs_in(bench, process):
            continue
        ancestors = list(_ancestors(process, processes))
        if managed_pids.intersection(ancestor.pid for ancestor in (process, *ancestors)):
            continue
        if not any(service_kind(ancestor.arguments) == kind and runs_in(bench, ancestor) for ancestor in ancestors):
            name, queues = f"{kind}-{process.pid}", served_queues(process.arguments)
            services.append(Service(name, "process", kind, RUNNING, process.pid, queues))
    return services


def web_master_pids(bench: Bench, services: Iterable[Service], root: Path = ROOT) -> list[int]:
    """Return gunicorn's masters of this bench: the processes that start their workers anew on SIGHUP.

    Args:
        bench: The bench.
        services: Its services, as ``find_services`` returned them.
        root: The folder that stands for ``/``.
    """
    processes = {process.pid: process for process in list_processes(root / "proc")}
    web_pids = {service.pid for service in services if service.kind == "web"}
    masters = []
    for process in processes.values():
        parent = processes.get(process.parent_pid)
        if not process.is_program("gunicorn") or (parent is not None and parent.is_program("gunicorn")):
            continue
        lineage = {process.pid, *(ancestor.pid for ancestor in _ancestors(process, processes))}
        if runs_in(bench, process) or web_pids & lineage:
            masters.append(process.pid)
    return masters


def web_worker_pids(master_pids: Iterable[int], root: Path = ROOT) -> list[int]:
    """Return the workers of gunicorn's masters: the processes that may hold a cached configuration."""
    masters = set(master_pids)
    return [process.pid for process in list_processes(root / "proc") if process.parent_pid in masters]


def reload_web(
    master_pids: Iterable[int],
    timeout_seconds: float = 0,
    root: Path = ROOT,
    kill: Callable[[int, int], None] = os.kill,
    clock: Callable[[], float] = time.monotonic,
) -> list[int]:
    """Have gunicorn's masters replace their workers: a running request is finished, and new ones wait in the socket.

    Args:
        master_pids: The masters, as ``web_master_pids`` returned them; one that ended meanwhile is passed over.
        timeout_seconds: How long to wait for the workers of before to end; 0 only sends the signals.
        root: The folder that stands for ``/``.
        kill: Sends a signal.
        clock: Monotonic seconds.

    Returns:
        The workers of before that still run.
    """
    masters = list(master_pids)
    workers = web_worker_pids(masters, root)
    for pid in masters:
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGHUP)
    deadline = clock() + timeout_seconds
    while True:
        workers = [pid for pid in workers if is_alive(pid, root / "proc")]
        if not workers or clock() >= deadline:
            return workers
        time.sleep(POLL_SECONDS)


def _ancestors(process: Process, processes: Mapping[int, Process]) -> Iterator[Process]:
    parent = processes.get(process.parent_pid)
    while parent is not None:
        yield parent
        parent = processes.get(parent.parent_pid)
