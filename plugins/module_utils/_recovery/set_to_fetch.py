"""Which set a recovery would begin with, on the host or off-site: what is off-site alone is fetched first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .._backups.offsite_fetch import choose_location
from .._backups.sets import BackupSet
from .._bench.layout import find_bench
from .._system.errors import LifeboatError
from .base_choice import has_positions, read_lives
from .point_in_time import Life, Target, base_candidates, parse_target
from .promotion_plan import look_at_site


def set_to_fetch(
    sets: Sequence[BackupSet], recover_to: str | None, undo: str | None, lives: Sequence[Life]
) -> BackupSet | None:
    """Return the set that a recovery would begin with; None where none leads there, which the recovery itself explains.

    Args:
        sets: Local sets with their copies, and those that are off-site alone.
        recover_to: What was asked for, as ``site_recovery`` takes it.
        undo: The GTID of a transaction to undo, or None.
        lives: The databases that the site lived in.

    Raises:
        LifeboatError: ``recover_to_invalid``, ``gtid_invalid``, ``backup_not_found``.
    """
    target = _target(sets, recover_to, undo)
    if target is None or (target.moment_seconds is not None and not has_positions(sets)):
        return choose_location(sets, recover_to)
    candidates = base_candidates(sets, target, lives)
    return choose_location(candidates, None) if candidates else None


def needs_logs(sets: Sequence[BackupSet], recover_to: str | None, undo: str | None) -> bool:
    """Tell whether a recovery goes on from its set over binary logs; arguments and errors as ``set_to_fetch``."""
    return _target(sets, recover_to, undo) is not None


def _target(sets: Sequence[BackupSet], recover_to: str | None, undo: str | None) -> Target | None:
    named = recover_to in [name for backup in sets for name in (backup.name, backup.address)]
    return None if named else parse_target(recover_to, undo)


def known_lives(sets: Sequence[BackupSet], site: str, bench_path: str | None, state_path: Path) -> tuple[Life, ...]:
    """Return the databases that a site lived in; where the site is gone, the newest set says in which it lived last."""
    try:
        current = look_at_site(find_bench(site, bench_path).site(site)).database
    except LifeboatError:
        current = ""
    last = next((backup.database_name for backup in sets if backup.position is not None), "")
    return read_lives(state_path, site, current or last)
