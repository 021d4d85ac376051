"""Artifacts and backup sets as values, with the verdict on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .._mariadb.binlog.position import BinlogPosition
from .manifest import LOGICAL, Manifest

COMPLETE = "complete"
PARTIAL = "partial"
BROKEN = "broken"
UNREADABLE = "unreadable"

NAMES = "names"
STRUCTURE = "structure"
CONTENT = "content"
DEPTHS = (NAMES, STRUCTURE, CONTENT)

# Where a recovery point was read from, best first.
FROM_GZIP_HEADER = "gzip_header"
FROM_FOOTER = "dump_footer"
FROM_FILE = "file_mtime"
# A set with a manifest says its own.
FROM_MANIFEST = "manifest"

# Where a set lies.
LOCAL = "local"
OFFSITE = "offsite"


@dataclass(frozen=True)
class Artifact:
    """One file of a backup.

    Attributes:
        kind: database, files, private_files or site_config.
        path: Where it lies.
        size_bytes: Its size.
        encrypted: Its content is encrypted, whatever its name says.
        mode: Its permission bits.
        modified_at: Seconds since the epoch, by the file system.
        compressed_at: Seconds since the epoch that the gzip header of its content says, 0 where that is not known.
    """

    kind: str
    path: Path
    size_bytes: int
    encrypted: bool
    mode: int
    modified_at: float
    compressed_at: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return what the catalogue shows of it, as JSON values."""
        return {
            "kind": self.kind,
            "path": str(self.path),
            "size_bytes": self.size_bytes,
            "encrypted": self.encrypted,
        }


@dataclass(frozen=True)
class BackupSet:
    """The artifacts of one run for one site, and what is known of them.

    Attributes:
        name: ``<timestamp>-<slug>``, or the file's own name where ``bench backup`` did not choose it.
        folder: Where the artifacts lie.
        slug: The site's name with ``.`` written as ``_``; "" where the names do not say it.
        artifacts: Its files, database first.
        verdict: complete, partial, broken or unreadable, as far as ``depth`` looked.
        reasons: Sentences that say why the verdict is not complete.
        depth: names, structure or content: how deep the verdict looked.
        recovery_point: The moment that the data is of, RFC 3339 in UTC.
        recovery_point_source: gzip_header, dump_footer, file_mtime or manifest.
        partial: The dump leaves tables out.
        missing_kinds: Kinds of artifacts that the set does not have.
        versions: App to version, from the dump.
        database_name: The database that was dumped; "" before the dump was read.
        table_count: Tables that the dump creates; None before it was read.
        table_names: Their names.
        collations: Collation to the tables that use it.
        rows: Rows a table; None before the content was read.
        sql_bytes: Size of the dump as text; None before it was read.
        archive_site: The site whose files the archives hold; None before they were read, or without any.
        files: Kind of archive to its number of files and their bytes.
        encryption_key_source: option, set or site: whose key opens it; "" where none is needed or known.
        insecure_permissions: Sentences about artifacts that others may read or write.
        kinds: logical, physical or both.
        manifest: What the set says of itself; None for what ``bench backup`` made.
        location: local or offsite.
        held: A person holds it: no retention removes it.
        offsite: Its copy elsewhere: ``repository``, ``snapshot``, ``copied_at``, ``checked_at`` and ``problem``.
        last_drill: The newest drill of it, as ``LastDrill.as_dict`` returns it; None when it was never drilled.
    """

    name: str
    folder: Path
    slug: str
    artifacts: tuple[Artifact, ...]
    verdict: str
    reasons: tuple[str, ...]
    recovery_point: str
    recovery_point_source: str
    depth: str = NAMES
    partial: bool = False
    missing_kinds: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    database_name: str = ""
    table_count: int | None = None
    table_names: tuple[str, ...] = ()
    collations: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] | None = None
    sql_bytes: int | None = None
    archive_site: str | None = None
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    encryption_key_source: str = ""
    insecure_permissions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (LOGICAL,)
    manifest: Manifest | None = field(default=None, repr=False)
    location: str = LOCAL
    held: bool = False
    offsite: dict[str, Any] | None = None
    last_drill: dict[str, Any] | None = None

    @property
    def size_bytes(self) -> int:
        """The size of all its files."""
        files = self.artifacts if self.manifest is None else self.manifest.files
        return sum(file.size_bytes for file in files)

    @property
    def position(self) -> BinlogPosition | None:
        """The recovery point in the binary log; None where that is not known."""
        return self.manifest.position if self.manifest else None

    @property
    def proven_at(self) -> str:
        """When its tablespaces were imported and read; "" while they were not, or where it has none."""
        return self.manifest.proven_at if self.manifest else ""

    @property
    def address(self) -> str:
        """Its folder and name, which tell it from another set of the same name."""
        return str(self.folder / self.name) if self.manifest is None else str(self.folder)

    @property
    def encrypted(self) -> bool:
        """Whether any of its files is encrypted."""
        if self.manifest is not None:
            return bool(self.manifest.encryption)
        return any(artifact.encrypted for artifact in self.artifacts)

    def artifact(self, kind: str) -> Artifact | None:
        """Return the artifact of a kind."""
        return next((artifact for artifact in self.artifacts if artifact.kind == kind), None)

    def as_dict(self) -> dict[str, Any]:
        """Return what the catalogue shows of it, as JSON values; no secret is in it."""
        # Without what has a line a table: the manifest's tables and files, and the names of the dump's.
        shown = asdict(replace(self, manifest=None))
        del shown["manifest"], shown["table_names"], shown["collations"]
        return {
            **shown,
            "folder": str(self.folder),
            "site": self.archive_site,
            "kinds": list(self.kinds),
            "position": self.position.as_dict() if self.position else None,
            "proven_at": self.proven_at,
            "artifacts": [artifact.as_dict() for artifact in self.artifacts],
            "reasons": list(self.reasons),
            "missing_kinds": list(self.missing_kinds),
            "insecure_permissions": list(self.insecure_permissions),
            "size_bytes": self.size_bytes,
            "encrypted": self.encrypted,
        }


def newest_first(sets: Iterable[BackupSet]) -> list[BackupSet]:
    """Order sets by their recovery points."""
    return sorted(sets, key=lambda backup: (backup.recovery_point, backup.name), reverse=True)
