"""Which source a staging database is loaded from, and how."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._backups.manifest import LOGICAL, PHYSICAL, read_manifest
from .._backups.names import DATABASE
from .._mariadb.server import ServerFacts, local_datadir
from .base_load import CONNECTIONS_LIMIT, default_connections
from .crash_shield import ShieldedSource
from .database_source import DatabaseSource, DumpSource
from .load_choice import LoadChoice, Tables, choose_load
from .tablespace_source import TablespaceSource

# While one connection waits for the disk, another one has work for the processor.
IMPORTS_PER_CORE = 2


@dataclass(frozen=True)
class ChosenSource:
    """A source, why it is this one, and over how many connections it is loaded best."""

    source: DatabaseSource
    load: LoadChoice
    connections: int


def choose_source(
    chosen_set: Mapping[str, Any],
    artifact: Path | None,
    key: str | None,
    facts: ServerFacts,
    binary_log: str,
    reserve_bytes: int,
    imported: Collection[str] = (),
) -> ChosenSource:
    """Choose what to load.

    Args:
        chosen_set: The set as the plan of the recovery describes it.
        artifact: A dump to load in place of the set's.
        key: What opens encrypted artifacts.
        facts: The server to load into.
        binary_log: What was asked for: logged or skipped.
        reserve_bytes: What must stay free where something is unpacked or proven.
        imported: The digests of the manifests whose tables a drill imported.

    Raises:
        LifeboatError: ``physical_unsupported``, ``artifact_missing``, ``manifest_invalid``.
    """
    if artifact is not None:
        asked = LoadChoice(LOGICAL, "A dump was named in place of the set's.")
        return ChosenSource(DumpSource.of_file(artifact, key), asked, default_connections())
    folder = Path(chosen_set["folder"])
    kinds = chosen_set.get("kinds") or (LOGICAL,)
    server = read_manifest(folder).server if PHYSICAL in kinds else None
    tables = Tables(server.version, server.page_size_bytes) if server else None
    load = choose_load(kinds, tables, facts, can_place_files(facts), binary_log)
    if load.kind == PHYSICAL:
        physical = TablespaceSource.of_set(folder, key, reserve_bytes, imported)
        source: DatabaseSource = physical if physical.proven else ShieldedSource(physical)
        connections = min(default_connections() * IMPORTS_PER_CORE, CONNECTIONS_LIMIT)
        return ChosenSource(source, load, connections)
    return ChosenSource(dump_of_set(chosen_set, key), load, default_connections())


def dump_of_set(chosen_set: Mapping[str, Any], key: str | None) -> DumpSource:
    """Return the dump of a set, as the plan of a recovery describes it.

    Raises:
        LifeboatError: ``artifact_missing``.
    """
    path = next(Path(artifact["path"]) for artifact in chosen_set["artifacts"] if artifact["kind"] == DATABASE)
    sql_bytes, table_count = (int(chosen_set.get(name) or 0) for name in ("sql_bytes", "table_count"))
    return DumpSource.of_file(path, key, sql_bytes, table_count)


def can_place_files(facts: ServerFacts) -> bool:
    """Tell whether a server's data directory is on this host and this account may write there."""
    datadir = local_datadir(facts)
    return datadir is not None and os.access(datadir, os.W_OK | os.X_OK)
