"""One look at the schema of sites, and what is done about their indexes: site by site."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._bench.layout import ROOT, Bench, Site
from ..._cleanup.clock import refuse_clock_ahead
from ..._cleanup.pace import Load
from ..._cleanup.site_database import site_login, sites_of, why_no_writes
from ..._mariadb.connection import fetch_all, server_errors
from ..._recovery.lock import SiteLock
from ..._recovery.record import recorded
from ..._system.errors import LifeboatError
from .advice import INDEXES, SECTIONS, Advice, advise
from .apply import AFTER, BEFORE, Action, Applied, apply_actions
from .choice import STATE_DROPPED, Choice, Wanted, choose
from .definitions import Definitions
from .elsewhere import SiteKey, read_used, used_by_others
from .facts import SchemaFacts, read_facts
from .index_findings import find_indexes, usage_text
from .orphans import Budget
from .quarantine import Limits
from .quarantine_lines import quarantine_lines
from .sessions import altering_session, reading_session
from .state import SchemaState, StateFile
from .statement_use import observe_statements, read_statements, settled
from .usage import Counters, IndexKey, observe, read_counters

if TYPE_CHECKING:
    from pymysql.connections import Connection

MODULE_NAME = "database_schema"


@dataclass(frozen=True)
class SchemaRequest:
    """What was asked for; the options of ``database_schema``.

    Attributes:
        state_path: The folder of the collection's state.
        benches: The benches of the host.
        sites: The sites that are meant; none for all.
        wanted: What is to become of indexes.
        sections: What to look at.
        limits: When an index comes back.
        timeout_seconds: For how long orphans are counted in one site.
        now: Seconds since the epoch.
        check_mode: Whether nothing is to be changed.
        root: The folder that stands for ``/``.
    """

    state_path: Path
    benches: Sequence[Bench]
    sites: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    sections: tuple[str, ...] = SECTIONS
    limits: Limits = field(default_factory=Limits)
    timeout_seconds: float = 60.0
    now: float = field(default_factory=time.time)
    check_mode: bool = False
    root: Path = ROOT


@dataclass
class _SiteRun:
    """What became of one site."""

    result: dict[str, Any]
    refused: list[LifeboatError]
    done: list[Action]


def run_schema(request: SchemaRequest) -> dict[str, Any]:
    """Look at the schema of each site, and change what was asked for; one site does not stop the others.

    Returns:
        The result of the module.

    Raises:
        LifeboatError: ``bench_not_found`` where a site that was named is in no bench; ``clock_ahead``.
    """
    if request.wanted.state == STATE_DROPPED:
        refuse_clock_ahead(request.now)
    runs: list[_SiteRun] = []
    refused: list[dict[str, str]] = []
    sites = _chosen(request)
    used = read_used(sites_of(request.benches), request.now) if INDEXES in request.sections else None
    for site in sites:
        try:
            run = _run_site(request, site, used)
            runs.append(run)
            errors = run.refused
        except LifeboatError as error:
            errors = [error]
        refused += [{"site": site.name, "error_code": error.error_code, "reason": error.message} for error in errors]
    actions = [(str(run.result["site"]), action) for run in runs for action in run.done]
    return {
        "changed": bool(actions),
        "sites": [run.result for run in runs],
        "refused": refused,
        "lines": [f"{run.result['site']}: {line}" for run in runs for line in run.result["lines"]]
        + [f"{each['site']}: {each['reason']}" for each in refused],
        "diff": {
            side: {f"{site}: {action.entry.table}.{action.entry.index}": names[action.kind] for site, action in actions}
            for side, names in (("before", BEFORE), ("after", AFTER))
        },
    }


def _chosen(request: SchemaRequest) -> list[Site]:
    sites = list(sites_of(request.benches))
    unknown = sorted(set(request.sites) - {site.name for site in sites})
    if unknown:
        raise LifeboatError(
            f"Cannot find the site {unknown[0]}: no bench of this host that was looked at has it. Correct the name, or "
            "give the bench_path of its bench.",
            "bench_not_found",
        )
    return [site for site in sites if not request.sites or site.name in request.sites]


def _run_site(request: SchemaRequest, site: Site, used: Mapping[SiteKey, set[IndexKey]] | None) -> _SiteRun:
    """Look after the indexes of one site, then at the rest; advice of indexes needs to know which ones sites use."""
    file = StateFile(request.state_path, site.name)
    with ExitStack() as stack:
        if not request.check_mode:
            stack.enter_context(SiteLock(request.state_path, site.name).hold(MODULE_NAME))
        connection = stack.enter_context(reading_session(site))
        stack.enter_context(server_errors(f"look at the schema of {site.name}"))
        database = site_login(site)[0].db_name
        query = partial(fetch_all, connection)
        facts = read_facts(query, database)
        definitions = Definitions(query)
        state = file.read()
        ran = read_statements(query, database, state.statements)
        state = replace(
            state,
            watch=observe(state.watch, read_counters(query, database, request.now), request.now),
            statements=observe_statements(state.statements, ran, request.now),
        )
        advice = Advice()
        if used is not None:
            days = request.limits.watch_days
            advice.indexes = find_indexes(facts, state.watch, used_by_others(site, used), request.now, days)
            advice.usage = usage_text(facts, state.watch, request.now, days)
        choice = choose(
            request.wanted, site.name, facts, state, advice.indexes, definitions, request.now, request.limits
        )
        _refuse_replica(choice, site, connection)
        applied = Applied(choice.state, choice.actions, choice.refused)
        if not request.check_mode:
            applied = _apply(request, site, file, choice)
        # An index comes back whatever becomes of this.
        try:
            with server_errors(f"look at the schema of {site.name}"):
                budget = Budget(request.timeout_seconds, Load(connection, (), request.root).is_busy)
                advise(advice, query, facts, definitions, request.sections, site, budget)
        except LifeboatError as error:
            applied.refused.append(error)
        if not request.check_mode:
            left = _settled(applied.state, read_counters(query, database, request.now))
            last = read_statements(query, database, left.statements)
            file.write(replace(left, statements=settled(left.statements, last)))
    others = _ignored_by_others(facts, state)
    result = {
        "site": site.name,
        "bench": str(site.bench.path),
        "database": facts.database,
        **advice.as_dict(),
        "quarantine": [asdict(entry) for entry in applied.state.entries.values()],
        "ignored_by_others": [{"table": table, "index": index} for table, index in others],
        "dropped": list(applied.state.dropped),
        "actions": [action.as_dict() for action in applied.done],
        "lines": [
            *quarantine_lines(
                applied.done, applied.state, others, request.now, request.limits, is_planned=request.check_mode
            ),
            *advice.lines(),
        ]
        or ["nothing was found, and no index is in quarantine"],
    }
    return _SiteRun(result, applied.refused, applied.done)


def _settled(state: SchemaState, counters: Counters | None) -> SchemaState:
    """Return the state for the next run, which is not to count what this one has read."""
    if state.watch is None or counters is None:
        return state
    return replace(state, watch=replace(state.watch, last=counters))


def _refuse_replica(choice: Choice, site: Site, connection: Connection[Any]) -> None:
    """Refuse changes of a server that takes none, or must take none; looking is possible there."""
    state = why_no_writes(connection) if choice.actions else ""
    if state:
        choice.actions.clear()
        choice.refused.append(
            LifeboatError(
                f"Refused to change indexes of {site.name}: its server {state}. Nothing was changed in it. Run this on "
                "the host of the primary, or end read_only once it is certain that this is the primary.",
                "server_read_only",
            )
        )


def _apply(request: SchemaRequest, site: Site, file: StateFile, choice: Choice) -> Applied:
    if not choice.actions:
        return Applied(choice.state, refused=choice.refused)
    recording = recorded(request.state_path, module=MODULE_NAME, action=request.wanted.state, site=site.name)
    with recording as record, altering_session(site) as connection:
        applied = apply_actions(connection, file, choice.state, choice.actions, site.name, request.now)
        record["indexes"] = [action.as_dict() for action in applied.done]
        record["error_codes"] = [error.error_code for error in applied.refused]
    applied.refused[:0] = choice.refused
    return applied


def _ignored_by_others(facts: SchemaFacts, state: SchemaState) -> list[IndexKey]:
    ignored = [(index.table, index.name) for index in facts.indexes if index.is_ignored]
    return [key for key in ignored if key not in state.entries]
