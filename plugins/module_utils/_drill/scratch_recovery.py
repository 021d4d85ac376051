"""The recovery of a drill: what a plan says, as far as the promotion would begin, in the scratch place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._backups.keys import find_key
from .._backups.names import DATABASE, SITE_CONFIG
from .._mariadb.connection import connect
from .._mariadb.load_target import LoadResult
from .._mariadb.private_server import PrivateServer
from .._recovery.base_load import load_base
from .._recovery.database_source import DatabaseSource, DumpSource
from .._recovery.promotion_state import NOT_BEGUN
from .._recovery.staging_files import plan_present
from .._system.progress import ProgressReporter
from .files import extract_files
from .phases import FILES, LOAD, Phases
from .request import DrillRequest
from .scratch import ServerIdentity, make_scratch, refuse_known_database, refuse_live_server, server_identity

SERVER_NAME = "server"
FILES_NAME = "files"


@dataclass(frozen=True)
class Recovered:
    """What stands in the scratch place.

    Attributes:
        kind: How it was loaded, what drills are compared by.
        database: The name of the database in the scratch server.
        loaded: What the load counted.
        files_path: The folder of the extracted files.
        files: Kind of archive to its number of files and their bytes.
    """

    kind: str
    database: str
    loaded: LoadResult
    files_path: Path
    files: Mapping[str, Mapping[str, int]]


def scratch_server(scratch: Path) -> PrivateServer:
    """Return the server of a scratch folder, not started; its number in a replication is drawn at random."""
    return PrivateServer(scratch / SERVER_NAME, {"server_id": 1 + secrets.randbelow(2**32 - 1)})


def recover_in_scratch(
    request: DrillRequest,
    plan: Mapping[str, Any],
    scratch: Path,
    server: PrivateServer,
    live: ServerIdentity,
    phases: Phases,
    progress: ProgressReporter,
) -> Recovered:
    """Recover a site in the scratch place.

    Args:
        request: What was asked for.
        plan: What ``prepare_recovery`` returned.
        scratch: The scratch folder, which must not exist yet.
        server: Its server, not started.
        live: Who the live server is: nothing is written to it.
        phases: Measures the load and the files.
        progress: Told how far it is; raises when nobody listens any more.

    Raises:
        LifeboatError: ``drill_scratch_unsafe``, ``private_server_failed``, ``disk_space``, and what reading the
            artifacts and loading them raises.
    """
    key = _key(request, plan)
    with phases.run(LOAD) as phase:
        make_scratch(scratch)
        source = _source(plan, key)
        database = f"_{secrets.token_hex(8)}"
        server.start()
        _refuse_what_is_live(server, live, scratch, database)
        loaded = load_base(server, source, database, progress, request.reserve_bytes)
        phase.bytes = loaded.loaded_bytes
    with phases.run(FILES) as phase:
        archives = plan_present(plan["set"], is_done=False, is_there=False, status=NOT_BEGUN).archives
        folder = scratch / FILES_NAME
        folder.mkdir()
        files = extract_files(archives, folder, key, request.reserve_bytes, progress)
        phase.bytes = sum(counted["bytes"] for counted in files.values())
    return Recovered(source.kind, database, loaded, folder, files)


def _refuse_what_is_live(server: PrivateServer, live: ServerIdentity, scratch: Path, database: str) -> None:
    with closing(connect(server.login)) as connection:
        refuse_live_server(server_identity(connection), live, scratch)
        refuse_known_database(connection, database)


def _source(plan: Mapping[str, Any], key: str | None) -> DatabaseSource:
    backup = plan["set"]
    path = next(Path(artifact["path"]) for artifact in backup["artifacts"] if artifact["kind"] == DATABASE)
    return DumpSource.of_file(path, key, int(backup.get("sql_bytes") or 0), int(backup.get("table_count") or 0))


def _key(request: DrillRequest, plan: Mapping[str, Any]) -> str | None:
    own = next((Path(found["path"]) for found in plan["set"]["artifacts"] if found["kind"] == SITE_CONFIG), None)
    return find_key(request.encryption_key, own, request.site.config_path)[0]
