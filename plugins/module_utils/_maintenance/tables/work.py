"""Doing one thing to one table, right after a last look at whether it is still needed and possible."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from ..._mariadb.connection import fetch_all
from ..._system.errors import LifeboatError
from .choice import ANALYZE, CHECK, REBUILD, REPAIR, Skip, Thresholds, Work
from .conditions import Surroundings, measure, obstacle
from .facts import file_sizes
from .rebuild import HELD_UP, Rebuild, end_statement, forgotten_rebuilds, open_transactions
from .repaired import copy_folder
from .site_server import SiteServer
from .statements import analyze, check, keep_files, repair

# While a rebuild that nobody watches any more is taken back, which takes moments.
TAKEN_BACK_SECONDS = 60
PAUSE_SECONDS = 0.1
GLOBAL_SEARCH = "__global_search"


@dataclass(frozen=True)
class Doing:
    """With what a table is worked on.

    Attributes:
        server: The connections.
        limits: The thresholds.
        surroundings: Where conditions are looked for.
        state_path: The folder of the collection's state.
        ends_at: The end of the window.
        clock: Seconds since the epoch.
        pause: Waits for so many seconds.
        report: Called while a rebuild goes on; what it raises ends it.
    """

    server: SiteServer
    limits: Thresholds
    surroundings: Surroundings
    state_path: Path
    ends_at: float
    clock: Callable[[], float]
    pause: Callable[[float], None]
    report: Callable[[], None]


def do(item: Work, doing: Doing) -> dict[str, Any] | Skip:
    """Do one thing, and return what was done or why it was not.

    Raises:
        LifeboatError: ``table_unreadable``.
        pymysql.err.MySQLError: The server refused it for a reason that concerns more than this table.
    """
    began = time.monotonic()
    found = ACTIONS_DONE[item.action](item, doing)
    if isinstance(found, Skip):
        return found
    seconds = round(time.monotonic() - began, 3)
    before = {"before_bytes": item.bytes, "after_bytes": item.bytes}
    named = {"site": item.site, "table": item.table, "action": item.action}
    return {**named, "seconds": seconds, "changed": item.action != CHECK, "note": "", **before, **found}


def end_forgotten_rebuilds(doing: Doing) -> None:
    """End rebuilds in the site's database whose run was killed: nobody would see that they are in others' way.

    Whoever calls this has the lock of the site.
    """
    server = doing.server
    deadline = doing.clock() + TAKEN_BACK_SECONDS
    while (threads := forgotten_rebuilds(server.administrator, server.database)) and doing.clock() < deadline:
        for thread in threads:
            end_statement(server.administrator, thread)
        doing.pause(PAUSE_SECONDS)


def _analyze(item: Work, doing: Doing) -> dict[str, Any] | Skip:
    problem = analyze(doing.server.own, item.table)
    return _skip(item, "failed", problem) if problem else {}


def _check(item: Work, doing: Doing) -> dict[str, Any] | Skip:
    problem = check(doing.server.own, item.table)
    if not problem:
        return {}
    return {"action": REPAIR, "changed": True, **_repair(item, doing)}


def _repair(item: Work, doing: Doing) -> dict[str, Any]:
    server = doing.server
    notes = []
    if server.datadir is not None:
        folder = copy_folder(doing.state_path, item.site, doing.clock())
        if keep_files(server.datadir, server.database, item.table, folder):
            notes.append(f"Its files as they were are in {folder}.")
    problem = repair(server.own, item.table)
    if problem:
        raise LifeboatError(
            f"Cannot repair the table {item.table} of {item.site}: MariaDB says: {problem}. {' '.join(notes)} Recover "
            "the site with lifeboat.frappe.recover, or empty the table where all of it can be made again.",
            "table_unreadable",
        )
    if item.table == GLOBAL_SEARCH:
        notes.append(f"bench --site {item.site} rebuild-global-search adds what may have been lost of it.")
    return {"note": " ".join(notes)}


def _rebuild(item: Work, doing: Doing) -> dict[str, Any] | Skip:
    server = doing.server
    end_forgotten_rebuilds(doing)
    if _free_bytes(server, item.table) < doing.limits.reclaim_min_bytes:
        return _skip(item, "unneeded", "it has become smaller, or was filled, since it was chosen")
    now = measure(server.administrator, server.site, server.database, doing.surroundings, doing.clock())
    held_off = obstacle(item, now, doing.limits)
    if held_off is not None:
        return held_off
    work = Rebuild(server.own, item.table)
    given_up = work.watch(
        server.administrator,
        server.database,
        blocked_seconds=doing.limits.blocked_seconds,
        ends_at=doing.ends_at,
        clock=doing.clock,
        report=doing.report,
    )
    if given_up is not None:
        kind, reason = given_up
        held_by = open_transactions(server.administrator, server.database, work.thread_id) if kind in HELD_UP else []
        return _skip(item, kind, f"{reason}; transactions are open there: {', '.join(held_by)}" if held_by else reason)
    return {"after_bytes": file_sizes(server.administrator, server.database).get(item.table, 0)}


def _free_bytes(server: SiteServer, table: str) -> int:
    rows = fetch_all(
        server.own,
        "SELECT DATA_FREE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        (server.database, table),
    )
    return int(rows[0][0] or 0) if rows else 0


def _skip(item: Work, kind: str, reason: str) -> Skip:
    return Skip(item.site, item.table, item.action, kind, reason)


ACTIONS_DONE: dict[str, Callable[[Work, Doing], dict[str, Any] | Skip]] = {
    ANALYZE: _analyze,
    CHECK: _check,
    REBUILD: _rebuild,
    REPAIR: _repair,
}
