"""A physical set as the source of a database: found whole, unpacked where it is an archive, proven where nobody has."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .._backups.manifest import PHYSICAL, Manifest, ManifestFile, read_manifest
from .._backups.manifest_sets import manifest_digest
from .._backups.names import SCHEMA, TABLESPACE, TABLESPACES
from .._backups.tablespace_archive import unpack_tablespaces
from .._backups.tablespace_check import archive_of, files_of, read_tables
from .._mariadb.load_target import LoadResult, LoadTarget, Watch
from .._mariadb.server import ServerFacts, local_datadir
from .._mariadb.tablespaces.import_jobs import ImportSource
from .._mariadb.tablespaces.importer import import_tablespaces
from .._mariadb.tablespaces.tablespace_set import TablespaceSet
from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .._system.progress import ProgressReporter
from .database_source import Origin
from .space import require_space


@dataclass(frozen=True)
class LoadableTablespaces:
    """Tables as files, ready to be imported by a server on this host."""

    source: ImportSource

    def needed_bytes(self, datadir: Path, /) -> int:
        """Return how much the import will write: nothing where the files are moved within one file system."""
        tablespaces = self.source.tablespaces
        stays = self.source.may_move and tablespaces.folder.stat().st_dev == datadir.stat().st_dev
        return 0 if stays else tablespaces.size_bytes

    def load(self, target: LoadTarget, facts: ServerFacts, progress: ProgressReporter, watch: Watch) -> LoadResult:
        """Import them; see ``import_tablespaces``.

        Raises:
            LifeboatError: ``server_not_local`` besides.
        """
        datadir = local_datadir(facts)
        if datadir is None:
            raise LifeboatError(
                f"Cannot import tables as files: the data directory {facts.datadir} of the server is not on this host. "
                "Load the dump of a set.",
                "server_not_local",
                {"datadir": facts.datadir},
            )
        return import_tablespaces(self.source, target, datadir, progress, watch)


@dataclass(frozen=True)
class TablespaceSource:
    """The physical part of a set with a manifest.

    Attributes:
        folder: The set's folder.
        manifest: What the set says of itself.
        key: What opens it where it is encrypted.
        proven: A server imported and read these very files before.
        reserve_bytes: What must stay free where an archive is unpacked.
    """

    folder: Path
    manifest: Manifest
    key: str | None = field(default=None, repr=False)
    proven: bool = False
    reserve_bytes: int = 0
    kind: str = PHYSICAL

    @classmethod
    def of_set(
        cls, folder: Path, key: str | None = None, reserve_bytes: int = 0, imported: Collection[str] = ()
    ) -> TablespaceSource:
        """Return the source for the set in a folder; ``imported`` are the digests of manifests that a drill proved.

        Raises:
            LifeboatError: ``manifest_invalid``.
        """
        manifest = read_manifest(folder)
        proven = bool(manifest.proven_at) or manifest_digest(folder) in imported
        return cls(folder, manifest, key, proven, reserve_bytes)

    @property
    def origin(self) -> Origin:
        """What tells it apart from other sources."""
        kinds = (SCHEMA, TABLESPACE, TABLESPACES)
        return Origin(str(self.folder), sum(file.size_bytes for file in self.manifest.files if file.kind in kinds))

    @contextmanager
    def opened(self, scratch: Path, progress: ProgressReporter, /) -> Iterator[LoadableTablespaces]:
        """Find all of it, and unpack it into the scratch folder where it is an archive.

        Raises:
            LifeboatError: ``tablespaces_invalid``, ``artifact_missing``, ``artifact_corrupt`` and what else reading an
                archive raises; ``disk_space``.
        """
        tablespaces = read_tables(self.folder, self.manifest, self.key, scratch)
        rows = {table.name: table.rows for table in self.manifest.tables if table.rows is not None}
        archive = archive_of(self.manifest)
        if archive is None:
            yield LoadableTablespaces(ImportSource(tablespaces, rows=rows, reads_all=not self.proven))
            return
        try:
            self._unpack(archive, tablespaces, progress)
            yield LoadableTablespaces(ImportSource(tablespaces, True, rows, not self.proven, was_compared=True))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _unpack(self, archive: ManifestFile, tablespaces: TablespaceSet, progress: ProgressReporter) -> None:
        make_private_folder(tablespaces.folder)
        require_space(tablespaces.folder, tablespaces.size_bytes, self.reserve_bytes)
        progress.start("unpack", tablespaces.size_bytes)
        done_bytes = 0

        def on_bytes(size_bytes: int) -> None:
            nonlocal done_bytes
            done_bytes += size_bytes
            progress.update(done_bytes)

        unpack_tablespaces(self.folder / archive.path, self.key, files_of(tablespaces), tablespaces.folder, on_bytes)
