"""A second web server of a bench, on a port of its own: it proves new code, and serves while the first one restarts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Callable

from .._bench.processes import is_alive
from .._bench.web import NO_ANSWER, fetch, local_url
from .._recovery.lock import process_identity
from .._system.errors import LifeboatError
from .web_masters import WebMaster

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.1
PROBE_SECONDS = 10.0
# A server that answers, and each time with an error, is up; waiting any longer makes it no better.
MOST_BAD_ANSWERS = 20
# What a stand-in must not do as the first one does: take its port, write its pid file, leave the terminal.
_OPTIONS_WITH_VALUE = ("-b", "--bind", "-w", "--workers", "-p", "--pid")
_OPTIONS_ALONE = ("-D", "--daemon")
# By these, gunicorn takes sockets over, and supervisor and systemd know their own.
_FOREIGN_VARIABLES = ("GUNICORN_", "LISTEN_", "NOTIFY_SOCKET", "SUPERVISOR_")


@dataclass(frozen=True)
class StandIn:
    """A stand-in that runs; ``identity`` tells its process from a later one with the same number."""

    pid: int
    identity: str
    port: int


@dataclass(frozen=True)
class _Account:
    """As whom a stand-in runs; None leaves it as it is, where this process may not choose."""

    user_id: int | None = None
    group_id: int | None = None
    other_groups: list[int] | None = None


def stand_in_command(command: Iterable[str], port: int, workers: int) -> list[str]:
    """Return the command line of a stand-in: the same, but for where it listens and how many workers it has.

    Args:
        command: That of the master which it stands in for.
        port: A free port of the loopback interface.
        workers: How many workers it gets.
    """
    kept: list[str] = []
    is_value = False
    for word in command:
        name, equals, _value = word.partition("=")
        if is_value:
            is_value = False
        elif name in _OPTIONS_WITH_VALUE:
            is_value = not equals
        elif word not in _OPTIONS_ALONE:
            kept.append(word)
    return [*kept, "--bind", f"{LOOPBACK}:{port}", "--workers", str(workers)]


def start_stand_in(master: WebMaster, workers: int, log_path: Path, root: Path) -> StandIn:
    """Start a stand-in for a master, as the same user, in the same folder, with the same environment.

    Args:
        master: The one that it stands in for.
        workers: How many workers it gets.
        log_path: The file for what it prints.
        root: The folder that stands for ``/``.

    Raises:
        LifeboatError: ``command_failed`` when it cannot be started.
    """
    proc_path = root / "proc" / str(master.pid)
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port = int(listener.getsockname()[1])
    try:
        lines = (proc_path / "environ").read_bytes().split(b"\0")
        account = _account_of(proc_path) if os.geteuid() == 0 else _Account()
        log_path.touch(mode=0o600)
        with log_path.open("wb") as log:
            child = subprocess.Popen(
                stand_in_command(master.command, port, workers),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=master.folder,
                env=_environment(lines),
                # A kill of this process must not take it along: it may be all that serves.
                start_new_session=True,
                user=account.user_id,
                group=account.group_id,
                extra_groups=account.other_groups,
            )
    except (OSError, IndexError) as error:
        raise LifeboatError(
            f"Cannot start a second web server beside process {master.pid}: {error}. The one of before goes on "
            "serving. Correct what the error says, then run this again.",
            "command_failed",
        ) from None
    # From here on it is known by its pid alone, as it is to a run after a kill of this one.
    child.returncode = 0
    return StandIn(child.pid, process_identity(child.pid), port)


def wait_until_serving(
    port: int,
    pid: int | None,
    baseline: Mapping[str, int],
    probe_path: str,
    timeout_seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Wait until a web server answers for every site as the one of before did.

    Args:
        port: Its port on this host.
        pid: Its process, which may end; None where another one may take its place.
        baseline: The status that each site answered with before, by site; ``NO_ANSWER`` where it did not.
        probe_path: What is asked for.
        timeout_seconds: For how long.
        clock: Monotonic seconds.

    Returns:
        Why it does not serve; empty where it does.
    """
    deadline = clock() + timeout_seconds
    bad_answers = 0
    while True:
        worse = {
            site: answer.status
            for site, before in baseline.items()
            if is_worse(before, (answer := fetch(local_url(port), site, probe_path, PROBE_SECONDS)).status)
        }
        if not worse and (baseline or _listens(port)):
            return ""
        if pid is not None and not _runs(pid):
            return "it ended"
        bad_answers = bad_answers + 1 if any(worse.values()) else 0
        if clock() >= deadline or bad_answers >= MOST_BAD_ANSWERS:
            answers = ", ".join(f"{site} answers {status or 'nothing'}" for site, status in sorted(worse.items()))
            return answers or "it does not listen"
        time.sleep(POLL_SECONDS)


def is_worse(before: int, now: int) -> bool:
    """Tell whether a status is worse than the one of before: nothing, or an error of the server that was none."""
    if now == NO_ANSWER:
        return True
    return now >= HTTPStatus.INTERNAL_SERVER_ERROR > before > NO_ANSWER


def stop_stand_in(stand_in: StandIn, timeout_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Let a stand-in finish what it does and end; nothing happens where its process is another one by now."""
    if process_identity(stand_in.pid) != stand_in.identity:
        return
    deadline = clock() + timeout_seconds
    with suppress(ProcessLookupError):
        os.kill(stand_in.pid, signal.SIGTERM)
    while _runs(stand_in.pid):
        if clock() >= deadline:
            # It leads a session of its own, so its workers go with it and nobody else does.
            with suppress(ProcessLookupError):
                os.killpg(stand_in.pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _runs(pid: int) -> bool:
    with suppress(ChildProcessError):  # after a kill of this module it is nobody's child
        os.waitpid(pid, os.WNOHANG)
    return is_alive(pid)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def _environment(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    pairs = (line.partition(b"=") for line in lines if b"=" in line)
    foreign = tuple(prefix.encode() for prefix in _FOREIGN_VARIABLES)
    return {name: value for name, _equals, value in pairs if not name.startswith(foreign)}


def _account_of(proc_path: Path) -> _Account:
    owner = proc_path.stat()
    lines = dict(line.partition(":")[::2] for line in (proc_path / "status").read_text().splitlines())
    return _Account(owner.st_uid, owner.st_gid, [int(group) for group in lines.get("Groups", "").split()])
