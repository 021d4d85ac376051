"""Binary logs of a server whose files are not on this host, or that it encrypts: asked for as a replica asks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from ..._system.children import bound_command, find_program
from ..._system.commands import secret_pipe
from ..._system.errors import LifeboatError
from ..connection import LoginOptions
from ..option_file import option_file

CLIENT_PACKAGE = "mariadb-client"


def fetch_binlog(login: LoginOptions, name: str, folder: Path) -> Path:
    """Copy a binary log, as the server sends it to replicas, into a folder, and return where it is.

    Args:
        login: The server, and an account with the privilege REPLICATION SLAVE.
        name: The file, as SHOW BINARY LOGS lists it.
        folder: A folder of the caller's own.

    Raises:
        LifeboatError: ``command_missing`` when mariadb-binlog is not installed; ``binlog_missing`` when the server does
            not send the file.
    """
    program = find_program("mariadb-binlog", CLIENT_PACKAGE)
    with secret_pipe(option_file(login, "client")) as options, tempfile.TemporaryFile() as messages:
        command = [
            *(program, f"--defaults-file=/dev/fd/{options}"),
            *("--read-from-remote-server", "--raw", f"--result-file={folder}/", name),
        ]
        completed = subprocess.run(
            bound_command(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            pass_fds=(options,),
            env={"PATH": os.defpath},
            check=False,
        )
        if completed.returncode != 0:
            messages.seek(0)
            raise _not_sent(login, name, completed.returncode, messages.read().decode(errors="replace"))
    return folder / name


def _not_sent(login: LoginOptions, name: str, exit_code: int, messages: str) -> LifeboatError:
    # It says why in its last line; with --raw it never looks into the events, so no data is in it.
    reason = (messages.strip().splitlines() or [f"exit code {exit_code}"])[-1].rstrip(".")
    return LifeboatError(
        f"Cannot fetch the binary log {name} from {login.address} with mariadb-binlog: {reason}. Does the account have "
        "REPLICATION SLAVE (GRANT REPLICATION SLAVE, BINLOG MONITOR, RELOAD ON *.* TO it), is the file still there "
        "(SHOW BINARY LOGS), is there room for it here, and are the MariaDB programs of this host of the server's "
        "series? An older mariadb-binlog does not know a newer server.",
        "binlog_missing",
        {"file": name, "exit_code": exit_code},
    )
