"""What point in time is asked for, and from which base sets it can be reached. Pure.

A time T means: every transaction before the first one in the log whose commit carries a time of T or later. The times
of a binary log are whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._backups.choice import looks_like_a_time, parse_moment
from .._backups.recovery_point import format_moment
from .._backups.sets import BackupSet
from .._mariadb.binlog.gtids import Gtid, positions_by_domain
from .._system.errors import LifeboatError
from .._system.times import parse_rfc3339

LATEST = "latest"
BEFORE = "before:"


@dataclass(frozen=True)
class Target:
    """The point in time that was asked for: a moment, or before a transaction, or (neither) all that the logs hold.

    Attributes:
        text: As it was asked for.
        moment_seconds: Seconds since the epoch.
        gtid: The first transaction that is left out.
        undone: A transaction that is undone at the end of the logs.
    """

    text: str
    moment_seconds: float | None = None
    gtid: Gtid | None = None
    undone: Gtid | None = None

    @property
    def is_latest(self) -> bool:
        """Whether it is the end of the logs, wherever that is when the site no longer writes."""
        return self.moment_seconds is None and self.gtid is None


@dataclass(frozen=True)
class Life:
    """A time during which the site lived in one database; None where it has no known beginning or end."""

    database: str
    since_seconds: float | None
    until_seconds: float | None


@dataclass(frozen=True)
class Window:
    """The moments that can be recovered to, seconds since the epoch."""

    since_seconds: float
    until_seconds: float

    def __str__(self) -> str:
        return f"{format_moment(self.since_seconds)} to {format_moment(self.until_seconds)}"


def parse_target(recover_to: str | None, undo: str | None) -> Target | None:
    """Read what was asked for.

    Args:
        recover_to: A time with an offset, ``before:GTID``, ``latest``, the name of a set, or None.
        undo: The GTID of a transaction to undo, or None.

    Returns:
        None when no point in time was asked for: the newest set, or the one of this name, is meant.

    Raises:
        LifeboatError: ``recover_to_invalid`` for a time without an offset, or undo together with another target than
            the latest; ``gtid_invalid``.
    """
    if undo:
        if recover_to not in (None, "", LATEST):
            raise LifeboatError(
                f"Cannot undo a transaction and recover to {recover_to!r} at once: an undo keeps all that was written "
                "before and after the transaction. Leave recover_to out, or recover to before:<GTID>.",
                "recover_to_invalid",
            )
        return Target(LATEST, undone=Gtid.parse(undo))
    if not recover_to:
        return None
    if recover_to == LATEST:
        return Target(LATEST)
    if recover_to.startswith(BEFORE):
        return Target(recover_to, gtid=Gtid.parse(recover_to[len(BEFORE) :]))
    if not looks_like_a_time(recover_to):
        return None
    return Target(recover_to, moment_seconds=parse_moment(recover_to))


def lives_of(moves: Iterable[tuple[float, str, str]], current: str) -> tuple[Life, ...]:
    """Return the databases that a site lived in, one after the other.

    Args:
        moves: When it moved, seconds since the epoch, from which database to which: promotions and rollbacks.
        current: The database that it lives in now; "" where that is not known.
    """
    ordered = sorted(moves)
    database, since = ordered[0][1] if ordered else current, None
    lives = []
    for at, _left, entered in ordered:
        lives.append(Life(database, since, at))
        database, since = entered, at
    if current and current != database:
        # Something else moved it since, nobody knows when.
        lives.append(Life(database, since, None))
        database, since = current, None
    return (*lives, Life(database, since, None))


def life_at(lives: Sequence[Life], target: Target) -> Life:
    """Return the life that a target is in; before:GTID and latest are looked for in every, hence the last, one."""
    if target.moment_seconds is None:
        return lives[-1]
    moment = target.moment_seconds
    return next((life for life in lives if life.until_seconds is not None and moment <= life.until_seconds), lives[-1])


def base_candidates(sets: Iterable[BackupSet], target: Target, lives: Sequence[Life]) -> list[BackupSet]:
    """Return the sets from which a replay can lead to the target: of the right database, and before it."""
    return [backup for backup in sets if _is_base(backup, target, lives)]


def _is_base(backup: BackupSet, target: Target, lives: Sequence[Life]) -> bool:
    if backup.position is None or backup.manifest is None:
        return False
    for excluded in (target.gtid, target.undone):
        if excluded is not None and _holds(backup.position.gtid, excluded):
            return False
    if target.gtid is not None:
        return any(life.database == backup.manifest.database for life in lives)
    if target.moment_seconds is not None and recovery_point_seconds(backup) >= target.moment_seconds:
        # A set of the very second may hold transactions of that second already.
        return False
    return backup.manifest.database == life_at(lives, target).database


def _holds(position: str, gtid: Gtid) -> bool:
    last = positions_by_domain(position).get(gtid.domain)
    return last is not None and last.sequence >= gtid.sequence


def recovery_point_seconds(backup: BackupSet) -> float:
    """Return the recovery point of a set in seconds since the epoch."""
    return parse_rfc3339(backup.recovery_point).timestamp()


def outside_window(target: Target, window: Window | None, why: str) -> LifeboatError:
    """Say that a target cannot be reached, and which ones can."""
    moments = f"any moment from {window}, or to " if window else ""
    return LifeboatError(
        f"Cannot recover to {target.text}: {why}. It can be recovered to {moments}the moment of a complete set by its "
        "name.",
        "outside_window",
        {"window": str(window) if window else ""},
    )
