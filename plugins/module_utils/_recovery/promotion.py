"""Promoting what was staged: the fence first, then the files, then the one rename that makes it live.

Every step can be done again: a promotion that a kill cut short goes on when it is called again, or is undone by a
rollback. What tells how far it came is what is there (the configuration's database, the inodes of the trees) and the
intent in the journal, never a guess.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._bench.configuration import (
    Configuration,
    database_address,
    read_configuration,
    write_configuration,
)
from .._bench.layout import Site
from .._mariadb.accounts import create_account, drop_account
from .._mariadb.connection import LoginOptions, connect, execute, fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._system.errors import LifeboatError
from .._system.files import make_private_folder, remove_unfinished_writes, write_atomically
from .fence import raise_fence
from .journal import Journal
from .promotion_plan import PromotionPlan, staging_path
from .promotion_state import (
    CONFIGURATION_MISSING,
    CONFIGURATION_VALID,
    INTENT,
    PROMOTE,
    Intent,
    kept_configuration_path,
)
from .site_values import MAINTENANCE_MODE, PAUSE_SCHEDULER, promoted_configuration, turned_on, with_switches
from .surroundings import Surroundings, common_configuration, drain
from .trees import put_in_place, record_trees

if TYPE_CHECKING:
    from pymysql.connections import Connection

# What Frappe makes in the folder of a new site; a site without them answers every request with an error.
SITE_FOLDERS = ("logs", "locks", "private/backups", "private/files", "public/files")
PASSWORD_BYTES = 16
SCHEDULER_SETTING = "doctype = 'System Settings' AND field = 'enable_scheduler'"


def promote(
    connection: Connection[Any],
    site: Site,
    journal: Journal,
    plan: PromotionPlan,
    surroundings: Surroundings,
    drain_timeout_seconds: float,
    reload_timeout_seconds: float,
    is_caller_gone: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.time,
) -> None:
    """Carry a plan out; the journal then has the seconds of each step, ``drained`` and ``downtime_seconds``.

    Args:
        connection: An administrator's connection.
        site: The site.
        journal: The recovery's journal, under its lock.
        plan: The plan, just made.
        surroundings: What is around the site.
        drain_timeout_seconds: How long running jobs of the site may take to end.
        reload_timeout_seconds: How long the web processes of before may take to end.
        is_caller_gone: Tells whether nobody waits for the result any more; asked before the site goes down.
        clock: Seconds since the epoch; the downtime also counts across a kill and the next call.

    Raises:
        LifeboatError: ``caller_gone`` and ``site_login_failed`` before the site went down, with the scheduler as it
            was; ``files_not_exchangeable`` and errors of MariaDB, after which a rollback or another call is needed.
    """
    with server_errors(f"promote recovery {journal.recovery} of {site.name}"), journal.step(PROMOTE):
        remove_unfinished_writes(site.config_path)
        if not plan.switched:
            intent = plan.intent if plan.resumed else _begin(site, journal, plan.intent)
            try:
                configuration = _prepare(connection, site, journal, plan, intent, surroundings, drain_timeout_seconds)
                _refuse_without_caller(site, is_caller_gone)
            except Exception:
                _restore_scheduler(site, journal, intent)
                raise
            _switch(connection, site, journal, intent, configuration, clock)
        with journal.step("promote.reload") as found:
            found["stale_web_processes"] = list(surroundings.reload_web(reload_timeout_seconds))
        with journal.step("promote.cache") as found:
            found["cache"] = delete_cached_keys(surroundings, plan.intent.replaced_database)


def delete_cached_keys(surroundings: Surroundings, database: str) -> dict[str, Any]:
    """Delete the cached keys of a database; a site's keys carry its database's name, so going on without is safe."""
    if not database:
        return {"deleted_keys": 0}
    try:
        return {"deleted_keys": surroundings.delete_cached_keys(database)}
    except LifeboatError as error:
        return {"deleted_keys": 0, "skipped": error.message}


def exchange_trees(site: Site, journal: Journal, intent: Intent, *, back: bool) -> None:
    """Put the staged trees, or when going back the replaced ones, in their live places."""
    staging = staging_path(site, journal.recovery)
    for tree in intent.trees:
        wanted_inode = tree.live_inode if back else tree.staged_inode
        try:
            put_in_place(site.path / tree.name, staging / tree.name, wanted_inode)
        except OSError as error:
            raise LifeboatError(
                f"Cannot exchange {site.path / tree.name} with {staging / tree.name}: {error.strerror}. "
                "Both must be folders of one file system that can be renamed.",
                "files_not_exchangeable",
                {"path": str(site.path / tree.name)},
            ) from error


def _begin(site: Site, journal: Journal, intent: Intent) -> Intent:
    with journal.step("promote.folders"):
        owner = site.path.stat()
        for name in SITE_FOLDERS:
            _make_site_folder(site.path / name, (owner.st_uid, owner.st_gid))
    # Of a site that was closed for this recovery, the configuration of before was kept then.
    if intent.configuration != CONFIGURATION_MISSING and not journal.fact("quiesce"):
        kept = kept_configuration_path(journal)
        make_private_folder(kept.parent)
        write_atomically(kept, site.config_path.read_bytes(), 0o600)
    intent = replace(intent, trees=record_trees(site.path, staging_path(site, journal.recovery)))
    journal.append(INTENT, "done", intent=asdict(intent))
    return intent


def _make_site_folder(folder: Path, owner: tuple[int, int]) -> None:
    if not folder.exists():
        _make_site_folder(folder.parent, owner)
        folder.mkdir()
        os.chown(folder, *owner)


def _prepare(
    connection: Connection[Any],
    site: Site,
    journal: Journal,
    plan: PromotionPlan,
    intent: Intent,
    surroundings: Surroundings,
    drain_timeout_seconds: float,
) -> Configuration:
    """Do all that takes time while the site still serves; return the configuration that it will have."""
    with journal.step("promote.drain") as found:
        if intent.configuration == CONFIGURATION_VALID:
            write_configuration(site.config_path, turned_on(read_configuration(site.config_path), PAUSE_SCHEDULER))
        found["drained"] = drain(
            lambda: surroundings.running_jobs(site.name), 0 if _is_down(journal) else drain_timeout_seconds
        )
    live = read_configuration(site.config_path) if intent.configuration == CONFIGURATION_VALID else None
    password = secrets.token_hex(PASSWORD_BYTES)
    configuration = promoted_configuration(live, plan.set_configuration, intent.database, password, intent.switches)
    with journal.step("promote.account"):
        drop_account(connection, intent.database)
        create_account(connection, intent.database, intent.account_hosts, password, intent.database)
        _prove_login(site, configuration)
    with journal.step("promote.data") as found:
        _carry_scheduler(connection, intent.database, journal.plan()["replaces"]["scheduler_enabled"])
        found["cache"] = delete_cached_keys(surroundings, intent.database)
    return configuration


def _refuse_without_caller(site: Site, is_caller_gone: Callable[[], bool]) -> None:
    if is_caller_gone():
        raise LifeboatError(
            f"Gave up the promotion of {site.name}: whoever started it no longer listens. The live site goes on as it "
            "was. Run the recovery again.",
            "caller_gone",
        )


def _restore_scheduler(site: Site, journal: Journal, intent: Intent) -> None:
    if intent.configuration == CONFIGURATION_VALID and not _is_down(journal):
        live = read_configuration(site.config_path)
        write_configuration(site.config_path, with_switches(live, intent.switches))


def _is_down(journal: Journal) -> bool:
    return journal.fact("down_since") is not None


def _switch(
    connection: Connection[Any],
    site: Site,
    journal: Journal,
    intent: Intent,
    configuration: Configuration,
    clock: Callable[[], float],
) -> None:
    """Take the old site away and put the new one in its place. The site is down only in here."""
    began = journal.fact("down_since") or clock()
    with journal.step("promote.maintenance", down_since=began):
        if intent.configuration == CONFIGURATION_VALID:
            live = read_configuration(site.config_path)
            write_configuration(site.config_path, turned_on(live, MAINTENANCE_MODE, PAUSE_SCHEDULER))
    with journal.step("promote.fence") as found:
        found["ended_connections"] = raise_fence(connection, intent.replaced_user) if intent.replaced_user else 0
    with journal.step("promote.files"):
        exchange_trees(site, journal, intent, back=False)
    with journal.step("promote.configuration") as found:
        write_configuration(site.config_path, configuration)
        found["downtime_seconds"] = round(clock() - began, 3)


def _prove_login(site: Site, configuration: Configuration) -> None:
    address = database_address(configuration, common_configuration(site.bench))
    login = LoginOptions(
        login_user=address.db_user,
        login_password=configuration["db_password"],
        login_host=address.host,
        login_port=address.port,
        login_unix_socket=address.socket,
        ca_cert=configuration.get("db_ssl_ca"),
        client_cert=configuration.get("db_ssl_cert"),
        client_key=configuration.get("db_ssl_key"),
    )
    try:
        connect(login, database=address.db_name).close()
    except LifeboatError as error:
        raise LifeboatError(
            f"Cannot promote the new database of {site.name}: its account {address.db_user} cannot log in from this "
            f"host to MariaDB at {login.address}, as the site would. The live site was not touched. Does the "
            "configuration name the server that this module logged in to?",
            "site_login_failed",
            {"address": login.address, "user": address.db_user, "cause": error.error_code},
        ) from error


def _carry_scheduler(connection: Connection[Any], database: str, enabled: bool | None) -> None:
    """Have scheduled jobs enabled as they were live; a set may come from when they were not."""
    if enabled is None:
        return
    table = f"{quote_identifier(database)}.tabSingles"
    rows = fetch_all(connection, f"SELECT value FROM {table} WHERE {SCHEDULER_SETTING}")  # noqa: S608
    if [str(row[0]) for row in rows] != [str(int(enabled))]:
        execute(connection, f"DELETE FROM {table} WHERE {SCHEDULER_SETTING}")  # noqa: S608
        execute(
            connection,
            f"INSERT INTO {table} (doctype, field, value) VALUES ('System Settings', 'enable_scheduler', %s)",  # noqa: S608
            (str(int(enabled)),),
        )
