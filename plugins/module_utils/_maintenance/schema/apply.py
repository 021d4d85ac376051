"""Taking indexes out of use, back into use, and away: each is written down first, so that none is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable

from ..._mariadb.connection import DRIVER_ERRORS, execute, server_errors
from ..._system.errors import LifeboatError
from .quarantine import DROPPING, IGNORED, Entry
from .state import SchemaState, StateFile
from .statements import WAIT_SECONDS, dropping, ignoring, using

if TYPE_CHECKING:
    from pymysql.connections import Connection

IGNORE = "ignore"
RESTORE = "restore"
DROP = "drop"
ERROR_LOCK_WAIT = 1205
STATEMENTS: dict[str, Callable[[str, str], str]] = {IGNORE: ignoring, RESTORE: using, DROP: dropping}
BEFORE = {IGNORE: "in use", RESTORE: "ignored", DROP: "ignored"}
AFTER = {IGNORE: "ignored", RESTORE: "in use", DROP: "dropped"}


@dataclass(frozen=True)
class Action:
    """What is to be done with an index: ``ignore``, ``restore`` or ``drop``."""

    kind: str
    entry: Entry
    reason: str

    @property
    def statement(self) -> str:
        """The statement that does it."""
        return STATEMENTS[self.kind](self.entry.table, self.entry.index)

    @property
    def text(self) -> str:
        """Say it in one line."""
        what = f"{self.entry.table}: {self.entry.index} is {AFTER[self.kind]} ({self.reason})"
        return f"{what}; the way back: {self.entry.create_statement}" if self.kind == DROP else what

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "action": self.kind,
            "table": self.entry.table,
            "index": self.entry.index,
            "reason": self.reason,
            "statement": self.statement,
            "create_statement": self.entry.create_statement,
        }


@dataclass
class Applied:
    """What became of the actions: the state after them, those that were done, and why others were not."""

    state: SchemaState
    done: list[Action] = field(default_factory=list)
    refused: list[LifeboatError] = field(default_factory=list)


def apply_actions(
    connection: Connection[Any], file: StateFile, state: SchemaState, actions: list[Action], site: str, now: float
) -> Applied:
    """Do one action after the other; one that has to wait for others is given up, and the next is done.

    After any other error no more is done.

    The state is written before each statement and after it. Whoever comes after a run that was killed in between finds
    the index in the state, and looks at the database for what became of it.

    Raises:
        LifeboatError: ``disk_space``.
    """
    applied = Applied(state)
    for action in actions:
        before = applied.state
        if action.kind != RESTORE:
            phase = DROPPING if action.kind == DROP else action.entry.phase
            applied.state = before.with_entry(replace(action.entry, phase=phase))
            file.write(applied.state)
        try:
            with server_errors(f"change the index {action.entry.index} of {action.entry.table} of {site}"):
                _alter(connection, action, site)
        except LifeboatError as error:
            applied.refused.append(error)
            if error.error_code != "index_busy":
                # The server may have done it: the note stays, and the next run looks.
                break
            applied.state = before
        else:
            applied.state = _after(applied.state, action, now)
            applied.done.append(action)
        file.write(applied.state)
    return applied


def _alter(connection: Connection[Any], action: Action, site: str) -> None:
    try:
        execute(connection, action.statement)
    except DRIVER_ERRORS as error:
        if error.args[0] != ERROR_LOCK_WAIT:
            raise
        raise LifeboatError(
            f"Gave up on the index {action.entry.index} of {action.entry.table} of {site}: for {WAIT_SECONDS} seconds "
            "somebody else had the table in a transaction. Nothing was changed. Run this again when that has ended.",
            "index_busy",
        ) from None


def _after(state: SchemaState, action: Action, now: float) -> SchemaState:
    if action.kind == IGNORE:
        return state.with_entry(replace(action.entry, phase=IGNORED))
    if action.kind == DROP:
        return state.with_dropped(action.entry, now)
    return state.with_returned(action.entry, action.reason)
