"""Beginning debug mode: planned, written down for whoever ends it, proven that it will end, and only then turned on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._bench.configuration import Configuration, is_on, read_configuration
from .._bench.layout import Site
from .._mariadb.connection import LoginOptions
from .._recovery.configuration_run import run_present as run_configuration
from .._recovery.record import recorded
from .._recovery.surroundings import common_configuration
from .._system.errors import LifeboatError
from .end import Surroundings, configuration_request, end_debug
from .lines import moment
from .places import fullest, set_aside
from .server import begin_log_anew, local_log, read_variables, set_variables
from .state import DebugState, ServerDebug, SiteDebug, StateFiles
from .variables import (
    SLOW_LOG_FILE,
    planned_changes,
    to_set,
    wanted_variables,
    without_changes,
)

if TYPE_CHECKING:
    from pymysql.connections import Connection

MODULE_NAME = "debug_mode"
MINUTE_SECONDS = 60
MOST_MINUTES = 24 * 60
LOGGING, MONITOR, REQUEST_LOGGER = "logging", "monitor", "enable_frappe_logger"


@dataclass(frozen=True)
class DebugRequest:
    """What was asked for; the options of ``debug_mode``.

    Attributes:
        sites: The sites.
        logins: How an administrator reaches the server of each, by their names; none where the slow log is not wanted.
        logging: Frappe's ``logging``: 1 logs what fails, 2 sends every query to the browser as well; 0 for neither.
        monitor: Whether each request and job is written to ``monitor.json.log``.
    """

    sites: tuple[Site, ...]
    logins: Mapping[str, LoginOptions] = field(repr=False)
    state_path: Path
    minutes: int
    logging: int
    monitor: bool
    long_query_seconds: float
    min_free_percent: float
    max_log_bytes: int
    allow_without_timer: bool
    check_mode: bool


@dataclass(frozen=True)
class _Server:
    """A server that is to log its slow statements: what is so, and what has to become so."""

    connection: Connection[Any]
    current: Mapping[str, str]
    debug: ServerDebug

    @property
    def pending(self) -> dict[str, str]:
        return to_set(self.current, self.debug.changes)


@dataclass(frozen=True)
class _Plan:
    state: DebugState
    servers: tuple[_Server, ...]
    pending_values: Mapping[str, Configuration]


def run_present(request: DebugRequest, around: Surroundings) -> dict[str, Any]:
    """Turn debug mode of sites on, or change how long it lasts.

    Args:
        request: What was asked for.
        around: The I/O.

    Returns:
        ``changed``, ``state`` (a ``DebugState``: all that is on), ``has_timer`` and ``diff``.

    Raises:
        LifeboatError: ``debug_time_invalid``, ``debug_timer_missing``, ``debug_timer_failed``, ``disk_space``,
            ``bench_ambiguous``, ``site_locked``, and what connecting and configurations raise.
    """
    if not 1 <= request.minutes <= MOST_MINUTES:
        raise LifeboatError(
            f"Refused to debug for {request.minutes} minutes: give 1 to {MOST_MINUTES}.", "debug_time_invalid"
        )
    files = StateFiles(request.state_path)
    with ExitStack() as stack:
        if not request.check_mode:
            stack.enter_context(files.lock.hold(MODULE_NAME))
        before = files.read()
        plan = _plan(request, before, around, stack)
        is_pending = any(plan.pending_values.values()) or any(server.pending for server in plan.servers)
        changed = plan.state != before or is_pending
        # In check mode the role has not installed the units yet.
        has_timer = around.timer.is_installed or (request.check_mode and around.timer.has_systemd)
        if changed:
            _refuse_what_could_not_end(request, plan.state, has_timer=has_timer)
        if changed and not request.check_mode:
            names = [site.name for site in request.sites]
            with recorded(request.state_path, module=MODULE_NAME, action="present", sites=names):
                _begin(request, plan, files, around)
        return {
            "changed": changed,
            "state": plan.state,
            "has_timer": has_timer,
            "diff": {"before": shown_state(before), "after": shown_state(plan.state)},
        }


def shown_state(state: DebugState) -> dict[str, Any]:
    """Return a state as a difference shows it; it holds no secret."""
    return {
        "sites": {site.site: {"until": moment(site.until), **site.values} for site in state.sites},
        "servers": {
            server.address: {name: change.wanted for name, change in server.changes.items()} for server in state.servers
        },
    }


def _plan(request: DebugRequest, before: DebugState, around: Surroundings, stack: ExitStack) -> _Plan:
    logins = {login.address: login for login in request.logins.values()}
    servers = tuple(
        _look_at_server(stack.enter_context(closing(around.connect(login))), address, before, request)
        for address, login in logins.items()
    )
    touched = {server.debug.address for server in servers if server.debug.changes}
    now = around.clock()
    sites = []
    pending = {}
    for site in request.sites:
        configuration = read_configuration(site.config_path)
        values = _wanted_values(request, {**common_configuration(site.bench), **configuration})
        known = before.site(site.name)
        _refuse_other_bench(site, known)
        address = request.logins[site.name].address if site.name in request.logins else ""
        sites.append(_site_debug(request, site, known, values, address if address in touched else "", now))
        pending[site.name] = values
    state = before.with_sites(sites).with_servers(server.debug for server in servers if server.debug.changes)
    limits = replace(state, min_free_percent=request.min_free_percent, max_log_bytes=request.max_log_bytes)
    return _Plan(limits, servers, pending)


def _look_at_server(connection: Connection[Any], address: str, before: DebugState, request: DebugRequest) -> _Server:
    current = read_variables(connection)
    known = before.changes(address)
    wanted = wanted_variables(without_changes(current, known), request.long_query_seconds)
    path = local_log(current, wanted[SLOW_LOG_FILE])
    return _Server(connection, current, ServerDebug(address, planned_changes(current, known, wanted), path))


def _wanted_values(request: DebugRequest, merged: Mapping[str, Any]) -> Configuration:
    """Return the keys that are not yet as debug mode wants them; what already tells more stays as it is."""
    values: Configuration = {}
    if request.logging:
        if _level(merged) < request.logging:
            values[LOGGING] = request.logging
        if not is_on(merged, REQUEST_LOGGER):
            values[REQUEST_LOGGER] = 1
    if request.monitor and not is_on(merged, MONITOR):
        values[MONITOR] = 1
    return values


def _level(merged: Mapping[str, Any]) -> int:
    level = str(merged.get(LOGGING) or 0)
    return int(level) if level.isdigit() else 0


def _site_debug(
    request: DebugRequest, site: Site, known: SiteDebug | None, values: Configuration, address: str, now: float
) -> SiteDebug:
    """Return what is to be on for a site; what an earlier run turned on stays on until the end."""
    until = now + request.minutes * MINUTE_SECONDS
    if known is None:
        return SiteDebug(site.name, str(site.bench.path), request.minutes, now, until, values, address)
    if known.is_over(now):
        known = replace(known, since=now)
    elif known.minutes == request.minutes:
        until = known.until
    return replace(
        known,
        minutes=request.minutes,
        until=until,
        values={**known.values, **values},
        server=address or known.server,
    )


def _refuse_other_bench(site: Site, known: SiteDebug | None) -> None:
    if known is not None and known.bench_path != str(site.bench.path):
        raise LifeboatError(
            f"Cannot tell two sites named {site.name} apart: debug mode is on for the one in {known.bench_path}. "
            "End that with state=absent first.",
            "bench_ambiguous",
            {"benches": [known.bench_path, str(site.bench.path)]},
        )


def _refuse_what_could_not_end(request: DebugRequest, state: DebugState, *, has_timer: bool) -> None:
    if not (has_timer or request.allow_without_timer):
        raise LifeboatError(
            "Refused to turn debug mode on: this host has no systemd with the units of the role lifeboat.frappe.debug, "
            "so nothing would end it. Use the role, which brings them. Where no systemd runs, say that you end it "
            "yourself with state=absent: lifeboat_debug_timer=false for the role, allow_without_timer for the module.",
            "debug_timer_missing",
        )
    folder, free_percent = fullest(state)
    if free_percent < request.min_free_percent:
        raise LifeboatError(
            f"Refused to turn debug mode on: the disk of {folder} has {free_percent:.1f} % free, and its logs grow. "
            f"Make room for {request.min_free_percent:g} %, or lower min_free_percent.",
            "disk_space",
            {"path": str(folder), "free_percent": round(free_percent, 1)},
        )


def _begin(request: DebugRequest, plan: _Plan, files: StateFiles, around: Surroundings) -> None:
    names = [site.name for site in request.sites]
    new = [name for name in names if files.read().site(name) is None]
    state = replace(plan.state, proof=secrets.token_hex(8))
    files.write_logins({**files.read_logins(), **{login.address: login for login in request.logins.values()}})
    files.write(state)
    with _withdrawn(files, new, around):
        if around.timer.is_installed:
            _prove_timer(state, files, around)
        for server in plan.servers:
            _set_on(server)
        for site in plan.state.sites:
            if plan.pending_values.get(site.site):
                run_configuration(
                    configuration_request(request.state_path, site), plan.pending_values[site.site], {}, ()
                )


def _set_on(server: _Server) -> None:
    log = server.debug.log_path if SLOW_LOG_FILE in server.pending else ""
    if log:
        set_aside(Path(log))
    set_variables(server.connection, server.pending)
    if log:
        # Whoever may not do this could not keep the log small either.
        begin_log_anew(server.connection)


def _prove_timer(state: DebugState, files: StateFiles, around: Surroundings) -> None:
    around.timer.start()
    around.timer.run_program()
    if files.read_proof() != state.proof:
        raise LifeboatError(
            f"Refused to turn debug mode on: the program of its timer does not look into {files.state_path}. Use the "
            "role lifeboat.frappe.debug, with the same state_path.",
            "debug_timer_failed",
        )


@contextmanager
def _withdrawn(files: StateFiles, sites: list[str], around: Surroundings) -> Iterator[None]:
    """Take back what was begun for sites that were not in debug mode before, where the rest fails."""
    try:
        yield
    except LifeboatError:
        with suppress(LifeboatError):
            end_debug(files, sites, "it could not be turned on", around)
        raise
