"""Choosing the set to recover from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Callable

from .._system.errors import LifeboatError
from .recovery_point import format_moment
from .sets import COMPLETE, FROM_FILE, BackupSet

_LOOKS_LIKE_A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHOWN = 5


@dataclass(frozen=True)
class Choice:
    """The chosen set, and the sets that were passed over on the way: name, folder, verdict and reason of each."""

    chosen: BackupSet
    skipped: tuple[dict[str, str], ...]


def choose_set(
    sets: Sequence[BackupSet],
    recover_to: str | None = None,
    verify: Callable[[BackupSet], BackupSet] = lambda backup: backup,
) -> Choice:
    """Choose the newest complete set, or the one that was asked for.

    Args:
        sets: What the catalogue found.
        recover_to: A set's name (or its folder and name), or a moment in RFC 3339 with an offset: the newest complete
            set at or before it. None for the newest complete set.
        verify: Looks deeper into a candidate. It is called for as few as possible, newest first.

    Raises:
        LifeboatError: ``backup_not_found`` when no complete set fits, with why those that came near do not;
            ``recover_to_invalid`` when it is a moment without an offset, or neither a moment nor a set's name.
    """
    named = [backup for backup in sets if recover_to in (backup.name, backup.address)]
    latest = None if named or recover_to is None else _moment(recover_to, sets)
    skipped: list[dict[str, str]] = []
    if named:
        pending = [(backup, False) for backup in named]
    else:
        skipped += [_skipped(backup, _UNNAMED) for backup in sets if not backup.slug]
        pending = [(backup, False) for backup in sets if backup.slug]
    while pending:
        # A look into a set can only make its recovery point older, so the newest one that was looked at is the newest.
        pending.sort(key=lambda candidate: (candidate[0].recovery_point, candidate[1], candidate[0].name))
        backup, verified = pending.pop()
        if verified:
            return Choice(backup, tuple(skipped))
        # The file's time may be that of a copy: only a look inside tells whether the data is older.
        if _is_after(backup, latest) and backup.recovery_point_source != FROM_FILE:
            continue
        backup = verify(backup)
        if _is_after(backup, latest):
            continue
        if backup.verdict == COMPLETE:
            pending.append((backup, True))
        else:
            skipped.append(_skipped(backup, " ".join(backup.reasons)))
    raise _not_found(sets, recover_to, skipped)


_UNNAMED = (
    "Its file's name does not say which site it is of; give that name as recover_to when it is the one that you want."
)


def _is_after(backup: BackupSet, latest: str | None) -> bool:
    return latest is not None and backup.recovery_point > latest


def _skipped(backup: BackupSet, reason: str) -> dict[str, str]:
    return {"name": backup.name, "folder": str(backup.folder), "verdict": backup.verdict, "reason": reason}


def _moment(text: str, sets: Sequence[BackupSet]) -> str:
    names = ", ".join(sorted(backup.name for backup in sets)[-_SHOWN:]) or "none"
    if not looks_like_a_time(text):
        raise LifeboatError(
            f"Cannot recover to {text!r}: no set has that name, and it is no time such as 2026-11-21T08:40:00+05:30. "
            f"The newest sets found: {names}.",
            "recover_to_invalid",
        )
    return format_moment(parse_moment(text))


def parse_moment(text: str) -> float:
    """Read a recovery point that is a time, to the second, as seconds since the epoch.

    Raises:
        LifeboatError: ``recover_to_invalid`` when it is no time, or has no offset.
    """
    try:
        # Python before 3.11 knows neither Z nor every length of a fraction.
        moment = datetime.fromisoformat(re.sub(r"[Zz]\Z", "+00:00", re.sub(r"\.\d+", "", text)))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise LifeboatError(
            f"Cannot recover to {text!r}: it is not a time with an offset from UTC, so which moment is meant is "
            "anybody's guess. Write it like 2026-11-21T08:40:00+05:30 or 2026-11-21T03:10:00Z.",
            "recover_to_invalid",
        )
    return moment.timestamp()


def looks_like_a_time(text: str) -> bool:
    """Tell whether a recovery point is meant to be a time, and no set's name."""
    return bool(_LOOKS_LIKE_A_TIME.match(text))


def _not_found(sets: Sequence[BackupSet], recover_to: str | None, skipped: list[dict[str, str]]) -> LifeboatError:
    wanted = "a complete set" if recover_to is None else f"a complete set for {recover_to}"
    found = [
        f"{entry['name']} {'was passed over' if entry['reason'] == _UNNAMED else 'is ' + entry['verdict']}: "
        f"{entry['reason']}"
        for entry in skipped[:_SHOWN]
    ]
    return LifeboatError(
        f"Cannot find {wanted} among the {len(sets)} that there are. {' '.join(found)}".rstrip()
        + " Give paths to other folders with backups, or ask for another recovery point.",
        "backup_not_found",
        {"skipped": skipped},
    )
