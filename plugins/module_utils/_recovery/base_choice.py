"""Choosing the base of a recovery to a point in time, and planning the replay from it to there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .._backups.choice import Choice, choose_set
from .._backups.manifest import Manifest, ManifestServer
from .._backups.recovery_point import format_moment
from .._backups.sets import BackupSet
from .._system.errors import LifeboatError
from .._system.times import parse_rfc3339
from .journal import journals
from .point_in_time import (
    Life,
    Target,
    Window,
    base_candidates,
    life_at,
    lives_of,
    outside_window,
    recovery_point_seconds,
)
from .promotion_state import PROMOTE, ROLL_BACK
from .replay_plan import ReplayPlan, first_position, plan_replay
from .site_logs import SiteLogs


@dataclass(frozen=True)
class ChosenBase:
    """The set to begin with, and what is replayed onto it.

    Attributes:
        choice: The set.
        replay: What is replayed; None where the set itself is what was asked for.
        logs: Where it is replayed from; None the same.
    """

    choice: Choice
    replay: ReplayPlan | None = None
    logs: SiteLogs | None = None


def has_positions(sets: Sequence[BackupSet]) -> bool:
    """Tell whether any set knows its place in the binary log, so that a point in time means exactly that."""
    return any(backup.position is not None for backup in sets)


def choose_base(
    sets: Sequence[BackupSet],
    target: Target,
    lives: Sequence[Life],
    find_logs: Callable[[ManifestServer], SiteLogs],
    verify: Callable[[BackupSet], BackupSet],
    now_seconds: float,
) -> ChosenBase:
    """Choose the newest complete set before a target, and plan the replay from it.

    Args:
        sets: What the catalogue found for the site.
        target: What was asked for.
        lives: The databases that the site lived in.
        find_logs: Looks where the logs of a server are.
        verify: Looks deeper into a candidate; called for as few as possible.
        now_seconds: Seconds since the epoch.

    Raises:
        LifeboatError: ``outside_window`` when no base and logs lead there; ``backup_not_found`` when every base before
            it is damaged; ``binlog_gap``; what ``plan_replay`` raises.
    """
    candidates = base_candidates(sets, target, lives)
    if not candidates:
        window = _window(sets, life_at(lives, target), find_logs, now_seconds)
        raise outside_window(target, window, _why_no_base(sets, target, lives))
    choice = choose_set(candidates, None, verify)
    manifest = _manifest(choice.chosen)
    life = next(life for life in reversed(lives) if life.database == manifest.database)
    window = _window(sets, life, find_logs, now_seconds) or Window(recovery_point_seconds(choice.chosen), now_seconds)
    logs = find_logs(manifest.server)
    if target.moment_seconds is not None and target.moment_seconds > window.until_seconds:
        raise outside_window(target, window, _why_beyond(target, window, logs, now_seconds))
    since = logs.since(first_position(manifest))
    replay = plan_replay(manifest, target, since, window, logs.end_seconds(now_seconds))
    if target.gtid is not None:
        then = Target(target.text, moment_seconds=parse_rfc3339(replay.recovery_point).timestamp())
        if life_at(lives, then).database != manifest.database:
            raise outside_window(target, window, _why_no_base(sets, then, lives))
    return ChosenBase(choice, replay, logs)


def recovery_window(
    sets: Sequence[BackupSet],
    lives: Sequence[Life],
    find_logs: Callable[[ManifestServer], SiteLogs],
    now_seconds: float,
) -> Window | None:
    """Return the moments to which a site can be recovered within its present life; None where there are none.

    Args:
        sets: What the catalogue found for the site.
        lives: The databases that the site lived in.
        find_logs: Looks where the logs of a server are.
        now_seconds: Seconds since the epoch.
    """
    return _window(sets, lives[-1], find_logs, now_seconds)


def read_lives(state_path: Path, site: str, current: str) -> tuple[Life, ...]:
    """Return the databases that a site lived in, from the journals of its recoveries.

    Args:
        state_path: The folder of the collection's state.
        site: The site's name.
        current: The database that it lives in now; "" where that is not known.
    """
    return lives_of(_moves(state_path, site), current)


def _moves(state_path: Path, site: str) -> Iterator[tuple[float, str, str]]:
    for journal in journals(state_path, site):
        intent = journal.fact("intent")
        for entry in journal.entries():
            at = parse_rfc3339(entry.at).timestamp()
            if (entry.step, entry.event) == (f"{PROMOTE}.configuration", "done"):
                yield at, intent["replaced_database"], intent["database"]
            elif (entry.step, entry.event) == (f"{ROLL_BACK}.configuration", "done"):
                yield at, intent["database"], intent["replaced_database"]


def _manifest(backup: BackupSet) -> Manifest:
    if backup.manifest is None:
        raise TypeError(f"{backup.name} is no base: it has no manifest")
    return backup.manifest


def _window(
    sets: Sequence[BackupSet], life: Life, find_logs: Callable[[ManifestServer], SiteLogs], now_seconds: float
) -> Window | None:
    """Return what can be recovered to within a life: from the oldest base whose logs have no gap."""
    bases = [backup for backup in sets if backup.position is not None]
    for backup in sorted(bases, key=recovery_point_seconds):
        manifest = _manifest(backup)
        if manifest.database != life.database:
            continue
        logs = find_logs(manifest.server)
        try:
            logs.since(first_position(manifest))
        except LifeboatError:
            continue  # what cannot be replayed from is no base; the chosen one says why
        until = logs.until_seconds(now_seconds)
        if life.until_seconds is not None:
            until = min(until, life.until_seconds)
        return Window(recovery_point_seconds(backup), until)
    return None


def _why_no_base(sets: Sequence[BackupSet], target: Target, lives: Sequence[Life]) -> str:
    if not has_positions(sets):
        return "no set of the site has a position in a binary log to replay from"
    life = life_at(lives, target)
    if all(backup.manifest is None or backup.manifest.database != life.database for backup in sets):
        since = f" since {format_moment(life.since_seconds)}" if life.since_seconds else ""
        return (
            f"the site lived in the database {life.database or 'that its configuration names'} then{since}, and no set "
            "of that one has a position; logs of the database before lead no further than the recovery that replaced it"
        )
    return "no set with a position is older"


def _why_beyond(target: Target, window: Window, logs: SiteLogs, now_seconds: float) -> str:
    if target.moment_seconds is not None and target.moment_seconds > now_seconds:
        return "it is in the future"
    if logs.live is None:
        return (
            f"the archived logs end at {format_moment(window.until_seconds)}, and no server goes on with them; "
            "recover_to=latest recovers all that they hold"
        )
    return (
        f"the logs that can be read here end at {format_moment(window.until_seconds)}; archive those of the server "
        "with lifeboat.frappe.binlog_archive (flush: true), then run this again"
    )
