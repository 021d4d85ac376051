"""Under which name the collection keeps the state and the lock of a bench."""

from __future__ import annotations

from pathlib import Path

from .._bench.configuration import bench_id
from .._bench.layout import Bench
from .._recovery.journal import state_folder
from .._recovery.lock import SiteLock


def bench_folder(state_path: Path, bench: Bench) -> Path:
    """Return the folder of a bench's state.

    Args:
        state_path: The folder of the collection's state.
        bench: The bench.
    """
    return state_folder(state_path, _owner(bench))


def bench_lock(state_path: Path, bench: Bench) -> SiteLock:
    """Return the lock of a bench, which a change of its configuration takes as well.

    Args:
        state_path: The folder of the collection's state.
        bench: The bench.
    """
    return SiteLock(state_path, _owner(bench))


def _owner(bench: Bench) -> str:
    # No site's name begins with a dash.
    return f"-{bench_id({}, bench.path)}"
