"""The recovery of a drill: what a plan says, as far as the promotion would begin, in the scratch place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._backups.keys import find_key
from .._backups.names import SITE_CONFIG
from .._mariadb.connection import LoginOptions, connect
from .._mariadb.load_target import LoadResult
from .._mariadb.private_server import PrivateServer
from .._mariadb.server import ServerFacts
from .._recovery.base_load import load_base
from .._recovery.crash_shield import ShieldedSource
from .._recovery.database_source import DatabaseSource
from .._recovery.load_choice import LOGGED
from .._recovery.promotion_state import NOT_BEGUN
from .._recovery.replay import REPLAY_SETTINGS
from .._recovery.replay_plan import ReplayPlan
from .._recovery.replay_run import run_replay
from .._recovery.source_choice import choose_source
from .._recovery.staging_files import plan_present
from .._recovery.tablespace_source import TablespaceSource
from .._system.progress import ProgressReporter
from .files import extract_files
from .phases import FETCH, FILES, LOAD, REPLAY, Phases
from .request import DrillRequest
from .scratch import ServerIdentity, make_scratch, refuse_known_database, refuse_live_server, server_identity

SERVER_NAME = "server"
FILES_NAME = "files"


@dataclass(frozen=True)
class LiveServer:
    """The server of the live site: who it is, and what decides how a recovery loads into it."""

    identity: ServerIdentity
    facts: ServerFacts


@dataclass(frozen=True)
class Recovered:
    """What stands in the scratch place.

    Attributes:
        kind: How it was loaded, what drills are compared by.
        login: The scratch server.
        database: The name of the database in the scratch server.
        loaded: What the load counted.
        files_path: The folder of the extracted files.
        files: Kind of archive to its number of files and their bytes.
    """

    kind: str
    login: LoginOptions
    database: str
    loaded: LoadResult
    files_path: Path
    files: Mapping[str, Mapping[str, int]]


class ScratchRecovery:
    """Recovers a site in the scratch place; what it started ends with ``end``.

    Args:
        request: What was asked for.
        scratch: The scratch folder, which must not exist yet.
        phases: Measures the load, the replay and the files.
        progress: Told how far it is; raises when nobody listens any more.
    """

    def __init__(self, request: DrillRequest, scratch: Path, phases: Phases, progress: ProgressReporter) -> None:
        self._request = request
        self._scratch = scratch
        self._phases = phases
        self._progress = progress
        self._server: PrivateServer | None = None

    def recover(self, plan: Mapping[str, Any], live: LiveServer) -> Recovered:
        """Recover what a plan says.

        Args:
            plan: What ``prepare_recovery`` returned.
            live: The live server: a recovery would load into it, a drill writes nothing to it.

        Raises:
            LifeboatError: ``drill_scratch_unsafe``, ``private_server_failed``, ``disk_space``, and what reading the
                artifacts, loading them and replaying raises.
        """
        key = _key(self._request, plan)
        source = _source(plan, key, live.facts, self._request.reserve_bytes)
        replay = ReplayPlan.from_dict(plan["replay"], None) if plan.get("replay") else None
        # A replay needs the name that the database had; nothing else has a use for it.
        database = replay.database if replay else f"_{secrets.token_hex(8)}"
        with self._phases.run(LOAD) as phase:
            make_scratch(self._scratch)
            server = self._start_server(source, replay)
            with closing(connect(server.login)) as connection:
                refuse_live_server(server_identity(connection), live.identity, self._scratch)
                refuse_known_database(connection, database)
            loaded = load_base(server, source, database, self._progress, self._request.reserve_bytes)
            phase.bytes = loaded.loaded_bytes
        if replay:
            with self._phases.run(REPLAY) as phase:
                run_replay(server, replay, self._progress)
                phase.bytes = replay.replayed_bytes
        with self._phases.run(FILES) as phase:
            files = self._extract(plan, key)
            phase.bytes = sum(counted["bytes"] for counted in files.values())
        more = [name for name, is_so in ((FETCH, self._request.offsite), (REPLAY, replay)) if is_so]
        return Recovered("+".join((source.kind, *more)), server.login, database, loaded, self._files_path, files)

    def end(self) -> None:
        """End the server, however far the recovery came."""
        if self._server is not None:
            self._server.kill()

    @property
    def _files_path(self) -> Path:
        return self._scratch / FILES_NAME

    def _start_server(self, source: DatabaseSource, replay: ReplayPlan | None) -> PrivateServer:
        settings: dict[str, str | int] = {"server_id": 1 + secrets.randbelow(2**32 - 1)}
        if isinstance(source, TablespaceSource):
            settings["innodb_page_size"] = source.manifest.server.page_size_bytes
        if replay:
            settings.update(REPLAY_SETTINGS)
        self._server = PrivateServer(self._scratch / SERVER_NAME, settings)
        self._server.start()
        return self._server

    def _extract(self, plan: Mapping[str, Any], key: str | None) -> dict[str, dict[str, int]]:
        archives = plan_present(plan["set"], is_done=False, is_there=False, status=NOT_BEGUN).archives
        self._files_path.mkdir()
        return extract_files(archives, self._files_path, key, self._request.reserve_bytes, self._progress)


def _source(plan: Mapping[str, Any], key: str | None, facts: ServerFacts, reserve_bytes: int) -> DatabaseSource:
    """Return the source that a recovery would load, chosen for the live server."""
    source = choose_source(plan["set"], None, key, facts, LOGGED, reserve_bytes).source
    # The server of the drill is the crash shield itself.
    return source.inner if isinstance(source, ShieldedSource) else source


def _key(request: DrillRequest, plan: Mapping[str, Any]) -> str | None:
    own = next((Path(found["path"]) for found in plan["set"]["artifacts"] if found["kind"] == SITE_CONFIG), None)
    return find_key(request.encryption_key, own, request.site.config_path)[0]
