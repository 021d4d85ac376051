"""How a set is loaded: its tables as files where they fit, else its dump. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass

from .._backups.manifest import LOGICAL, PHYSICAL
from .._mariadb.server import ServerFacts
from .._system.errors import LifeboatError

LOGGED, SKIPPED = "logged", "skipped"
DUMP_REASON = "The set holds a dump."


@dataclass(frozen=True)
class LoadChoice:
    """The kind of load, and a sentence that says why it is this one."""

    kind: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Tables:
    """What decides whether the tables of a set fit a server: where they come from."""

    server_version: str
    page_size_bytes: int


def choose_load(
    kinds: Collection[str], tables: Tables | None, facts: ServerFacts, can_place_files: bool, binary_log: str
) -> LoadChoice:
    """Choose how to load a set.

    A server with replicas does not import unless they are to be left out: an import in its binary log would stop them,
    and one that is not in it would leave them without the database.

    Args:
        kinds: The kinds of the set: logical, physical or both.
        tables: The server that its tables come from; None where it has none as files.
        facts: The server to load into.
        can_place_files: Whether its data directory is on this host and this account may write there.
        binary_log: What was asked for: logged or skipped.

    Raises:
        LifeboatError: ``physical_unsupported`` when the set has nothing but tables as files and they cannot be used.
    """
    if tables is None:
        return LoadChoice(LOGICAL, DUMP_REASON)
    obstacles = _obstacles(tables, facts, can_place_files, binary_log)
    if not obstacles:
        return LoadChoice(PHYSICAL, "The files of the set's tables are imported.")
    found = "; ".join(obstacles)
    if LOGICAL in kinds:
        return LoadChoice(
            LOGICAL, f"The set's dump is loaded, since the files of its tables cannot be imported: {found}."
        )
    raise LifeboatError(
        f"Cannot load the set: it holds tables as files and no dump, and they cannot be imported: {found}. Choose a "
        "set with a dump, or remove what stands in the way.",
        "physical_unsupported",
        {"obstacles": obstacles},
    )


def _obstacles(tables: Tables, facts: ServerFacts, can_place_files: bool, binary_log: str) -> list[str]:
    found = []
    if _series(tables.server_version) != _series(facts.version):
        found.append(f"they come from MariaDB {_series(tables.server_version)}, the server is {_series(facts.version)}")
    if tables.page_size_bytes != facts.page_size_bytes:
        found.append(f"their pages have {tables.page_size_bytes} bytes, the server's {facts.page_size_bytes}")
    if not can_place_files:
        found.append(
            f"the server's data directory {facts.datadir} is not on this host, or this account may not write there"
        )
    if facts.binary_log and facts.replica_count and binary_log == LOGGED:
        found.append(
            f"{facts.replica_count} replicas follow the server, which an import would stop (binary_log: skipped "
            "imports all the same; they must be seeded again then)"
        )
    return found


def _series(version: str) -> str:
    """Return major and minor of a version: within them the formats of files do not change."""
    match = re.match(r"\d+\.\d+", version)
    return match[0] if match else version
