"""What was done with indexes, and what waits for a decision, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from ..._system.quantities import DAY_SECONDS
from .apply import Action
from .quarantine import Limits
from .state import SchemaState
from .statements import using
from .usage import IndexKey


def quarantine_lines(
    actions: Iterable[Action],
    state: SchemaState,
    others: Iterable[IndexKey],
    now: float,
    limits: Limits,
    *,
    is_planned: bool = False,
) -> list[str]:
    """Return what became of indexes in this run, and what their watches say.

    Args:
        actions: What was, or in check mode would be, done.
        state: What is remembered after that.
        others: The indexes that are ignored and not remembered.
        now: Seconds since the epoch.
        limits: When an index comes back.
        is_planned: Whether this is what would be done only.
    """
    lines = [f"{'would be done: ' * is_planned}{action.text}" for action in actions]
    for entry in state.entries.values():
        if now < entry.until:
            what = f"is in quarantine until {_day(entry.until)}"
        else:
            last = _day(entry.until + limits.grace_days * DAY_SECONDS)
            what = f"was missed by nobody: drop it with state=dropped until {last}, else it comes back"
        lines.append(f"{entry.table}: {entry.index} {what}")
    lines += [
        f"{table}: {index} was ignored by somebody else, or came so with a backup: {using(table, index)}"
        for table, index in others
    ]
    return lines


def _day(seconds: float) -> str:
    return str(datetime.fromtimestamp(seconds, timezone.utc).date())
