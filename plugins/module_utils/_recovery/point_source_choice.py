"""How a point in time is built, and how it gets to the live server."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._backups.manifest import LOGICAL, PHYSICAL, Manifest, read_manifest
from .._backups.repository import Repository
from .._bench.layout import Site
from .._mariadb.binlog.logs import LogFile
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.connection import LoginOptions
from .._mariadb.private_server import SERVER_PACKAGE
from .._mariadb.server import ServerFacts
from .._mariadb.tablespaces.tablespace_set import EXTENSIONS
from .._system.children import find_program
from .._system.commands import run_command
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .base_load import default_connections
from .database_source import DatabaseSource
from .journal import Journal
from .load_choice import SKIPPED, LoadChoice, Tables, choose_load
from .point_source import LogAccess, PointInTimeSource
from .quiesce import quiesce
from .replay_plan import ReplayPlan
from .site_logs import SiteLogs, archive_up_to_now, find_logs
from .source_choice import IMPORTS_PER_CORE, ChosenSource, can_place_files, dump_of_set
from .surroundings import find_surroundings
from .tablespace_source import TablespaceSource

if TYPE_CHECKING:
    from pymysql.connections import Connection

_VERSION = re.compile(r"\bVer (\S+)")


@dataclass(frozen=True)
class PointRequest:
    """What a point in time is built with.

    Attributes:
        site: The site.
        journal: Of the recovery, whose plan has a replay.
        login: The live server.
        repository: Where the archives of binary logs lie.
        key: What opens encrypted artifacts.
        binary_log: What the live server's binary log is to get: logged or skipped.
        drain_timeout_seconds: How long running jobs may take to end when the site is closed.
        reserve_bytes: What must stay free.
    """

    site: Site
    journal: Journal
    login: LoginOptions
    repository: Repository
    key: str | None = field(repr=False)
    binary_log: str
    drain_timeout_seconds: float
    reserve_bytes: int


def choose_point_source(
    request: PointRequest, facts: ServerFacts, connection: Connection[Any], progress: ProgressReporter
) -> ChosenSource:
    """Choose how the point in time of a plan is built and loaded.

    The private server runs the programs of this host: it takes the tables of a set as files where their version is the
    same, else the set's dump; and the live server imports the result where that is possible, else it gets a dump.

    Args:
        request: What was asked for.
        facts: The live server.
        connection: An administrator's connection to it.
        progress: Told how far the archiving of a last log is.

    Raises:
        LifeboatError: ``physical_unsupported``, ``artifact_missing``, ``manifest_invalid``, ``command_missing``.
    """
    plan = request.journal.plan()
    chosen_set = plan["set"]
    manifest = read_manifest(Path(chosen_set["folder"]))
    page_size_bytes = manifest.server.page_size_bytes
    private = replace(facts, version=private_version(), page_size_bytes=page_size_bytes, replica_count=0)
    base = choose_load(
        manifest.kinds,
        Tables(manifest.server.version, page_size_bytes) if PHYSICAL in manifest.kinds else None,
        private,
        True,
        SKIPPED,
    )
    tables = Tables(private.version, page_size_bytes) if _can_be_files(manifest) else None
    out = choose_load((LOGICAL,), tables, facts, can_place_files(facts), request.binary_log)
    source = PointInTimeSource(
        base=_base(chosen_set, request, base),
        plan=ReplayPlan.from_dict(plan["replay"], plan["undo"]),
        journal=request.journal,
        logs=_access(request, manifest, connection, progress),
        page_size_bytes=page_size_bytes,
        kind=out.kind,
        reserve_bytes=request.reserve_bytes,
    )
    if out.kind == PHYSICAL:
        reason = "The tables are imported as files from the private server that replayed the logs."
        return ChosenSource(source, LoadChoice(PHYSICAL, reason), default_connections() * IMPORTS_PER_CORE)
    reason = f"The private server that replayed the logs is dumped: {out.reason}"
    return ChosenSource(source, LoadChoice(LOGICAL, reason), default_connections())


def private_version() -> str:
    """Return the version of the server that this host would start.

    Raises:
        LifeboatError: ``command_missing``, ``command_failed``.
    """
    program = find_program("mariadbd", SERVER_PACKAGE)
    said = run_command([program, "--no-defaults", "--version"]).output
    match = _VERSION.search(said)
    if match is None:
        raise LifeboatError(
            f"Cannot tell the version of {program}: it did not say one. Is it the server of the package "
            f"{SERVER_PACKAGE}?",
            "command_failed",
        )
    return match[1]


def _can_be_files(manifest: Manifest) -> bool:
    return all(table.engine in EXTENSIONS for table in manifest.tables)


def _base(chosen_set: Mapping[str, Any], request: PointRequest, load: LoadChoice) -> DatabaseSource:
    if load.kind == PHYSICAL:
        return TablespaceSource.of_set(Path(chosen_set["folder"]), request.key, request.reserve_bytes)
    return dump_of_set(chosen_set, request.key)


def _access(
    request: PointRequest, manifest: Manifest, connection: Connection[Any], progress: ProgressReporter
) -> LogAccess:
    def logs() -> SiteLogs:
        return find_logs(connection, manifest.server, request.repository)

    def since(position: BinlogPosition) -> Sequence[LogFile]:
        return logs().since(position)

    def close_site() -> None:
        surroundings = find_surroundings(request.site.bench)
        quiesce(connection, request.site, request.journal, surroundings, request.drain_timeout_seconds)
        found = logs()
        if found.live is not None and not found.reach_now:
            archive_up_to_now(connection, request.login, request.repository, request.reserve_bytes, progress)

    def end_seconds() -> float:
        return logs().end_seconds(time.time())

    return LogAccess(since, close_site, end_seconds)
