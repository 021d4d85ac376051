"""The masters of gunicorn that serve a bench: how they were started, since when they run, what their workers take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .._bench.layout import ROOT, Bench
from .._bench.processes import Process
from .._bench.service import Service
from .._bench.services import web_master_pids
from .._bench.supervisor import program_commands
from .._bench.systemd import user_options
from .._checks.targets.host import Host

_PRELOAD_SETTING = re.compile(r"^\s*preload_app\s*=\s*True\b", re.MULTILINE)
_PROPORTIONAL = re.compile(r"^(?:Pss|VmRSS):\s+(?P<kibibytes>\d+) kB", re.MULTILINE)
# Read where gunicorn is started when nothing else is named (its setting ``config``).
DEFAULT_CONFIG_NAME = "gunicorn.conf.py"


@dataclass(frozen=True)
class WebMaster:
    """One master of gunicorn.

    Attributes:
        pid: Its process.
        service: What starts it again, or None where nothing manages it.
        command: With what it was started; empty where it renamed itself and nobody tells.
        folder: Where it stands.
        is_preloading: Whether it loads the application itself, so that its workers have the code of its own start.
        worker_pids: Its workers.
        loaded_at_seconds: Since when it, or its oldest worker where it preloads not, has its code, as Unix time.
        worker_bytes: What each worker takes, its share of what they share included.
    """

    pid: int
    service: Service | None
    command: tuple[str, ...]
    folder: Path
    is_preloading: bool
    worker_pids: tuple[int, ...]
    loaded_at_seconds: float
    worker_bytes: tuple[int, ...]


def find_web_masters(bench: Bench, services: Iterable[Service], host: Host) -> list[WebMaster]:
    """Return the masters of gunicorn of a bench, by process.

    Args:
        bench: The bench.
        services: Its services, as ``find_services`` returned them.
        host: The host, as it is now.
    """
    root = host.surroundings.root
    processes = {process.pid: process for process in host.processes}
    known = list(services)
    pids = [pid for pid in web_master_pids(bench, known, root) if pid in processes]
    return [_master(processes[pid], service_of(pid, known, host), bench, host) for pid in pids]


def service_of(pid: int, services: Iterable[Service], host: Host) -> Service | None:
    """Return the service that a process belongs to: its own or that of a process above it; None where nothing does.

    Args:
        pid: The process.
        services: Those of the bench.
        host: The host, as it is now.
    """
    processes = {process.pid: process for process in host.processes}
    managed = {service.pid: service for service in services if service.manager != "process"}
    while pid in processes and pid not in managed:
        pid = processes[pid].parent_pid
    return managed.get(pid)


def process_bytes(pid: int, root: Path = ROOT) -> int:
    """Return what a process takes of the memory: its share of shared pages where the kernel tells, else what it maps.

    Args:
        pid: The process.
        root: The folder that stands for ``/``.
    """
    for name in ("smaps_rollup", "status"):
        try:
            found = _PROPORTIONAL.search((root / "proc" / str(pid) / name).read_text())
        except OSError:
            continue
        if found:
            return int(found["kibibytes"]) * 1024
    return 0


def is_preloading(command: tuple[str, ...], folder: Path) -> bool:
    """Tell whether gunicorn loads the application before it forks: by its command line, or by its configuration.

    Args:
        command: With what it was started.
        folder: Where it stands.
    """
    if "--preload" in command:
        return True
    named = [after for word, after in zip(command, command[1:]) if word in {"-c", "--config"}]
    path = folder / (named[0] if named else DEFAULT_CONFIG_NAME)
    try:
        return _PRELOAD_SETTING.search(path.read_text()) is not None
    except OSError:
        return False


def _master(process: Process, service: Service | None, bench: Bench, host: Host) -> WebMaster:
    root = host.surroundings.root
    command = _command(process, service, bench, host)
    folder = process.working_directory or bench.sites_path
    workers = [each for each in host.processes if each.parent_pid == process.pid]
    preloads = is_preloading(command, folder)
    loaders = [process] if preloads or not workers else workers
    return WebMaster(
        pid=process.pid,
        service=service,
        command=command,
        folder=folder,
        is_preloading=preloads,
        worker_pids=tuple(worker.pid for worker in workers),
        loaded_at_seconds=min(map(host.started_at_seconds, loaders)),
        worker_bytes=tuple(process_bytes(worker.pid, root) for worker in workers),
    )


def _command(process: Process, service: Service | None, bench: Bench, host: Host) -> tuple[str, ...]:
    if not process.arguments[0].startswith("gunicorn:"):
        return process.arguments
    # With setproctitle, gunicorn writes a title over its command line: whoever starts it knows.
    if service is None:
        return ()
    if service.manager == "supervisor":
        known = program_commands(bench, host.processes, host.surroundings.root)
        return tuple(shlex.split(known.get(service.name.rpartition(":")[2], "")))
    options = user_options(bench) if service.manager == "systemd-user" else ()
    shown = host.surroundings.run(["systemctl", *options, "show", "--property=ExecStart", "--value", service.name])
    return tuple(shown.output.partition("argv[]=")[2].partition(" ; ")[0].split())
