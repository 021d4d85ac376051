"""What is to be done with the indexes of a site, from what was asked for and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from ..._system.errors import LifeboatError
from .apply import DROP, IGNORE, RESTORE, Action
from .definitions import Definitions
from .facts import SchemaFacts
from .index_findings import COMES_BACK, UNKNOWN_DECLARED, IndexFinding, why_never
from .quarantine import ADOPT, BACK, DROPPED, FORGET, IGNORED, Limits, begin_entry, judge, why_not_watchable
from .state import SchemaState
from .usage import IndexKey

ADVISED = "advised"
STATE_IGNORED = "ignored"
STATE_RESTORED = "restored"
STATE_DROPPED = "dropped"
STATES = (ADVISED, STATE_IGNORED, STATE_RESTORED, STATE_DROPPED)
ASKED = "asked for"


@dataclass(frozen=True)
class Wanted:
    """What was asked for of one site.

    Attributes:
        state: ``advised``, ``ignored``, ``restored`` or ``dropped``.
        keys: The indexes that were named, as table and name.
        candidates: Whether all that may be tried are to be.
    """

    state: str = ADVISED
    keys: tuple[IndexKey, ...] = ()
    candidates: bool = False


@dataclass
class Choice:
    """What is to be done: the state as the database shows it, the actions, and what must not be done, with why."""

    state: SchemaState
    actions: list[Action] = field(default_factory=list)
    refused: list[LifeboatError] = field(default_factory=list)

    def refuse(self, site: str, key: IndexKey, reason: str) -> None:
        """Note that something is not done."""
        table, index = key
        self.refused.append(
            LifeboatError(
                f"Refused to change the index {index} of {table} of {site}: {reason}. Nothing was changed about it.",
                "index_refused",
                {"site": site, "table": table, "index": index},
            )
        )


def choose(
    wanted: Wanted,
    site: str,
    facts: SchemaFacts,
    state: SchemaState,
    findings: Iterable[IndexFinding],
    definitions: Definitions,
    now: float,
    limits: Limits,
) -> Choice:
    """Look at every index in quarantine, then at what was asked for.

    Args:
        wanted: What was asked for.
        site: The name of the site.
        facts: Its schema.
        state: What is remembered of it, with what was counted until now.
        findings: The indexes that could go.
        definitions: How tables define their indexes.
        now: Seconds since the epoch.
        limits: When an index comes back.
    """
    choice = Choice(state)
    to_be_dropped = set(wanted.keys) if wanted.state == STATE_DROPPED else set()
    for key, entry in state.entries.items():
        verdict = judge(
            entry,
            facts,
            state.watch,
            now,
            limits,
            statements=state.statements,
            is_to_be_dropped=key in to_be_dropped,
        )
        if verdict.outcome == ADOPT:
            choice.state = choice.state.with_entry(replace(entry, phase=IGNORED))
        elif verdict.outcome == FORGET:
            choice.state = choice.state.without(key)
        elif verdict.outcome == DROPPED:
            choice.state = choice.state.with_dropped(entry, now)
        elif verdict.outcome == BACK:
            choice.actions.append(Action(RESTORE, entry, verdict.reason))
    if wanted.state == STATE_IGNORED:
        _ignore(choice, wanted, site, facts, {finding.key: finding for finding in findings}, definitions, now, limits)
    elif wanted.state == STATE_RESTORED:
        _restore(choice, wanted, site, facts)
    elif wanted.state == STATE_DROPPED:
        _drop(choice, wanted, site, now)
    return choice


def _ignore(
    choice: Choice,
    wanted: Wanted,
    site: str,
    facts: SchemaFacts,
    findings: dict[IndexKey, IndexFinding],
    definitions: Definitions,
    now: float,
    limits: Limits,
) -> None:
    coming_back = {action.entry.key: action.reason for action in choice.actions}
    chosen = list(dict.fromkeys(wanted.keys))
    if wanted.candidates:
        tried = {*chosen, *choice.state.entries, *choice.state.returned}
        chosen += [key for key, finding in findings.items() if finding.is_candidate and key not in tried]
    for key in chosen:
        index = facts.index(*key)
        is_ignored = index is not None and index.is_ignored
        if is_ignored and key in choice.state.entries and key not in coming_back:
            continue
        if key in coming_back:
            reason = f"it comes back in this run ({coming_back[key]})"
        elif index is None:
            reason = "there is no such index"
        elif is_ignored:
            reason = "somebody else ignores it already, and knows why"
        elif facts.declared is None:
            reason = UNKNOWN_DECLARED
        elif facts.declares(index):
            reason = COMES_BACK
        else:
            reason = why_never(index, facts) or why_not_watchable(choice.state.watch, now, limits)
        if reason or index is None or choice.state.watch is None:
            choice.refuse(site, key, reason)
            continue
        finding = findings.get(key)
        why, kept = (finding.reason, finding.kept) if finding else (ASKED, "")
        watched, statements = choice.state.watch, choice.state.statements
        entry = begin_entry(index, definitions.index(*key), watched, why, kept, now, limits, statements)
        choice.actions.append(Action(IGNORE, entry, why))


def _restore(choice: Choice, wanted: Wanted, site: str, facts: SchemaFacts) -> None:
    coming_back = {action.entry.key for action in choice.actions}
    for key in wanted.keys or choice.state.entries:
        index = facts.index(*key)
        entry = choice.state.entries.get(key)
        if entry is None and (index is None or index.is_ignored):
            choice.refuse(site, key, "it is not in quarantine: this collection did not take it out of use")
        elif entry is not None and key not in coming_back and index is not None and index.is_ignored:
            choice.actions.append(Action(RESTORE, entry, ASKED))


def _drop(choice: Choice, wanted: Wanted, site: str, now: float) -> None:
    coming_back = {action.entry.key: action.reason for action in choice.actions}
    gone = {(line["table"], line["index"]) for line in choice.state.dropped}
    for key in wanted.keys:
        entry = choice.state.entries.get(key)
        if key in coming_back:
            choice.refuse(site, key, f"it comes back ({coming_back[key]})")
        elif entry is not None and now >= entry.until:
            choice.actions.append(Action(DROP, entry, ASKED))
        elif entry is not None:
            until = datetime.fromtimestamp(entry.until, timezone.utc).date()
            choice.refuse(site, key, f"its watch lasts until {until}")
        elif key not in gone:
            choice.refuse(site, key, "it is not in quarantine: put it there first, with state=ignored")
