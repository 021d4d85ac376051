"""Whether the physical part of a set can be opened and is what its own description says."""

from __future__ import annotations

from pathlib import Path

from .._mariadb.tablespaces.tablespace_set import TablespaceFile, read_tablespace_set
from .._system.errors import LifeboatError
from .artifacts import open_artifact
from .manifest import Manifest, ManifestFile
from .names import SCHEMA, TABLESPACE, TABLESPACES
from .tablespace_archive import unpack_tablespaces

# The statements of the largest sites have a few megabytes.
DESCRIPTION_LIMIT_BYTES = 256 << 20


def check_tablespaces(folder: Path, manifest: Manifest, key: str | None) -> None:
    """Compare the files of tables with the set's description of them; an archive is read to its end, and not unpacked.

    Args:
        folder: Where the set lies.
        manifest: What it says of itself; its digests were compared with the files.
        key: What opens it where it is encrypted.

    Raises:
        LifeboatError: ``tablespaces_invalid`` when it is not what it says; what ``unpack_tablespaces`` raises.
    """
    by_kind = {
        kind: [file for file in manifest.files if file.kind == kind] for kind in (SCHEMA, TABLESPACE, TABLESPACES)
    }
    if len(by_kind[SCHEMA]) != 1:
        raise _invalid(folder, "it has no description of them, or several")
    with open_artifact(folder / by_kind[SCHEMA][0].path, key) as stream:
        tablespaces = read_tablespace_set(stream.read(DESCRIPTION_LIMIT_BYTES), folder)
    files = {file.name: file for table in tablespaces.tables for file in table.files}
    if by_kind[TABLESPACES]:
        unpack_tablespaces(folder / by_kind[TABLESPACES][0].path, key, files, None)
    elif _described(by_kind[TABLESPACE]) != files:
        raise _invalid(folder, "its files are not those of its description")


def _described(listed: list[ManifestFile]) -> dict[str, TablespaceFile]:
    return {
        name: TablespaceFile(name, file.size_bytes, file.sha256) for file in listed for name in [Path(file.path).name]
    }


def _invalid(folder: Path, reason: str) -> LifeboatError:
    return LifeboatError(
        f"Cannot use the tables of the backup set {folder}: {reason}. Choose another set.",
        "tablespaces_invalid",
        {"folder": str(folder)},
    )
