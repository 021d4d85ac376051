"""Running mariadb-backup for one database, and reading what it says of its copy."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from ..._system.children import bound_command, find_program
from ..._system.commands import CommandRunner, secret_file
from ..._system.errors import LifeboatError
from ..binlog.position import BinlogPosition
from ..connection import LoginOptions
from ..option_file import option_file

PROGRAM = "mariadb-backup"
WATCH_SECONDS = 0.5
MESSAGE_BYTES = 300
# How often new redo log is looked for. Commits wait for the last look: by the program's default for up to a second.
LOG_COPY_MILLISECONDS = 50
# Before and after MariaDB 11.
POSITION_FILES = ("xtrabackup_binlog_info", "mariadb_backup_binlog_info")
DONE = "completed OK!"

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_LOCKED_AT = re.compile(r"^\[00\] (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) Starting BACKUP STAGE BLOCK_COMMIT", re.MULTILINE)
_STARTED_AT = re.compile(r"^start_time = (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", re.MULTILINE)
_COMPLAINT = re.compile(r"error|fail|cannot|can't|missing", re.IGNORECASE)
# What mariadb-backup says, and what to do about it.
_ADVICE = (
    ("No space left on device", "disk_space", "Free some space on that file system, then run this again"),
    (
        "Was only able to copy log from",
        "copy_failed",
        "The server wrote its redo log over before it was copied: run this when the server is less busy, or give it a "
        "larger innodb_log_file_size",
    ),
    (
        "missing required privilege",
        "mariadb_access_denied",
        "The account needs RELOAD, PROCESS, LOCK TABLES and BINLOG MONITOR",
    ),
    (
        "corrupt",
        "copy_failed",
        "A page of a table is damaged on the live server: look at its error log and its disk, and keep all older sets",
    ),
)


def check_program(server_version: str, run: CommandRunner) -> None:
    """Refuse a mariadb-backup that does not fit the server: it must be of the same series, and not older.

    Raises:
        LifeboatError: ``physical_unsupported``; ``command_missing`` when it is not installed.
    """
    said = run([find_program(PROGRAM, PROGRAM), "--version"])
    tool, server = _version(said.output + said.error_output), _version(server_version)
    if tool is None or server is None or tool[:2] != server[:2] or tool < server:
        shown = ".".join(map(str, tool)) if tool else "unknown"
        raise LifeboatError(
            f"Cannot copy tables of MariaDB {server_version} with {PROGRAM} {shown}: it must be of the same series and "
            "not older than the server. Install the package of the server's own version, or make logical sets.",
            "physical_unsupported",
            {"server_version": server_version, "program_version": shown},
        )


def copy_tables(
    login: LoginOptions, datadir: Path, directory: str, target: Path, *, threads: int, watch: Callable[[], None]
) -> str:
    """Copy the tables of one database, and the redo log written meanwhile, at one moment.

    Args:
        login: An administrator of the server.
        datadir: The server's data directory, on this host.
        directory: What the data directory calls the database: exactly this name is copied.
        target: Where the copy goes; must not exist.
        threads: How many files are copied at once.
        watch: Called every half second; what it raises ends the copy.

    Returns:
        What the program said.

    Raises:
        LifeboatError: ``copy_failed``, ``disk_space``, ``mariadb_access_denied``.
    """
    with secret_file(option_file(login, PROGRAM)) as options:
        arguments = [
            *(f"--defaults-file=/dev/fd/{options}", "--backup", f"--target-dir={target}"),
            *(f"--datadir={datadir}", f"--databases={directory}", f"--parallel={threads}"),
            f"--log-copy-interval={LOG_COPY_MILLISECONDS}",
        ]
        return _run(arguments, target, watch, (options,))


def prepare_tables(target: Path, *, memory_bytes: int, watch: Callable[[], None]) -> None:
    """Bring a copy to its one moment and write what an import of each table needs (``.cfg``).

    Raises:
        LifeboatError: ``copy_failed``, ``disk_space``.
    """
    _run(["--prepare", "--export", f"--target-dir={target}", f"--use-memory={memory_bytes}"], target, watch, ())


def read_position(target: Path) -> BinlogPosition | None:
    """Return the position in the binary log that a copy is of; None where the server writes none."""
    for name in POSITION_FILES:
        path = target / name
        if path.exists():
            file, offset, gtid = [*path.read_text().rstrip("\n").split("\t"), "", ""][:3]
            return BinlogPosition(gtid, file, int(offset)) if file else None
    return None


def recovery_point(said: str, target: Path) -> str:
    """Return the moment that a copy is of, RFC 3339 in UTC.

    Args:
        said: What ``copy_tables`` returned.
        target: The copy. When the program does not say when it stopped the commits, its start is told: never too late.
    """
    found = _LOCKED_AT.search(said)
    if found is None:
        found = _STARTED_AT.search((target / "xtrabackup_info").read_text())
    if found is None:
        raise LifeboatError(
            f"Cannot tell of what moment the copy {target} is: {PROGRAM} does not say it. Make logical sets instead.",
            "copy_failed",
        )
    return f"{found[1]}T{found[2]}Z"


def _run(arguments: Sequence[str], target: Path, watch: Callable[[], None], descriptors: tuple[int, ...]) -> str:
    log_path = target.with_name(f"{target.name}.log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            bound_command([find_program(PROGRAM, PROGRAM), *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=descriptors,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
        )
        try:
            exit_code = _wait(process, watch)
        except BaseException:
            # With the server that --export starts of its own.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    said = log_path.read_text(errors="replace")
    if exit_code != 0 or DONE not in said:
        raise _failure(said, exit_code)
    return said


def _wait(process: subprocess.Popen[bytes], watch: Callable[[], None]) -> int:
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(WATCH_SECONDS)
        watch()


def _failure(said: str, exit_code: int) -> LifeboatError:
    complaints = [line for line in said.splitlines() if _COMPLAINT.search(line)]
    complaint = complaints[-1].strip()[:MESSAGE_BYTES] if complaints else "it did not say why"
    code, advice = "copy_failed", "Look at the server's error log, then run this again"
    for text, its_code, its_advice in _ADVICE:
        if text in said:
            code, advice = its_code, its_advice
            complaint = next(line for line in said.splitlines() if text in line).strip()[:MESSAGE_BYTES]
            break
    return LifeboatError(
        f"Cannot copy the tables: {PROGRAM} ended with exit code {exit_code}: {complaint}. {advice}.",
        code,
        {"exit_code": exit_code},
    )


def _version(text: str) -> tuple[int, ...] | None:
    found = _VERSION.search(text)
    return tuple(int(part) for part in found.groups()) if found else None
