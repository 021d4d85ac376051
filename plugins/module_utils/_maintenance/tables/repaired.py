"""The files of tables as they were before their repair: kept for a while, in case the repair lost something."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ..._cleanup.clock import refuse_clock_ahead
from .state import STATE_FOLDER

FOLDER_NAME = "repaired"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r".+-(\d{8}T\d{6}Z)")


def copy_folder(state_path: Path, site: str, now: float) -> Path:
    """Return the folder for the files of a table of a site that is repaired now (seconds since the epoch)."""
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime(_STAMP)
    return state_path / STATE_FOLDER / FOLDER_NAME / f"{site}-{stamp}"


def expired_copies(state_path: Path, now: float, keep_days: int) -> list[Path]:
    """Return the folders of copies that are older than so many days, sorted; what is not named as one is left out.

    Args:
        state_path: The folder of the collection's state.
        now: Seconds since the epoch.
        keep_days: For how long copies are kept; 0 for ever.
    """
    folder = state_path / STATE_FOLDER / FOLDER_NAME
    if not keep_days or not folder.is_dir():
        return []
    oldest = (datetime.fromtimestamp(now, timezone.utc) - timedelta(days=keep_days)).strftime(_STAMP)
    found = sorted((match[1], path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)))
    return [path for stamp, path in found if stamp < oldest and path.is_dir() and not path.is_symlink()]


def remove_copies(folders: Iterable[Path], now: float) -> None:
    """Remove folders of copies; one that somebody else removes meanwhile is gone as well.

    Raises:
        LifeboatError: ``clock_ahead``: nothing is old because a clock says so.
    """
    refuse_clock_ahead(now)
    for folder in folders:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
