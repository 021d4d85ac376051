"""A MariaDB server of our own, for one piece of work: nothing unproven ever touches the live one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from .._system.children import bound_command, find_program
from .._system.commands import run_command
from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .connection import LoginOptions, connect

SERVER_PACKAGE = "mariadb-server-core"
START_TIMEOUT_SECONDS = 120.0
INSTALL_TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.02
SOCKET_NAME = "private.sock"

# All that it holds is a copy and is thrown away: nothing is synced, written twice or logged. What is taken out of it is
# made durable by who takes it.
THROW_AWAY: dict[str, str | int] = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "debug_no_sync": 1,
    "innodb_buffer_pool_size": "256M",
    "innodb_doublewrite": 0,
    "innodb_flush_log_at_trx_commit": 0,
    "innodb_flush_method": "nosync",
    "innodb_log_file_size": "64M",
    "max_allowed_packet": "1G",
    "performance_schema": 0,
}


class PrivateServer:
    """``with PrivateServer(folder) as server: connect(server.login)``; the end of the block removes all of it.

    It has the host's own mariadbd, no network and no binary log, a data directory and a socket that only this account
    can reach. It dies with the thread that started it (see ``bound_command``).

    Args:
        folder: A folder of its own; must not exist yet, or be empty.
        settings: Options of the server by their names with underscores (``{"innodb_page_size": 16384}``), before
            which ``THROW_AWAY`` steps back.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str | int] | None = None) -> None:
        self.folder = folder
        self.datadir = folder / "data"
        self.error_log_path = folder / "error.log"
        self._settings = {**THROW_AWAY, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._datadir_descriptor: int | None = None

    def __enter__(self) -> PrivateServer:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def login(self) -> LoginOptions:
        """How its administrator reaches it, from this process and its children."""
        # The path of a unix socket has 107 bytes at most; that of the folder may have more.
        return LoginOptions(
            "root", "", login_unix_socket=f"/proc/{os.getpid()}/fd/{self._datadir_descriptor}/{SOCKET_NAME}"
        )

    @property
    def pid(self) -> int:
        """The id of the server's process; 0 while none was started."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Make its data directory when there is none, start it and wait until it answers.

        Raises:
            LifeboatError: ``private_server_failed``; ``command_missing`` where the server's programs are not installed.
        """
        if not self.datadir.exists():
            self._install()
        self._datadir_descriptor = os.open(self.datadir, os.O_RDONLY | os.O_DIRECTORY)
        own: dict[str, str | int] = {
            "datadir": str(self.datadir),
            "tmpdir": str(self.folder / "tmp"),
            "socket": SOCKET_NAME,
            "log_error": str(self.error_log_path),
            "skip_networking": 1,
            "pid_file": str(self.folder / "private.pid"),
            # Statements of a dump or a log can read and write files in an empty folder only.
            "secure_file_priv": str(self.folder / "empty"),
        }
        command = [
            *(find_program("mariadbd", SERVER_PACKAGE), "--no-defaults"),
            *(["--user=root"] if os.geteuid() == 0 else []),
            *(f"--{name}={value}" for name, value in {**self._settings, **own}.items()),
        ]
        self._process = subprocess.Popen(
            bound_command(command, powerless=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_it_answers(self._process)

    def wait_for_end(self, timeout_seconds: float) -> int | None:
        """Wait for the server's end, for instance after a connection to it was lost.

        Returns:
            Its exit code, negative for a signal; None when it still runs after ``timeout_seconds``.
        """
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Shut the server down and keep its folder: another process can go on with it, by ``start`` or a new block."""
        if self._process is not None:
            self._process.terminate()
        self._end()

    def kill(self) -> None:
        """End the server as a crash does and keep its folder, with which ``start`` brings it back."""
        if self._process is not None:
            self._process.kill()
        self._end()

    def remove(self) -> None:
        """End the server and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        if self._process is not None:
            self._process.wait()
        if self._datadir_descriptor is not None:
            os.close(self._datadir_descriptor)
            self._datadir_descriptor = None

    def _install(self) -> None:
        make_private_folder(self.folder)
        for name in ("tmp", "empty"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        page_size = self._settings.get("innodb_page_size")
        # No --user: as root the script would give the host's PAM helper, which the live server uses, to that account.
        result = run_command(
            [
                *(find_program("mariadb-install-db", SERVER_PACKAGE), "--no-defaults"),
                *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
                *(f"--datadir={self.datadir}", f"--tmpdir={self.folder / 'tmp'}"),
                *("--innodb-flush-method=nosync", "--debug-no-sync", "--innodb-log-file-size=4M"),
                *([f"--innodb-page-size={page_size}"] if page_size else []),
            ],
            INSTALL_TIMEOUT_SECONDS,
        )
        if result.exit_code != 0:
            raise self._failure("its data directory could not be made", result.output + result.error_output)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            if process.poll() is not None:
                log = self.error_log_path.read_text(errors="replace") if self.error_log_path.exists() else ""
                raise self._failure(f"it ended with exit code {process.returncode}", log)
            if time.monotonic() > deadline:
                raise self._failure(f"it did not answer within {START_TIMEOUT_SECONDS:g} seconds", "")
            # A server that listens answers as soon as it can; PyMySQL leaves a socket behind that nobody listens on.
            with socket.socket(socket.AF_UNIX) as client:
                listens = client.connect_ex(str(self.login.login_unix_socket)) == 0
            if listens:
                connect(self.login).close()
                return
            time.sleep(POLL_SECONDS)

    def _failure(self, why: str, log: str) -> LifeboatError:
        said = [line for line in log.splitlines() if "ERROR" in line]
        return LifeboatError(
            f"Cannot start a private MariaDB server in {self.folder}: {why}"
            + (f"; it said: {said[-1].strip()}" if said else "")
            + ". Look whether the host has the memory and the disk space for one more server, then run this again.",
            "private_server_failed",
            {"folder": str(self.folder)},
        )
