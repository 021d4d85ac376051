"""Choosing what a drill recovers: which set, or which second. Pure, and the same for the same count of drills."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .._backups.recovery_point import format_moment
from .._backups.sets import BackupSet
from .._recovery.point_in_time import Window
from .._system.errors import LifeboatError

NEWEST, OLDER, RANDOM, NAMED = "newest", "older", "random", "named"


@dataclass(frozen=True)
class DrillPoint:
    """What is recovered and why.

    Attributes:
        choice: newest, older, random or named.
        recover_to: What a recovery would be asked for: a set's folder and name, or a time.
        text: A sentence that says why.
    """

    choice: str
    recover_to: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def choose_set_to_drill(sets: Sequence[BackupSet], site: str, drill_count: int, older_every: int) -> DrillPoint:
    """Choose the newest set, or every Nth time an older one.

    The newest one is taken whatever its verdict: a recovery would pass a broken one over, and a drill has to say that
    it is broken.

    Args:
        sets: What the catalogue found for the site, newest first.
        site: The site.
        drill_count: How many drills of the site were recorded; the choice of an older set follows from it alone.
        older_every: Which drill takes an older set: 5 for each fifth; 0 for none.

    Raises:
        LifeboatError: ``backup_not_found`` when there is no set at all.
    """
    if not sets:
        raise LifeboatError(
            f"Cannot drill {site}: it has no backup set. Back it up with lifeboat.frappe.site_backup, or give paths to "
            "folders with backups.",
            "backup_not_found",
        )
    number = drill_count + 1
    if older_every and number % older_every == 0 and len(sets) > 1:
        older = sets[1 + _pick(site, number, len(sets) - 1)]
        text = f"An older set, as every {older_every}th drill takes; this is number {number}."
        return DrillPoint(OLDER, older.address, text)
    return DrillPoint(NEWEST, sets[0].address, "The newest set.")


def choose_second(window: Window | None, site: str, drill_count: int) -> DrillPoint:
    """Choose a second of the window to which the site can be recovered.

    Args:
        window: The window; its first second is that of the base, which may hold transactions of that second already.
            None where there is none.
        site: The site.
        drill_count: How many drills of the site were recorded; the choice follows from it and the window alone.

    Raises:
        LifeboatError: ``outside_window`` when there is no such second.
    """
    seconds = int(window.until_seconds) - int(window.since_seconds) if window else 0
    if window is None or seconds < 1:
        raise LifeboatError(
            f"Cannot drill a random second of {site}: there is none that it could be recovered to. It takes a set that "
            "knows its position (lifeboat.frappe.site_backup) and the binary logs behind it without a gap "
            "(lifeboat.frappe.binlog_archive). Drill a set instead: drill_point=newest.",
            "outside_window",
        )
    chosen = int(window.since_seconds) + 1 + _pick(site, drill_count + 1, seconds)
    return DrillPoint(RANDOM, format_moment(chosen), f"A random second of the window from {window}.")


def _pick(site: str, number: int, count: int) -> int:
    """Return a number below ``count`` that looks random and is always the same for a site and a drill."""
    digest = hashlib.sha256(f"{site}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count
