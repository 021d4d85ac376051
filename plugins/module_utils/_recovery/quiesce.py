"""Closing a site before the end of its log is read, so that nothing is written that the recovery would not have.

A recovery to the latest moment first replays what the logs hold while the site still serves. Then the site is closed:
its running jobs end, it answers that it is under maintenance, its account is locked and its connections are ended. Only
then is the end of the log read and the rest replayed. The promotion goes on from there; whatever ends the recovery
before, opens the site again with the bytes of the configuration that it had.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from .._bench.configuration import read_configuration, write_configuration
from .._bench.layout import Site
from .._system.files import make_private_folder, write_atomically
from .fence import lower_fence, raise_fence
from .journal import Journal
from .promotion_plan import LiveState, look_at_site, refuse_shared
from .promotion_state import CONFIGURATION_VALID, kept_configuration_path
from .site_values import MAINTENANCE_MODE, PAUSE_SCHEDULER, switch_values, turned_on
from .surroundings import Surroundings, drain

if TYPE_CHECKING:
    from pymysql.connections import Connection

STEP = "quiesce"


def quiesced(journal: Journal) -> dict[str, Any] | None:
    """Return what a recovery closed (``user``, ``switches``, ``mode``); None when the site is not closed by it."""
    closed = journal.fact(STEP)
    return dict(closed) if closed else None


def quiesce(
    connection: Connection[Any],
    site: Site,
    journal: Journal,
    surroundings: Surroundings,
    drain_timeout_seconds: float,
    clock: Callable[[], float] = time.time,
) -> None:
    """Close a site; a second call makes sure that it is closed. A site that does not work is closed already.

    Args:
        connection: An administrator's connection.
        site: The site.
        journal: The recovery's journal, under its lock.
        surroundings: What is around the site.
        drain_timeout_seconds: How long running jobs of the site may take to end.
        clock: Seconds since the epoch.

    Raises:
        LifeboatError: ``account_shared`` when another site would be closed with it.
    """
    live = look_at_site(site)
    if live.state != CONFIGURATION_VALID or live.configuration is None or live.address is None:
        return
    user = live.address.db_user
    refuse_shared(connection, site, live.database, user)
    if quiesced(journal) is None:
        _keep(site, journal, live, user)
    with journal.step(f"{STEP}.drain") as found:
        write_configuration(site.config_path, turned_on(read_configuration(site.config_path), PAUSE_SCHEDULER))
        found["drained"] = drain(lambda: surroundings.running_jobs(site.name), drain_timeout_seconds)
    down_since = journal.fact("down_since") or clock()
    with journal.step(f"{STEP}.maintenance", down_since=down_since):
        closed = turned_on(read_configuration(site.config_path), MAINTENANCE_MODE, PAUSE_SCHEDULER)
        write_configuration(site.config_path, closed)
        surroundings.reload_web(0)
    with journal.step(f"{STEP}.fence") as found:
        found["ended_connections"] = raise_fence(connection, user)


def open_again(connection: Connection[Any], site: Site, journal: Journal, surroundings: Surroundings) -> None:
    """Open a site that this recovery closed and did not replace; one that it did not close stays as it is."""
    closed = quiesced(journal)
    if closed is None:
        return
    with journal.step(f"{STEP}.open"):
        lower_fence(connection, closed["user"])
        if look_at_site(site).database == closed["database"]:
            owner = site.config_path.stat()
            kept = kept_configuration_path(journal).read_bytes()
            write_atomically(site.config_path, kept, closed["mode"], (owner.st_uid, owner.st_gid))
        surroundings.reload_web(0)
    journal.append(STEP, "opened", quiesce=None, down_since=None)


def _keep(site: Site, journal: Journal, live: LiveState, user: str) -> None:
    """Keep the bytes of the configuration, then say that the site is about to be closed."""
    kept = kept_configuration_path(journal)
    make_private_folder(kept.parent)
    write_atomically(kept, site.config_path.read_bytes(), 0o600)
    closed = {
        "user": user,
        "database": live.database,
        "switches": switch_values(live.configuration or {}),
        "mode": site.config_path.stat().st_mode & 0o777,
    }
    journal.append(STEP, "begin", quiesce=closed)
