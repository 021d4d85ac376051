"""Child processes that never outlive the process that started them, and free ports for them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

# Only what never comes is waited for so long: a busy machine may need a while.
START_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.02
PORTS = range(10000, 32768)  # Linux gives connections those from 32768 on

_names_of_ports: list[socket.socket] = []


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on, and that is this process's until it ends.

    The kernel gives it to no connection, and a name in the kernel keeps it from other processes: nobody takes it before
    the server listens, or while the server is down.
    """
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0lifeboat-port-{port}")
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            name.close()
        else:
            _names_of_ports.append(name)
            return port
    raise RuntimeError(f"no port from {PORTS[0]} to {PORTS[-1]} is free")


def start_child(
    command: list[str],
    log_path: Path,
    *,
    end_signal: str = "KILL",
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server as a child that the kernel ends with ``end_signal`` when its parent dies, however it dies."""
    with log_path.open("ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", end_signal, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )


def wait_until(
    ready: Callable[[], bool],
    what: str,
    child: subprocess.Popen[bytes] | None = None,
    timeout_seconds: float = START_TIMEOUT_SECONDS,
) -> None:
    """Wait until a condition holds.

    Raises:
        RuntimeError: The child ended meanwhile, or the time is over.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if child is not None and child.poll() is not None:
            raise RuntimeError(f"{what} ended with exit code {child.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready within {timeout_seconds:g} seconds")
        time.sleep(POLL_SECONDS)


def listens(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def stop_child(child: subprocess.Popen[bytes], timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """End a child by SIGTERM, after the timeout by SIGKILL."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def marked_processes(name: str, folder: Path) -> Iterator[int]:
    """Yield the processes that were started with a variable of the environment set to a folder.

    Redis writes its title over its environment; it is known by the folder that it works in.
    """
    wanted = f"{name}={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_redis = (process / "comm").read_text().strip() == "redis-server"
            works_there = folder in Path((process / "cwd").readlink()).parents
            marked = wanted in (process / "environ").read_bytes().split(b"\0")
            if (marked or (is_redis and works_there)) and int(process.name) != os.getpid():
                yield int(process.name)


def end_marked_processes(name: str, folder: Path, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """Kill what is left of the processes that ``marked_processes`` yields."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        left = list(marked_processes(name, folder))
        if not left:
            return
        for process_id in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"processes of {folder} do not end")
