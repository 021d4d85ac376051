"""Cleaning up after a recovery that did not end: what it staged goes, a promotion that was cut short is undone."""

from __future__ import annotations

import contextlib
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._bench.layout import Site
from .._mariadb.accounts import drop_account, end_connections_to
from .._mariadb.connection import server_errors
from .._mariadb.server import drop_database
from .._system.beneath import remove_tree_beneath
from .._system.errors import LifeboatError
from .journal import Journal
from .promotion_plan import STAGING_FOLDER
from .promotion_state import NOT_BEGUN, PROMOTING, ROLLING_BACK, promotion_status
from .quiesce import open_again
from .record_summary import DATABASE_STEP
from .retention import expired_recoveries, plan_retirement, retire
from .rollback import plan_rollback, roll_back
from .surroundings import find_surroundings

if TYPE_CHECKING:
    from pymysql.connections import Connection

RELOAD_TIMEOUT_SECONDS = 10.0


def clean_up(connection: Connection[Any], site: Site, journal: Journal) -> None:
    """Undo what a recovery did as far as it is not live; a second call changes nothing."""
    shutil.rmtree(journal.scratch_path, ignore_errors=True)
    status = promotion_status(journal)
    if status in (PROMOTING, ROLLING_BACK):
        plan = plan_rollback(connection, site, journal)
        roll_back(connection, site, journal, plan, find_surroundings(site.bench), RELOAD_TIMEOUT_SECONDS)
    elif status == NOT_BEGUN:
        open_again(connection, site, journal, find_surroundings(site.bench))
        remove_staged_database(connection, journal)
        _remove_staged_files(site, journal)


def _remove_staged_files(site: Site, journal: Journal) -> None:
    remove_tree_beneath(site.bench.sites_path, (site.name, STAGING_FOLDER, journal.recovery))
    if not journal.plan()["replaces"]["exists"]:
        # The staging had made the site's folder; it stays where something else was put into it.
        for folder in (site.path / STAGING_FOLDER, site.path):
            with contextlib.suppress(OSError):
                folder.rmdir()


def remove_staged_database(connection: Connection[Any], journal: Journal) -> bool:
    """Drop the staging database of a recovery and its account.

    Returns:
        False when there was none.
    """
    database = journal.fact(DATABASE_STEP)
    if not database:
        return False
    with server_errors(f"drop the staging database of recovery {journal.recovery}"):
        end_connections_to(connection, database)
        drop_database(connection, database)
        drop_account(connection, database)
    return True


def retire_expired(connection: Connection[Any], state_path: Path, site: Site, now: datetime) -> list[str]:
    """Delete what other recoveries of a site kept and has expired; one that may be the only good copy stays.

    Returns:
        The identifiers of the recoveries whose kept database and files were deleted.
    """
    retired = []
    for journal in expired_recoveries(state_path, site, now):
        try:
            kept = plan_retirement(connection, site, journal)
        except LifeboatError:
            continue  # it stays; state=expired says why
        if kept is not None:
            retire(connection, site, journal, kept)
            retired.append(journal.recovery)
    return retired
