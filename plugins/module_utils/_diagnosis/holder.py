"""Who holds a site in maintenance: a recovery, or a person who used this collection for it."""

from __future__ import annotations

from pathlib import Path

from .._recovery.journal import journals
from .._recovery.lifecycle import is_ended
from .._recovery.lock import SiteLock
from .._recovery.maintenance import read_originals
from .._system.errors import LifeboatError


def holder_of(state_path: Path, site: str) -> str:
    """Return who holds a site, for people; empty for nobody. A journal that cannot be read holds it."""
    lock = SiteLock(state_path, site)
    state = lock.read()
    if state is not None and lock.is_live(state):
        return state.owner
    try:
        unfinished = [journal.recovery for journal in journals(state_path, site) if not is_ended(journal)]
    except LifeboatError as error:
        return f"a recovery ({error.message})"
    if unfinished:
        return f"the recovery {unfinished[-1]}, which did not end,"
    return "whoever ran the module site_maintenance" if read_originals(state_path, site) is not None else ""
