"""The processes of this host, read from /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROC_PATH = Path("/proc")
# No process, one that ended and waits for its parent, and one that is being removed.
GONE_STATES = ("", "Z", "X")


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it; ``working_directory`` is None where the kernel does not let us look."""

    pid: int
    parent_pid: int
    user_id: int
    arguments: tuple[str, ...]
    working_directory: Path | None

    @property
    def module(self) -> str:
        """The module that Python was told to run with ``-m``, or nothing."""
        return "".join(self.arguments[2:3]) if self.arguments[1:2] == ("-m",) else ""

    def is_program(self, name: str) -> bool:
        """Tell whether the process runs a program of this name: directly, as a script, or as a module of Python."""
        if self.module:
            return self.module.rpartition(".")[2] == name
        return any(Path(argument).name.rstrip(":") == name for argument in self.arguments[:2])


def list_processes(proc_path: Path = PROC_PATH) -> list[Process]:
    """Return the processes that have a command line, ordered by pid; those that end meanwhile are left out."""
    pids = sorted(int(entry.name) for entry in proc_path.iterdir() if entry.name.isdigit())
    found = (_read_process(proc_path / str(pid), pid) for pid in pids)
    return [process for process in found if process is not None]


def is_alive(pid: int, proc_path: Path = PROC_PATH) -> bool:
    """Tell whether a process runs on this host; a zombie does not."""
    return process_state(pid, proc_path) not in GONE_STATES


def process_state(pid: int, proc_path: Path = PROC_PATH) -> str:
    """Return the kernel's letter for what a process does (``T`` is stopped by a signal), empty where there is none."""
    try:
        return _state_and_parent(proc_path / str(pid))[0]
    except OSError:
        return ""


def environment_names(pid: int, prefix: str, proc_path: Path = PROC_PATH) -> list[str]:
    """Return the names of a process's environment variables with a prefix; never their values."""
    try:
        content = (proc_path / str(pid) / "environ").read_bytes()
    except OSError:
        return []
    names = (item.partition(b"=")[0].decode(errors="replace") for item in content.split(b"\0"))
    return sorted({name for name in names if name.startswith(prefix)})


def _read_process(folder: Path, pid: int) -> Process | None:
    try:
        command_line = (folder / "cmdline").read_bytes()
        user_id = folder.stat().st_uid
        parent_pid = _state_and_parent(folder)[1]
    except OSError:
        return None
    if not command_line:
        return None
    try:
        working_directory = (folder / "cwd").readlink()
    except OSError:
        working_directory = None
    # A program that renames itself (gunicorn with setproctitle) leaves one string with spaces in it.
    separator = b"\0" if b"\0" in command_line.rstrip(b"\0") else None
    parts = command_line.rstrip(b"\0").split(separator)
    arguments = tuple(part.decode(errors="replace") for part in parts)
    return Process(pid, parent_pid, user_id, arguments, working_directory)


def _state_and_parent(folder: Path) -> tuple[str, int]:
    # The name in parentheses may hold spaces and parentheses: what follows its last one is in fixed order.
    fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[1])
