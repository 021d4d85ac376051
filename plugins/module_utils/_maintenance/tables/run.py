"""One maintenance of the tables of sites: look, plan, work through it until the window ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any, Callable

from ..._bench.layout import Site
from ..._mariadb.connection import LoginOptions
from ..._recovery.lock import SiteLock
from ..._recovery.record import recorded
from ..._system.errors import LifeboatError
from ..._system.progress import ProgressReporter
from .choice import (
    CHANGING_ACTIONS,
    REBUILD,
    UNREADABLE,
    SiteTables,
    Skip,
    Thresholds,
    Work,
    beyond_window,
    choose,
    estimate_seconds,
    in_order,
    too_late,
)
from .conditions import Surroundings, measure, obstacle
from .facts import read_tables
from .lines import copy_lines, done_lines, plan_lines, skip_lines, stop_lines, window_line
from .repaired import expired_copies, remove_copies
from .site_server import ACTION_TEXT, SiteServer, site_server
from .state import MaintenanceState, read_state, stop_path, write_state
from .window import Window, window_of
from .work import Doing, do

MODULE_NAME = "database_maintenance"


@dataclass(frozen=True)
class TablesRequest:
    """What was asked for; the options of ``database_maintenance``.

    Attributes:
        state_path: The folder of the collection's state.
        sites: The sites.
        login: How an administrator reaches their servers, as far as that was said.
        limits: The thresholds.
        window_minutes: How long the window is, where ``until`` is empty.
        until: When it ends.
        surroundings: Where conditions are looked for.
        repaired_keep_days: For how long the files of tables are kept as they were before a repair; 0 for ever.
        clock: Seconds since the epoch.
        pause: Waits for so many seconds.
    """

    state_path: Path
    sites: Sequence[Site]
    login: LoginOptions
    limits: Thresholds
    window_minutes: float
    until: str
    surroundings: Surroundings
    repaired_keep_days: int = 30
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep


@dataclass
class Course:
    """What became of the maintenance so far.

    Attributes:
        state: What is kept between runs.
        window: The window.
        done: What was done.
        skipped: What was not.
        refused: Sites that cannot be worked on, and tables that nobody can open.
        expired: The folders with copies of repaired tables that are, or would be, removed.
    """

    state: MaintenanceState
    window: Window
    done: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)

    def refuse(self, site: str, error: LifeboatError) -> None:
        """Note why a site, or a table of it, cannot be worked on; no site for what concerns the host."""
        self.refused.append({"site": site, "error_code": error.error_code, "reason": error.message})


def run_tables(request: TablesRequest, check_mode: bool, progress: ProgressReporter) -> dict[str, Any]:
    """Plan the maintenance of the tables, and without check mode do it.

    Returns:
        The result of the module.

    Raises:
        LifeboatError: ``window_invalid``, ``caller_gone``.
    """
    state, now = read_state(request.state_path), request.clock()
    window = window_of(now, request.window_minutes, request.until, state.window)
    state.begin(window)
    course = Course(state, window)
    work = in_order(item for site in request.sites for item in _plan_site(request, site, course))
    changing = [f"{item.site}: {item.table}: {item.action}" for item in work if item.action in CHANGING_ACTIONS]
    lines = [window_line(window, now, state), *stop_lines(stop_path(request.state_path)), *plan_lines(work)]
    expired = expired_copies(request.state_path, now, request.repaired_keep_days)
    changed = bool(changing or expired)
    if check_mode:
        course.skipped += beyond_window(work, now, window)
        course.expired += map(str, expired)
    elif work or expired:
        with recorded(request.state_path, module=MODULE_NAME, action=ACTION_TEXT) as record:
            progress.start("table maintenance", sum(item.bytes for item in work), len(work))
            try:
                _expire(expired, now, course)
                _work_through(request, work, course, progress)
            finally:
                skipped = [asdict(skip) for skip in course.skipped]
                record.update(done=course.done, passed_over=skipped, refused=course.refused, expired=course.expired)
        changed = any(item["changed"] for item in course.done) or bool(course.expired)
    lines += [
        *done_lines(course.done),
        *copy_lines(course.expired, request.repaired_keep_days),
        *skip_lines(course.skipped),
        *(refusal["reason"] for refusal in course.refused),
    ]
    return {
        "changed": changed,
        "plan": [asdict(item) for item in work],
        "window": {"began_at": _utc(window.began_at), "ends_at": _utc(window.ends_at)},
        "bytes_per_second": round(state.bytes_per_second),
        "reclaimed_bytes": sum(item["before_bytes"] - item["after_bytes"] for item in course.done),
        "done": course.done,
        "passed_over": [asdict(skip) for skip in course.skipped],
        "refused": course.refused,
        "expired": course.expired,
        "lines": lines,
        "diff": {
            "before": {"tables": changing, "copies": course.expired},
            "after": {"tables": [], "copies": []},
        },
    }


def _expire(folders: Sequence[Path], now: float, course: Course) -> None:
    """Remove copies of repaired tables; a clock that is ahead keeps them, and nothing else from being done."""
    try:
        if folders:
            remove_copies(folders, now)
    except LifeboatError as error:
        course.refuse("", error)
    else:
        course.expired += map(str, folders)


def _plan_site(request: TablesRequest, site: Site, course: Course) -> list[Work]:
    """Look at a site and return what there is to do; what is left alone is noted."""
    try:
        with site_server(site, request.login) as server:
            tables = read_tables(server.own, server.administrator, server.database)
            rebuilt = course.state.rebuilt.get(site.name, ())
            look = SiteTables(str(site.bench.path), site.name, server.version, tables, rebuilt)
            work, skips = choose(look, request.limits, course.state.bytes_per_second)
            held_off = _held_off(request, server, work)
    except LifeboatError as error:
        course.refuse(site.name, error)
        return []
    for skip in [*skips, *held_off.values()]:
        if skip.kind == UNREADABLE:
            course.refuse(site.name, _unreadable(skip))
        else:
            course.skipped.append(skip)
    return [item for item in work if item not in held_off]


def _held_off(request: TablesRequest, server: SiteServer, work: Sequence[Work]) -> dict[Work, Skip]:
    """Return the rebuilds for which this is no moment."""
    rebuilds = [item for item in work if item.action == REBUILD]
    if not rebuilds:
        return {}
    now = measure(server.administrator, server.site, server.database, request.surroundings, request.clock())
    found = {item: obstacle(item, now, request.limits) for item in rebuilds}
    return {item: skip for item, skip in found.items() if skip is not None}


def _unreadable(skip: Skip) -> LifeboatError:
    return LifeboatError(f"Cannot maintain the table {skip.table} of {skip.site}: {skip.reason}.", "table_unreadable")


def _work_through(request: TablesRequest, work: Sequence[Work], course: Course, progress: ProgressReporter) -> None:
    refused: set[tuple[str, str]] = set()
    sites = {(str(site.bench.path), site.name): site for site in request.sites}
    for (*place, _action, _table), items in groupby(work, key=_turn):
        key = (place[0], place[1])
        if key in refused:
            continue
        try:
            _take_turn(request, sites[key], list(items), course, progress)
        except LifeboatError as error:
            if error.error_code == "caller_gone":
                raise
            course.refuse(sites[key].name, error)
            refused.add(key)


def _turn(item: Work) -> tuple[str, str, str, str]:
    """Tell what is done under one lock: a rebuild, or all that takes moments of a site. Between them others have it."""
    return item.bench, item.site, item.action, item.table if item.action == REBUILD else ""


def _take_turn(
    request: TablesRequest, site: Site, items: Sequence[Work], course: Course, progress: ProgressReporter
) -> None:
    lock = SiteLock(request.state_path, site.name, request.clock)
    with lock.hold(f"maintenance-{_utc(request.clock())}"), site_server(site, request.login) as server:
        doing = Doing(
            server=server,
            limits=request.limits,
            surroundings=request.surroundings,
            state_path=request.state_path,
            ends_at=course.window.ends_at,
            clock=request.clock,
            pause=request.pause,
            report=progress.update,
        )
        for item in items:
            progress.update(item_name=f"{item.site}: {item.table}")
            found = _not_begun(request, item, course) or do(item, doing)
            _note(request, item, found, course)
            done = progress.progress
            progress.update(done_bytes=done.done_bytes + item.bytes, done_items=done.done_items + 1)


def _not_begun(request: TablesRequest, item: Work, course: Course) -> Skip | None:
    stop = stop_path(request.state_path)
    if stop.exists():
        reason = f"{stop} is there"
        return Skip(item.site, item.table, item.action, "stopped", reason)
    seconds = estimate_seconds(item.action, item.bytes, course.state.bytes_per_second)
    return None if course.window.fits(request.clock(), seconds) else too_late(item)


def _note(request: TablesRequest, item: Work, found: dict[str, Any] | Skip, course: Course) -> None:
    if isinstance(found, Skip):
        course.skipped.append(found)
        return
    course.done.append(found)
    if found["action"] == REBUILD:
        course.state.note_rebuild(item.site, item.table, item.bytes, found["seconds"])
        write_state(request.state_path, course.state)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
