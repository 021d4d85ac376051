"""Putting back what a promotion replaced: the same steps the other way round, from any point that it had reached."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from .._bench.configuration import read_configuration, write_configuration
from .._bench.layout import Site
from .._mariadb.accounts import account_hosts, create_account
from .._mariadb.connection import server_errors
from .._mariadb.server import database_exists
from .._system.errors import LifeboatError
from .._system.files import fsync_folder, remove_unfinished_writes, write_atomically
from .fence import lower_fence, raise_fence
from .journal import Journal
from .promotion import delete_cached_keys, exchange_trees
from .promotion_plan import is_as_before, look_at_site, site_changed_error
from .promotion_state import (
    CONFIGURATION_MISSING,
    CONFIGURATION_VALID,
    NOT_BEGUN,
    RETIRED,
    RETIRING,
    ROLL_BACK,
    ROLLED_BACK,
    Intent,
    kept_configuration_path,
    promotion_status,
    read_intent,
)
from .site_values import MAINTENANCE_MODE, turned_on
from .surroundings import Surroundings

if TYPE_CHECKING:
    from pymysql.connections import Connection


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback does.

    Attributes:
        intent: What the promotion had set out to do; None when it never began.
        needed: False when there is nothing to put back.
        switched: The configuration names the promoted database, so the site goes down for a moment.
    """

    intent: Intent | None
    needed: bool
    switched: bool

    def as_dict(self) -> dict[str, Any]:
        """Return what a person is shown of it, as JSON values."""
        if not self.needed or self.intent is None:
            return {"steps": []}
        steps = ["maintenance"] if self.switched else []
        steps += ["fence", "files", "open", "configuration", "reload", "cache"]
        return {
            "steps": [f"{ROLL_BACK}.{step}" for step in steps],
            "database": self.intent.database,
            "replaced_database": self.intent.replaced_database,
            "fenced_account": self.intent.database,
            "files": [tree.name for tree in self.intent.trees],
            "configuration": {
                "before": {"db_name": self.intent.database if self.switched else self.intent.replaced_database},
                "after": {"db_name": self.intent.replaced_database},
            },
        }


def plan_rollback(connection: Connection[Any], site: Site, journal: Journal) -> RollbackPlan:
    """Work out how to put back what the promotion of a recovery replaced, finished or not.

    Raises:
        LifeboatError: ``nothing_kept`` when there was no site before, or what was kept is gone; ``site_changed`` when
            something else is live by now.
    """
    status = promotion_status(journal)
    if status in (NOT_BEGUN, ROLLED_BACK):
        return RollbackPlan(None, needed=False, switched=False)
    intent = read_intent(journal)
    live = look_at_site(site)
    switched = live.database == intent.database
    if not switched and not is_as_before(live, intent):
        raise site_changed_error(site, journal, live)
    if not switched and status in (RETIRING, RETIRED):
        # It was rolled back before: what was deleted is what had been promoted.
        return RollbackPlan(None, needed=False, switched=False)
    with server_errors(f"look for the databases of {site.name}"):
        reason = _why_nothing_is_kept(connection, journal, intent, status)
    if switched and reason:
        raise LifeboatError(
            f"Cannot roll recovery {journal.recovery} of {site.name} back: {reason}. The site stays as it is.",
            "nothing_kept",
            {"status": status},
        )
    return RollbackPlan(intent, needed=True, switched=switched)


def roll_back(
    connection: Connection[Any],
    site: Site,
    journal: Journal,
    plan: RollbackPlan,
    surroundings: Surroundings,
    reload_timeout_seconds: float,
    clock: Callable[[], float] = time.time,
) -> None:
    """Carry a plan out; the journal then has the seconds of each step and ``rollback_downtime_seconds``.

    The configuration of before comes back byte for byte, with the switches of maintenance that it had. What was
    promoted is fenced and kept, as what was replaced had been. Running jobs are not waited for: they work on data that
    goes away.

    Args:
        connection: An administrator's connection.
        site: The site.
        journal: The recovery's journal, under its lock.
        plan: The plan, just made.
        surroundings: What is around the site.
        reload_timeout_seconds: How long the web processes of before may take to end.
        clock: Seconds since the epoch.
    """
    if plan.intent is None:
        return
    intent = plan.intent
    began = journal.fact("rollback_down_since") or clock()
    with server_errors(f"roll recovery {journal.recovery} of {site.name} back"), journal.step(ROLL_BACK):
        remove_unfinished_writes(site.config_path)
        if plan.switched:
            with journal.step("rollback.maintenance", rollback_down_since=began):
                live = read_configuration(site.config_path)
                write_configuration(site.config_path, turned_on(live, MAINTENANCE_MODE))
        with journal.step("rollback.fence") as found:
            found["ended_connections"] = raise_fence(connection, intent.database)
        with journal.step("rollback.files"):
            exchange_trees(site, journal, intent, back=True)
        with journal.step("rollback.open"):
            if intent.replaced_user:
                _renew_account(connection, journal, intent)
                lower_fence(connection, intent.replaced_user)
        with journal.step("rollback.configuration") as found:
            _restore_configuration(site, journal, intent)
            found["rollback_downtime_seconds"] = round(clock() - began, 3)
        with journal.step("rollback.reload") as found:
            found["stale_web_processes"] = list(surroundings.reload_web(reload_timeout_seconds))
        with journal.step("rollback.cache") as found:
            found["cache"] = [
                delete_cached_keys(surroundings, name) for name in (intent.database, intent.replaced_database)
            ]


def _why_nothing_is_kept(connection: Connection[Any], journal: Journal, intent: Intent, status: str) -> str:
    if status in (RETIRING, RETIRED):
        return "what it had replaced was deleted since"
    if intent.configuration == CONFIGURATION_MISSING:
        return "there was no site before it"
    if not kept_configuration_path(journal).exists():
        return "the configuration that was kept is gone"
    if not database_exists(connection, intent.replaced_database):
        return f"the database of before, {intent.replaced_database or 'unknown'}, does not exist"
    return ""


def _renew_account(connection: Connection[Any], journal: Journal, intent: Intent) -> None:
    """Make the replaced database's account again where somebody tidied it away, locked as it was."""
    if intent.configuration != CONFIGURATION_VALID or account_hosts(connection, intent.replaced_user):
        return
    password = str(read_configuration(kept_configuration_path(journal)).get("db_password") or "")
    create_account(connection, intent.replaced_user, intent.account_hosts, password, intent.replaced_database)


def _restore_configuration(site: Site, journal: Journal, intent: Intent) -> None:
    if intent.configuration == CONFIGURATION_MISSING:
        site.config_path.unlink(missing_ok=True)
        fsync_folder(site.path)
        return
    owner = site.config_path.stat()
    kept = kept_configuration_path(journal).read_bytes()
    write_atomically(site.config_path, kept, intent.configuration_mode, (owner.st_uid, owner.st_gid))
