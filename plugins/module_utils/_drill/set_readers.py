"""Whether a set is being read now, by a recovery or a drill: retention leaves it alone then."""

from __future__ import annotations

from pathlib import Path

from .._backups.set_lock import is_locked
from .._recovery.journal import Journal, journals, state_folder
from .._recovery.lifecycle import is_ended
from .._system.errors import LifeboatError
from .lock import LOCK_NAME


def is_read(state_path: Path, site: str, folder: Path) -> bool:
    """Tell whether a recovery that has not ended began with a set, or a drill of the site, which may read any, runs.

    Args:
        state_path: The folder of the collection's state.
        site: The site's name.
        folder: The set's folder.
    """
    if is_locked(state_folder(state_path, site) / LOCK_NAME):
        return True
    return any(_began_with(journal, folder) for journal in journals(state_path, site))


def _began_with(journal: Journal, folder: Path) -> bool:
    try:
        return not is_ended(journal) and journal.plan()["set"]["folder"] == str(folder)
    except LifeboatError:  # it was killed before its plan was written, or cannot be resumed
        return False
