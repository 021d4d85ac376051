"""Ending debug mode: what was there before comes back, what somebody else changed meanwhile stays and is named."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._bench.layout import Bench
from .._mariadb.connection import LoginOptions, connect
from .._recovery.configuration_run import (
    ConfigurationRequest,
    changed_by_others,
    forget_originals,
    run_restored,
)
from .._system.errors import LifeboatError
from .places import gathered, named_files, slow_logs
from .server import read_variables, set_variables
from .state import DebugState, Ended, ServerDebug, SiteDebug, StateFiles
from .timer import Timer
from .variables import changed_by_others as variables_of_others
from .variables import to_put_back

if TYPE_CHECKING:
    from pymysql.connections import Connection

# The name under which the original values of a site's configuration are remembered.
REMEMBERED_AS = "debug"


@dataclass(frozen=True)
class Surroundings:
    """The I/O of debug mode; a test gives its own."""

    connect: Callable[[LoginOptions], Connection[Any]] = connect
    timer: Timer = field(default_factory=Timer)
    clock: Callable[[], float] = time.time


@dataclass
class Outcome:
    """What became of an end: the state that is left, what was put back, and what could not be.

    Attributes:
        restored: What was put back: keys by site, variables by server.
        notes: What stayed as somebody else had changed it, and what is gone.
        errors: What has to be tried again.
    """

    state: DebugState
    restored: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[LifeboatError] = field(default_factory=list)


def configuration_request(state_path: Path, site: SiteDebug) -> ConfigurationRequest:
    """Return how the configuration of a site is changed for debug mode."""
    return ConfigurationRequest(Bench(Path(site.bench_path)), site.site, state_path, REMEMBERED_AS)


def end_debug(files: StateFiles, sites: Collection[str], reason: str, around: Surroundings) -> Outcome:
    """End debug mode of some sites, and the slow log of each server that no other site needs. Under the lock.

    After each step the disk knows what is left, so that a run that was killed is gone on with by the next one.

    Args:
        files: The state.
        sites: The sites' names.
        reason: Why it ends, for people.
        around: The I/O.
    """
    state = files.read()
    files_before = tuple(named_files(gathered(state)))
    outcome = Outcome(state)
    logins = files.read_logins()
    # The servers first: nothing grows any more then, whatever holds a site.
    for server in state.without_sites(sites).idle_servers():
        if _tried(outcome, partial(_end_server, server, logins, outcome, around)):
            outcome.state = outcome.state.without_server(server.address)
            _write(files, outcome.state)
    for site in state.sites:
        if site.site in sites and _tried(outcome, partial(_end_site, files.state_path, site, outcome)):
            outcome.state = outcome.state.without_sites([site.site])
            _write(files, outcome.state)
    if not outcome.state.is_on:
        if state.is_on:
            logs = tuple(str(path) for path in slow_logs(state.servers))
            files.write_ended(Ended(around.clock(), reason, tuple(outcome.notes), files_before, logs))
        files.write(outcome.state)
        around.timer.stop()
    return outcome


def _write(files: StateFiles, state: DebugState) -> None:
    # The last step is to forget everything, after it was written down how debug mode ended.
    if state.is_on:
        files.write(state)


def _tried(outcome: Outcome, work: Callable[[], None]) -> bool:
    try:
        work()
    except LifeboatError as error:
        outcome.errors.append(error)
        return False
    return True


def _end_site(state_path: Path, site: SiteDebug, outcome: Outcome) -> None:
    request = configuration_request(state_path, site)
    if not request.originals_path.exists():
        # Nothing was changed: what holds the site meanwhile is not to be waited for.
        return
    try:
        left = changed_by_others(request)
        result = run_restored(request, left)
    except LifeboatError as error:
        if error.error_code != "configuration_missing":
            raise
        forget_originals(request)
        outcome.notes.append(f"{site.site} has no configuration any more: there is nothing to put back")
        return
    if result["keys"]:
        outcome.restored[site.site] = result["keys"]
    outcome.notes += [f"{site.site}: somebody else changed {name} meanwhile, so it stays" for name in left]


def _end_server(server: ServerDebug, logins: dict[str, LoginOptions], outcome: Outcome, around: Surroundings) -> None:
    with closing(around.connect(logins[server.address])) as connection:
        current = read_variables(connection)
        restored = to_put_back(current, server.changes)
        set_variables(connection, restored)
    if restored:
        outcome.restored[server.address] = sorted(restored)
    outcome.notes += [
        f"{server.address}: {name} is {current[name]!r}, by somebody else or by a restart, so it stays"
        for name in variables_of_others(current, server.changes)
    ]
