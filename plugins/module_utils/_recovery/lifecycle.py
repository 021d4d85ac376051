"""The beginning and the end of a recovery: its lock, its journal, its record, and what an earlier run left behind."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from .._system.errors import LifeboatError
from .._system.files import write_json_atomically
from .journal import Journal, journals
from .lock import Holder, LockState, SiteLock
from .plan import format_time
from .promotion_state import NOT_BEGUN, promotion_status
from .record import append_record
from .record_summary import FAILED, summarise_recovery

RECOVERY_STEP = "recovery"
RECORD_NAME = "record.json"


@dataclass(frozen=True)
class Begun:
    """A recovery that was begun: its identifier and whether it continues one that did not end."""

    recovery: str
    resumed: bool


@dataclass(frozen=True)
class Ending:
    """How a recovery ended; see ``summarise_recovery``."""

    outcome: str
    verification: Sequence[Mapping[str, Any]] = ()
    assessment: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    playbook_arguments: Sequence[str] = ()


def is_needed(state_path: Path, plan: Mapping[str, Any]) -> bool:
    """Tell whether the plan leads to something new: false when the site lives from a recovery of this very point."""
    # Whether what was replaced is still kept says nothing: the name of a staged database is random, so it is enough.
    return not any(
        is_ended(journal)
        and journal.fact("staging_database") == plan["replaces"]["db_name"]
        and _is_same_point(journal.plan(), plan)
        for journal in journals(state_path, plan["site"])
    )


def unfinished_recovery(state_path: Path, plan: Mapping[str, Any]) -> Journal | None:
    """Return the newest recovery to the same point that did not end, if there is one."""
    pending = [journal for journal in _unfinished(state_path, plan["site"]) if _is_same_point(journal.plan(), plan)]
    return pending[-1] if pending else None


def begin_recovery(
    state_path: Path,
    plan: Mapping[str, Any],
    holder: Holder,
    lease_seconds: float,
    now: datetime,
    clean_up: Callable[[Journal], None],
) -> Begun:
    """Take the site's lock, clean up after recoveries to other points that did not end, and open the journal.

    Args:
        state_path: The folder of the collection's state.
        plan: What ``prepare_recovery`` returned.
        holder: Who runs the recovery.
        lease_seconds: How long the lock is respected while nothing happens.
        now: For the identifier of a new recovery.
        clean_up: Removes what a recovery staged, or undoes its promotion where that was cut short.

    Raises:
        LifeboatError: ``site_locked`` when another recovery of the site is under way.
    """
    lock = SiteLock(state_path, plan["site"])
    resumable = unfinished_recovery(state_path, plan)
    recovery = resumable.recovery if resumable else _new_identifier(now)
    taken_from = lock.acquire(recovery, holder, lease_seconds)
    with lock.step(recovery):
        journal = Journal.open(state_path, plan["site"], recovery)
        _note_take_over(journal, taken_from)
        for other in _unfinished(state_path, plan["site"]):
            if other.recovery != recovery:
                clean_up(other)
                _end(state_path, other, Ending(FAILED, error=_superseded(recovery)), now)
        if resumable is None:
            journal.append(RECOVERY_STEP, "begin", plan=plan)
        else:
            journal.append(RECOVERY_STEP, "resumed")
    return Begun(recovery, resumable is not None)


def is_ended(journal: Journal) -> bool:
    """Tell whether the record of a recovery was written."""
    return journal.is_done(RECOVERY_STEP)


def end_recovery(
    state_path: Path, journal: Journal, ending: Ending, now: datetime, clean_up: Callable[[Journal], None]
) -> dict[str, Any]:
    """Write the record of a recovery and give the lock back. A second call returns the record that was written.

    Args:
        state_path: The folder of the collection's state.
        journal: The journal of the recovery.
        ending: How it ended.
        now: The time of the end.
        clean_up: Removes what the recovery staged, unless it was promoted.
    """
    recovery, lock = journal.recovery, SiteLock(state_path, journal.plan()["site"])
    if not is_ended(journal):
        with lock.hold(recovery):
            clean_up(journal)
            record = _end(state_path, journal, ending, now)
    else:
        record = journal.fact("record")
    lock.release(recovery)
    return dict(record)


def refuse_promoted(journal: Journal) -> None:
    """Refuse to throw away what is live.

    Raises:
        LifeboatError: ``recovery_promoted`` when the promotion of this recovery was begun.
    """
    if promotion_status(journal) != NOT_BEGUN:
        raise LifeboatError(
            f"Cannot abandon recovery {journal.recovery}: what it staged is, or was about to be, live. "
            "Put the previous site back with state=rolled_back.",
            "recovery_promoted",
            {"recovery": journal.recovery},
        )


def _end(state_path: Path, journal: Journal, ending: Ending, now: datetime) -> dict[str, Any]:
    record = summarise_recovery(
        recovery=journal.recovery,
        host=socket.gethostname(),
        plan=journal.plan(),
        entries=journal.entries(),
        ended_at=format_time(now),
        **asdict(ending),
    )
    write_json_atomically(journal.folder / RECORD_NAME, record)
    append_record(state_path, {"module": "site_recovery", **record})
    journal.append(RECOVERY_STEP, "done", outcome=ending.outcome, record=record)
    return record


def _unfinished(state_path: Path, site: str) -> list[Journal]:
    return [
        journal for journal in journals(state_path, site) if journal.fact("plan") is not None and not is_ended(journal)
    ]


def _is_same_point(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    keys = ("name", "folder", "size_bytes", "recovery_point")
    return all(first["set"][key] == second["set"][key] for key in keys) and _replayed(first) == _replayed(second)


def _replayed(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells two replays onto one set apart; the end of the logs moves on while one is under way."""
    replay, undo = plan.get("replay"), plan.get("undo")
    if replay is None:
        return ()
    where = "" if replay["is_latest"] else (replay["recovery_point"], replay["before"])
    return (replay["is_latest"], where, undo["gtid"] if undo else "")


def _new_identifier(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def _note_take_over(journal: Journal, taken_from: LockState | None) -> None:
    if taken_from is not None:
        journal.append("lock", "taken_over", previous=taken_from.owner)


def _superseded(recovery: str) -> dict[str, str]:
    return {"code": "caller_gone", "reason": f"It did not end; recovery {recovery} of another set was begun instead."}
