"""A Redis server of its own in a folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from .processes import free_port, listens, start_child, stop_child, wait_until


def redis_server_program(folder: Path) -> Path:
    """Return the server's program.

    Distributions ship ``redis-check-rdb`` in a package that enables no service; the server is the same program under
    another name, so a link in ``folder`` is enough where ``redis-server`` is not installed.
    """
    installed = shutil.which("redis-server")
    if installed:
        return Path(installed)
    same_program = shutil.which("redis-check-rdb")
    if not same_program:
        raise RuntimeError("neither redis-server nor redis-check-rdb is installed")
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "redis-server"
    if not link.is_symlink():
        link.symlink_to(same_program)
    return link


class RedisServer:
    """One server on a free port of the loopback interface; ``with RedisServer(folder) as server: server.url``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its address as benches write it."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = str(redis_server_program(self.folder / "bin"))
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = start_child([program, *options], self.folder / "redis.log")
        wait_until(lambda: listens(self.port), f"Redis (see {self.folder / 'redis.log'})", self.process)

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            stop_child(self.process)
            self.process = None
