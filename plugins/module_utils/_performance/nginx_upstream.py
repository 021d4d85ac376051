"""Where nginx on this host sends the requests of a bench, and sending them elsewhere without losing one."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .._bench.layout import ROOT
from .._bench.processes import is_alive, list_processes
from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .._system.replacing import replace_text

POLL_SECONDS = 0.05
# How nginx names the file whose text follows, when it is asked to print its configuration (nginx -T).
_FILE_LINE = re.compile(r"^# configuration file (?P<path>.+):$", re.MULTILINE)
_TITLE = ("nginx:", "master", "process")
_OPTIONS = ("-c", "-p", "-e")
ESTABLISHED_STATE = "01"


@dataclass(frozen=True)
class Nginx:
    """A master of nginx and with what it was started."""

    pid: int
    command: tuple[str, ...]


@dataclass(frozen=True)
class Upstream:
    """The files in which an nginx is told of a bench's web port."""

    nginx: Nginx
    files: tuple[Path, ...]


def find_upstreams(port: int, run: CommandRunner, root: Path = ROOT) -> list[Upstream]:
    """Return the nginx servers of this host that hand requests to a port of it.

    Args:
        port: The port of the bench's web server.
        run: Runs ``nginx``.
        root: The folder that stands for ``/``.
    """
    found = []
    for nginx in _masters(root):
        # Not from what the files are called: it prints all that it read, in whatever folder that is.
        answer = run([*nginx.command, "-T"])
        named = [Path(match["path"]).resolve() for match in _FILE_LINE.finditer(answer.output)]
        files = naming(dict.fromkeys(named), port)
        if files:
            found.append(Upstream(nginx, files))
    return found


def naming(paths: Iterable[Path], port: int) -> tuple[Path, ...]:
    """Return those of some files of nginx in which requests are handed to a port of this host."""
    return tuple(path for path in paths if path.is_file() and _address(port).search(path.read_text()))


def with_port(text: str, port: int, new_port: int) -> str:
    """Return a configuration of nginx in which requests for one port of this host go to another one."""
    return _address(port).sub(lambda match: f"{match['lead']}{new_port}", text)


def switch(
    upstream: Upstream,
    port: int,
    new_port: int,
    run: CommandRunner,
    drain_seconds: float,
    root: Path = ROOT,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Have an nginx send requests to another port, and wait until none is under way to the old one.

    Args:
        upstream: The nginx and its files.
        port: Where it sends them now.
        new_port: Where it is to send them.
        run: Runs ``nginx``.
        drain_seconds: How long its workers of before are waited for. One with a long connection (a websocket) lives
            on, so after that it is enough that nothing is connected to the old port.
        root: The folder that stands for ``/``.
        clock: Monotonic seconds.

    Raises:
        LifeboatError: ``restart_refused`` when nginx does not take the change; its files are as before then.
    """
    before = {path: path.read_text() for path in upstream.files}
    for path, text in before.items():
        replace_text(path, with_port(text, port, new_port))
    answer = run([*upstream.nginx.command, "-t"])
    if answer.exit_code:
        for path, text in before.items():
            replace_text(path, text)
        raise LifeboatError(
            f"Cannot send the requests of port {port} elsewhere: nginx -t refuses its configuration, and did so "
            "before as well or does not know the change. Nothing was restarted. Run nginx -t and correct what it says.",
            "restart_refused",
        )
    old_workers = _workers(upstream.nginx, root)
    os.kill(upstream.nginx.pid, signal.SIGHUP)
    deadline = clock() + drain_seconds
    while not _has_switched(upstream.nginx, old_workers, root):
        time.sleep(POLL_SECONDS)
        if clock() >= deadline:
            raise LifeboatError(
                f"Cannot tell that nginx (process {upstream.nginx.pid}) took its configuration: it started no new "
                f"workers within {drain_seconds:g} seconds. Read its error log, then run this again.",
                "restart_refused",
            )
    while any(is_alive(pid, root / "proc") for pid in old_workers):
        if clock() >= deadline and not connections_to(port, root):
            return
        time.sleep(POLL_SECONDS)


def connections_to(port: int, root: Path = ROOT) -> int:
    """Count the connections that a port of this host has taken and that are open."""
    count = 0
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (root / "proc" / "net" / name).read_text().splitlines()[1:]:
                _number, local, _remote, state, *_others = line.split()
                count += state == ESTABLISHED_STATE and int(local.partition(":")[2], 16) == port
    return count


def _address(port: int) -> re.Pattern[str]:
    return re.compile(rf"(?P<lead>\b(?:server|proxy_pass)\s+(?:https?://)?(?:127\.0\.0\.1|localhost):){port}(?!\d)")


def _masters(root: Path) -> list[Nginx]:
    found = []
    for process in list_processes(root / "proc"):
        words = process.arguments
        if words[:3] == _TITLE and len(words) > len(_TITLE):
            options = [pair for pair in zip(words[4:], words[5:]) if pair[0] in _OPTIONS]
            found.append(Nginx(process.pid, (words[3], *(word for pair in options for word in pair))))
    return found


def _workers(nginx: Nginx, root: Path) -> set[int]:
    return {process.pid for process in list_processes(root / "proc") if process.parent_pid == nginx.pid}


def _has_switched(nginx: Nginx, old_workers: Iterable[int], root: Path) -> bool:
    # Workers of before show in their title that they were told to end, once they were.
    by_pid = {process.pid: process for process in list_processes(root / "proc")}
    has_new = bool(_workers(nginx, root) - set(old_workers))
    told = (" ".join(by_pid[pid].arguments).endswith("shutting down") for pid in old_workers if pid in by_pid)
    return has_new and all(told)
