"""What the module ``binlog_info`` says: to which moments a site can be recovered, and which transactions were what."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable

from .._backups.binlog_archive import BinlogArchive, ReachableLogs, archive_of, named_archive, reachable_logs
from .._backups.binlog_finder import Criteria, Found, describe_transaction, find_transactions
from .._backups.catalogue import catalogue, site_folders
from .._backups.choice import parse_moment
from .._backups.recovery_point import format_moment
from .._backups.repository import Repository
from .._backups.sets import COMPLETE
from .._bench.configuration import database_address, read_configuration
from .._bench.layout import Site
from .._mariadb.binlog.live import LiveBinlogs, read_live_binlogs
from .._mariadb.binlog.logs import LogFile
from .._mariadb.connection import LoginOptions, connect
from .._system.errors import LifeboatError
from .._system.times import parse_rfc3339
from .base_choice import read_lives, recovery_window
from .site_logs import logs_behind

# What a server says of itself when it cannot be asked for its logs; the archive may do.
WITHOUT_SERVER = frozenset({"mariadb_unreachable", "mariadb_access_denied", "mariadb_lost", "binlog_off"})


@dataclass(frozen=True)
class Inquiry:
    """What is asked.

    Attributes:
        repository: Where the archives lie.
        archive: The name of the archive; None for that of the server, or else the only one.
        login: The server.
        site: The site, for its sets and the commands; None for any.
        state_path: Where the collection keeps the journals of the site's recoveries.
        criteria: The transactions.
    """

    repository: Repository
    archive: str | None
    login: LoginOptions
    site: Site | None
    state_path: Path
    criteria: Criteria


def inquire(inquiry: Inquiry, now: Callable[[], float]) -> dict[str, Any]:
    """Return the window and the transactions; nothing is changed.

    Raises:
        LifeboatError: ``binlog_missing`` when there is neither a server nor an archive to look at; others when a log
            cannot be read.
    """
    live, notes = _live(inquiry.login)
    archive = _archive(inquiry, live)
    reach = reachable_logs(archive, live)
    if not reach.logs:
        raise LifeboatError(
            f"There are no binary logs to look at: {archive.folder} holds none, and "
            f"{notes[0] if notes else 'those of the server are not on this host'}. Archive them with the module "
            "binlog_archive, or give archive: NAME.",
            "binlog_missing",
            {"archive": str(archive.folder)},
        )
    if live is not None and live.folder is None:
        notes.append(
            "The logs of the server are not read here (it runs on another host, or encrypts them): what it wrote since "
            "the last archived log is missing. Run the module binlog_archive first."
        )
    if reach.problem:
        notes.append(f"Older logs of the archive do not count: {reach.problem}")
    criteria = replace(inquiry.criteria, databases=_databases(inquiry))
    found = find_transactions(_in_time(archive, reach, criteria), criteria) if criteria.limit else Found((), 0, 0)
    site_name = inquiry.site.name if inquiry.site else ""
    return {
        "changed": False,
        "window": _window(inquiry, live, reach, now()),
        "transactions": [
            describe_transaction(transaction, rows, site_name) for transaction, rows in found.transactions
        ],
        "matching": found.matching,
        "read": found.read,
        "notes": notes,
    }


def read_moment(name: str, text: str | None) -> float | None:
    """Read an option that is a time, as seconds since the epoch; None where it is not given.

    Raises:
        LifeboatError: ``recover_to_invalid`` when it is no time, or has no offset.
    """
    if not text:
        return None
    try:
        return parse_moment(text)
    except LifeboatError as error:
        raise LifeboatError(
            f"Cannot read {name}: {text!r} is not a time with an offset from UTC. Write it like "
            "2026-11-21T08:40:00+05:30 or 2026-11-21T03:10:00Z.",
            error.error_code,
        ) from error


def _databases(inquiry: Inquiry) -> frozenset[str]:
    """Return the databases that are asked for: those that were given, and the one in which the site lives."""
    given = inquiry.criteria.databases
    if inquiry.site is None:
        return given
    current = _current_database(inquiry.site)
    if current or given:
        return given | ({current} - {""})
    raise LifeboatError(
        f"Cannot tell in which database {inquiry.site.name} lives: its configuration cannot be read or names none. "
        "Give databases, as the manifest of a backup set names it.",
        "configuration_invalid",
    )


def _current_database(site: Site) -> str:
    """Return the database that a site's configuration names; "" after a disaster that took it."""
    try:
        common = read_configuration(site.bench.common_config_path)
        return database_address(read_configuration(site.config_path), common).db_name
    except LifeboatError:
        return ""


def _live(login: LoginOptions) -> tuple[LiveBinlogs | None, list[str]]:
    try:
        with closing(connect(login)) as connection:
            return read_live_binlogs(connection), []
    except LifeboatError as error:
        if error.error_code not in WITHOUT_SERVER:
            raise
        return None, [error.message]


def _archive(inquiry: Inquiry, live: LiveBinlogs | None) -> BinlogArchive:
    if inquiry.archive:
        return named_archive(inquiry.repository, inquiry.archive)
    if live is not None:
        return archive_of(inquiry.repository, live.identity.hostname, live.identity.port)
    folder = inquiry.repository.binlog_folder("")
    archives = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(archives) == 1:
        return BinlogArchive(archives[0])
    names = ", ".join(path.name for path in archives) or "none"
    raise LifeboatError(
        f"Cannot tell which archive of binary logs is meant: the server at {inquiry.login.address} does not say who it "
        f"is, and the archives in {folder} are: {names}. Give archive: NAME.",
        "binlog_missing",
        {"archives": [path.name for path in archives]},
    )


def _in_time(archive: BinlogArchive, reach: ReachableLogs, criteria: Criteria) -> tuple[LogFile, ...]:
    """Leave out archived logs at both ends in which nothing is of the time that is asked for."""
    logs = list(reach.logs)
    entries = {entry.name: entry for entry in archive.entries()}

    def is_outside(log: LogFile, *, at_start: bool) -> bool:
        if not log.is_archived:
            return False
        entry = entries[log.name]
        if not entry.transactions:
            return True
        if at_start:
            since = criteria.since_seconds
            return since is not None and parse_rfc3339(entry.latest_commit).timestamp() < since
        until = criteria.until_seconds
        return until is not None and parse_rfc3339(entry.earliest_commit).timestamp() > until

    while logs and is_outside(logs[0], at_start=True):
        del logs[0]
    while logs and is_outside(logs[-1], at_start=False):
        del logs[-1]
    return tuple(logs)


def _window(inquiry: Inquiry, live: LiveBinlogs | None, reach: ReachableLogs, now_seconds: float) -> dict[str, Any]:
    window = None
    if inquiry.site is not None:
        name = inquiry.site.name
        sets = catalogue(site_folders(inquiry.site, inquiry.repository), name)
        window = recovery_window(
            [backup for backup in sets if backup.verdict == COMPLETE],
            read_lives(inquiry.state_path, name, _current_database(inquiry.site)),
            lambda server: logs_behind(live, server, inquiry.repository),
            now_seconds,
        )
    return {
        "from": format_moment(window.since_seconds) if window else "",
        "to": format_moment(window.until_seconds) if window else "",
        "logs_from": format_moment(reach.began_at_seconds or 0),
        "first_file": reach.logs[0].name,
        "last_file": reach.logs[-1].name,
        "size_bytes": sum(log.size_bytes for log in reach.logs),
    }
