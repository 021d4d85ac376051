"""The manifest of a backup set: what it holds, from when, and how to tell that nothing of it was changed.

It is written last: a folder without it is no set. Its shape is ``docs/backup-manifest.schema.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._mariadb.binlog.position import BinlogPosition
from .._system.errors import LifeboatError
from .._system.files import write_atomically

MANIFEST_NAME = "manifest.json"
SCHEMA_VERSION = 1
LOGICAL, PHYSICAL = "logical", "physical"


@dataclass(frozen=True)
class ManifestFile:
    """A file of the set: its path below the folder of the set, its kind of artifact, its size and digest as stored."""

    path: str
    kind: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class ManifestTable:
    """A table of the set: its rows where they were counted, its pages where its tablespace was copied."""

    name: str
    engine: str
    rows: int | None = None
    pages: int | None = None


@dataclass(frozen=True)
class InexactTable:
    """A table without transactions whose content is of some moment between two positions, not of the set's own.

    Where the server writes no binary log, the positions are not known: then it is of some moment of the backup.
    """

    name: str
    engine: str
    since: BinlogPosition | None
    until: BinlogPosition | None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> InexactTable:
        """Read one that was written as JSON values."""
        since, until = (_optional(BinlogPosition.from_dict, values[name]) for name in ("since", "until"))
        return cls(str(values["name"]), str(values["engine"]), since, until)


@dataclass(frozen=True)
class AppCommit:
    """An app of the bench as it was when the set was made."""

    name: str
    version: str
    commit: str


@dataclass(frozen=True)
class ManifestServer:
    """The server that the data is from."""

    version: str
    page_size_bytes: int
    server_id: int
    hostname: str
    port: int


@dataclass(frozen=True)
class PreviousSet:
    """The set before this one in the chain of its site, and the digest of its manifest."""

    name: str
    manifest_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a set says of itself.

    Attributes:
        name: The set's name, that of its folder: ``<timestamp>-<slug>``.
        site: The site's name.
        kinds: ``logical``, ``physical`` or both, all of one recovery point.
        started_at, ended_at: When the backup ran, RFC 3339 in UTC.
        recovery_point: The moment that the data is of, RFC 3339 in UTC.
        position: The same moment in the binary log; None where the server writes none.
        database: The name of the database.
        encryption: ``gpg``, ``age`` or "".
        encryption_key_fingerprint: Of the key that opens the artifacts; "" where they are plain.
        site_key_fingerprint: Of the ``encryption_key`` that the site's stored secrets need; "" where it has none.
        proven_at: When the tablespaces were imported and read by a private server; "" while they were not.
    """

    name: str
    site: str
    kinds: tuple[str, ...]
    started_at: str
    ended_at: str
    recovery_point: str
    position: BinlogPosition | None
    database: str
    server: ManifestServer
    apps: tuple[AppCommit, ...]
    encryption: str
    encryption_key_fingerprint: str
    site_key_fingerprint: str
    tables: tuple[ManifestTable, ...]
    inexact_tables: tuple[InexactTable, ...]
    files: tuple[ManifestFile, ...]
    previous: PreviousSet | None
    proven_at: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Manifest:
        """Read what ``as_dict`` returned; raises ``KeyError``, ``TypeError`` or ``ValueError`` on anything else."""
        known = {name: values[name] for name in cls.__dataclass_fields__}
        return cls(
            **{
                **known,
                "kinds": tuple(known["kinds"]),
                "position": _optional(BinlogPosition.from_dict, known["position"]),
                "server": ManifestServer(**known["server"]),
                "apps": tuple(AppCommit(**app) for app in known["apps"]),
                "tables": tuple(ManifestTable(**table) for table in known["tables"]),
                "inexact_tables": tuple(InexactTable.from_dict(table) for table in known["inexact_tables"]),
                "files": tuple(ManifestFile(**file) for file in known["files"]),
                "previous": _optional(lambda previous: PreviousSet(**previous), known["previous"]),
            }
        )


def _optional(read: Any, values: Any) -> Any:
    return None if values is None else read(values)


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write the manifest of a set whose files are all on the disk, durably, and return the manifest's own digest."""
    content = json.dumps(manifest.as_dict(), indent=1, sort_keys=True).encode() + b"\n"
    write_atomically(folder / MANIFEST_NAME, content)
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a set.

    Raises:
        LifeboatError: ``manifest_invalid`` when there is none that can be understood.
    """
    path = folder / MANIFEST_NAME
    try:
        values = json.loads(path.read_bytes())
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is {values['schema_version']}, not {SCHEMA_VERSION}")
        return Manifest.from_dict(values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LifeboatError(
            f"Cannot use the backup set {folder}: its manifest cannot be understood ({error}). It was changed, or a "
            "newer release wrote it. Choose another set.",
            "manifest_invalid",
            {"path": str(path)},
        ) from error
