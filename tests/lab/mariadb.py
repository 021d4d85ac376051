"""A MariaDB server of its own in a folder: no root, no system service, a free port of the loopback interface."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.tools.checkout import CACHE

from .processes import free_port, start_child, stop_child, wait_until

# Small and quick to start. A crash of the process loses nothing with these; a power cut is not tested.
SETTINGS: dict[str, Any] = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "innodb_buffer_pool_size": "64M",
    "innodb_flush_log_at_trx_commit": 2,
    "innodb_log_file_size": "16M",
    "log_bin": "binlog",
    "binlog_format": "ROW",  # a recovery to a point in time replays rows, never statements
    "server_id": 1,
}


class MariaDBServer:
    """One server; ``with MariaDBServer(folder) as server: connect(server.login)``.

    Args:
        folder: Where its data, log and option file live; kept between a stop and the next start.
        port: The port, or None for a free one.
        environment: The environment of the server, or None for that of this process.
        defaults_file: A file of options that the server reads; the variables, on its command line, win over it.
        variables: Options of the server by their names, for instance ``sync_binlog=1``; None leaves one out.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        environment: dict[str, str] | None = None,
        defaults_file: Path | None = None,
        **variables: Any,
    ) -> None:
        self.folder = folder
        self.data_path = folder / "data"
        self.error_log_path = folder / "error.log"
        self.option_file = folder / "root.cnf"
        self.port = port or free_port()
        self.environment = environment
        self.defaults_file = defaults_file
        self.variables = {**SETTINGS, **variables}
        self.process: subprocess.Popen[bytes] | None = None
        # The path of a unix socket must not be longer than 107 bytes, a folder of tests easily is.
        self._socket_folder: Path | None = None
        self._password = self._read_password() or secrets.token_urlsafe(12)

    def __enter__(self) -> MariaDBServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def login(self) -> LoginOptions:
        """How root reaches the server."""
        return LoginOptions("root", self._password, "127.0.0.1", self.port)

    @property
    def socket(self) -> Path:
        """The unix socket of the running server."""
        if self._socket_folder is None:
            raise RuntimeError("the server does not run")
        return self._socket_folder / "mariadb.sock"

    def start(self) -> None:
        """Prepare the data folder when there is none, start the server and wait until root can log in."""
        if not self.data_path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            log_file_size = self.variables["innodb_log_file_size"] or SETTINGS["innodb_log_file_size"]
            shutil.copytree(_new_data_folder(str(log_file_size)), self.data_path)
        self._socket_folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        own = {
            "datadir": self.data_path,
            "port": self.port,
            "bind_address": "127.0.0.1",
            "socket": self.socket,
            "tmpdir": self._temporary_folder(),
            "pid_file": self.folder / "mariadb.pid",
            "log_error": self.error_log_path,
            "init_file": self._write_init_file(),
        }
        options = [
            f"--{name}" if value is True else f"--{name}={value}"
            for name, value in {**self.variables, **own}.items()
            if value is not None
        ]
        defaults = f"--defaults-file={self.defaults_file}" if self.defaults_file else "--no-defaults"
        command = ["mariadbd", defaults, *_as_user(), *options]
        self.process = start_child(command, self.folder / "output.log", environment=self.environment)
        wait_until(self._accepts_logins, f"MariaDB (see {self.error_log_path})", self.process)
        self._write_option_file()

    def stop(self) -> None:
        """Shut the server down as a service manager does."""
        self._end(stop_child)

    def kill(self) -> None:
        """End the server as a crash does; ``start`` brings it back with the same data and port."""
        self._end(_kill)

    def _end(self, end: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder)
            self._socket_folder = None

    def _temporary_folder(self) -> Path:
        """Return a folder for temporary tables: a server that starts deletes all that it finds in a shared one."""
        path = self.folder / "tmp"
        path.mkdir(exist_ok=True)
        return path

    def _accepts_logins(self) -> bool:
        try:
            connect(self.login).close()
        except LifeboatError:
            return False
        return True

    def _write_init_file(self) -> Path:
        path = self.folder / "init.sql"
        # The installer leaves further accounts of root without a password.
        statements = (
            "SET sql_log_bin = 0",
            f"ALTER USER root@localhost IDENTIFIED BY '{self._password}'",
            "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'",
            "FLUSH PRIVILEGES",
        )
        _write_private(path, "".join(f"{statement};\n" for statement in statements))
        return path

    def _write_option_file(self) -> None:
        login = self.login
        _write_private(
            self.option_file,
            f"[client]\nuser={login.login_user}\npassword={login.login_password}\n"
            f"host={login.login_host}\nport={login.login_port}\n",
        )

    def _read_password(self) -> str | None:
        if not self.option_file.exists():
            return None
        lines = self.option_file.read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("password="))


@cache
def _new_data_folder(log_file_size: str) -> Path:
    """Return the data folder of a server that never ran, of which every server gets a copy; it is made once."""
    version = subprocess.run(["mariadbd", "--version"], check=True, capture_output=True, text=True).stdout
    name = hashlib.sha256(f"{version} {log_file_size}".encode()).hexdigest()[:16]
    ready = CACHE / "mariadb" / name
    if not ready.is_dir():
        ready.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ready.parent) as folder:
            _install(Path(folder), log_file_size)
            # Another process may have been quicker.
            with suppress(OSError):
                Path(folder, "data").rename(ready)
    return ready


def _install(folder: Path, log_file_size: str) -> None:
    installed = subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={folder / 'data'}",
            f"--tmpdir={folder}",
            f"--innodb-log-file-size={log_file_size}",
            *_as_user(),
        ],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if installed.returncode:
        raise RuntimeError(f"mariadb-install-db failed: {installed.stdout[-2000:]}")


def _as_user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
