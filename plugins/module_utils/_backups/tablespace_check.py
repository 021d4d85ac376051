"""The tables of a physical set as its manifest and its own description tell of them; both must say the same."""

from __future__ import annotations

from pathlib import Path

from .._mariadb.tablespaces.tablespace_set import TablespaceFile, TablespaceSet, read_tablespace_set
from .._system.digests import file_digest
from .._system.errors import LifeboatError
from .artifacts import open_artifact
from .manifest import Manifest, ManifestFile
from .names import SCHEMA, TABLESPACE, TABLESPACES
from .tablespace_archive import unpack_tablespaces

TABLESPACES_FOLDER = "tablespaces"
# The statements of the largest sites have a few megabytes.
DESCRIPTION_LIMIT_BYTES = 256 << 20


def archive_of(manifest: Manifest) -> ManifestFile | None:
    """Return the archive that holds the files of the tables; None where they lie in a folder of the set."""
    return next((file for file in manifest.files if file.kind == TABLESPACES), None)


def read_tables(folder: Path, manifest: Manifest, key: str | None, unpacked: Path) -> TablespaceSet:
    """Return the tables with their files.

    Args:
        folder: Where the set lies.
        manifest: What it says of itself.
        key: What opens it where it is encrypted.
        unpacked: Where the files of an archive are, or will be.

    Raises:
        LifeboatError: ``tablespaces_invalid`` when there is not one description; ``artifact_corrupt`` when it is not
            what the manifest says, or tells of other files; what opening it raises.
    """
    found = [file for file in manifest.files if file.kind == SCHEMA]
    if len(found) != 1:
        raise LifeboatError(
            f"Cannot use the tables of the backup set {folder}: its manifest names {len(found)} descriptions of them, "
            "and a physical set has one. Choose another set.",
            "tablespaces_invalid",
            {"path": str(folder)},
        )
    path = folder / found[0].path
    if file_digest(path) != found[0].sha256:
        raise _changed(path)
    with open_artifact(path, key) as stream:
        description = stream.read(DESCRIPTION_LIMIT_BYTES)
    if archive_of(manifest) is not None:
        return read_tablespace_set(description, unpacked)
    tablespaces = read_tablespace_set(description, folder / TABLESPACES_FOLDER)
    listed = {
        file.path: TablespaceFile(Path(file.path).name, file.size_bytes, file.sha256)
        for file in manifest.files
        if file.kind == TABLESPACE
    }
    if listed != {f"{TABLESPACES_FOLDER}/{name}": file for name, file in files_of(tablespaces).items()}:
        raise _changed(path)
    return tablespaces


def files_of(tablespaces: TablespaceSet) -> dict[str, TablespaceFile]:
    """Return the files of all tables by their names."""
    return {file.name: file for table in tablespaces.tables for file in table.files}


def check_tablespaces(folder: Path, manifest: Manifest, key: str | None) -> None:
    """See that the tables of a set are what it says; an archive is read to its end, and not unpacked.

    Raises:
        LifeboatError: What ``read_tables`` and ``unpack_tablespaces`` raise.
    """
    tablespaces, archive = read_tables(folder, manifest, key, folder), archive_of(manifest)
    if archive is not None:
        unpack_tablespaces(folder / archive.path, key, files_of(tablespaces), None)


def _changed(path: Path) -> LifeboatError:
    return LifeboatError(
        f"Refused {path}: it is not what the set's manifest says, so it was changed since the backup. Use another set, "
        "or fetch this file again.",
        "artifact_corrupt",
        {"path": str(path)},
    )
