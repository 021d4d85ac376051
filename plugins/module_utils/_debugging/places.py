"""Where debug mode gathers: the room on the disks of the logs, and the files that it leaves behind."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._bench.layout import Bench
from .._system.mounts import Usage, read_usages
from .server import begin_log_anew
from .state import DebugState, ServerDebug
from .variables import SLOW_LOG_FILE

if TYPE_CHECKING:
    from pymysql.connections import Connection

# Frappe appends to it for every request and job while ``monitor`` is on, and never rotates it.
MONITOR_LOG = "monitor.json.log"
OLD_SUFFIX = ".1"

AskUsages = Callable[[Sequence[Path]], dict[Path, Usage]]


def log_folders(state: DebugState) -> list[Path]:
    """Return the folders that debug mode writes to."""
    folders = {Bench(Path(site.bench_path)).path / "logs" for site in state.sites}
    folders |= {Path(server.log_path).parent for server in state.servers if server.log_path}
    return sorted(folders)


def fullest(state: DebugState, ask: AskUsages = read_usages) -> tuple[Path | None, float]:
    """Return the folder with the least room, and the percent of its disk that are free; one that hangs is left out."""
    usages = ask([folder for folder in log_folders(state) if folder.is_dir()])
    return min(
        ((folder, usage.available_percent) for folder, usage in usages.items()),
        key=lambda found: found[1],
        default=(None, 100.0),
    )


def slow_logs(servers: Iterable[ServerDebug]) -> list[Path]:
    """Return the slow logs that debug mode had made, with their old generations."""
    own = [server.log_path for server in servers if server.log_path and SLOW_LOG_FILE in server.changes]
    return [Path(path + suffix) for path in own for suffix in ("", OLD_SUFFIX)]


def gathered(state: DebugState) -> list[Path]:
    """Return the files in which debug mode gathers what happens, where they are there."""
    written = [Path(server.log_path) for server in state.servers if server.log_path]
    monitors = [Path(path, "logs", MONITOR_LOG) for path in sorted({site.bench_path for site in state.sites})]
    return [path for path in dict.fromkeys((*written, *slow_logs(state.servers), *monitors)) if size_bytes(path)]


def named_files(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return files with their sizes, as a result names them."""
    return [{"path": str(path), "bytes": size_bytes(path)} for path in paths]


def size_bytes(path: Path) -> int:
    """Return the size of a file, following no link; 0 where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def set_aside(path: Path) -> None:
    """Make a log the old generation, in place of the one that is there."""
    if size_bytes(path):
        path.rename(f"{path}{OLD_SUFFIX}")


def keep_bounded(connection: Connection[Any], server: ServerDebug, max_log_bytes: int) -> bool:
    """Begin a slow log of debug mode anew where it has grown to half of what both generations may have.

    A run that was killed after it had moved the file is gone on with.

    Returns:
        Whether it was begun anew.
    """
    path = Path(server.log_path)
    if path.exists() and size_bytes(path) <= max_log_bytes // 2:
        return False
    set_aside(path)
    begin_log_anew(connection)
    return True
