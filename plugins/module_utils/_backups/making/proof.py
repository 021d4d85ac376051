"""Proving a set before it becomes one: every file is read again from the disk and looked into."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._bench.configuration import database_address, read_configuration
from ..._bench.layout import Site
from ..._mariadb.connection import server_errors
from ..._system.errors import LifeboatError
from ..._system.progress import ProgressReporter
from ..digests import changed_files
from ..manifest import LOGICAL, PHYSICAL, Manifest
from ..manifest_sets import set_of_manifest
from ..sets import COMPLETE, CONTENT, STRUCTURE, BackupSet
from ..verification import verify_set
from .source import read_tables

if TYPE_CHECKING:
    from pymysql.connections import Connection

_SHOWN = 5


@dataclass(frozen=True)
class Proven:
    """A set that is what it says, with the rows that were counted, and how deep it was looked into."""

    manifest: Manifest
    depth: str


def prove(
    manifest: Manifest,
    folder: Path,
    decryption_key: str | None,
    connection: Connection[Any],
    progress: ProgressReporter,
) -> Proven:
    """Read a set that was just written, and return its manifest with the rows of each table.

    Args:
        manifest: What it should be.
        folder: Where it lies.
        decryption_key: What opens it; None where it is not on this host, then only the files' digests are compared.
        connection: To the server, whose tables must all be in the dump.
        progress: Is told how far it is.

    Raises:
        LifeboatError: ``backup_unproven``.
    """
    progress.start("proof", sum(file.size_bytes for file in manifest.files))
    if manifest.encryption and decryption_key is None:
        problems = changed_files(folder, manifest.files, lambda _size, name: progress.update(item_name=name))
        _refuse(manifest, problems)
        return Proven(manifest, STRUCTURE)
    written = set_of_manifest(folder, manifest)
    # However many files there are, an archive that was just written is no bomb.
    backup = verify_set(written, CONTENT, decryption_key, progress=progress, member_limit=sys.maxsize)
    problems = [] if backup.verdict == COMPLETE else list(backup.reasons)
    if LOGICAL not in manifest.kinds:
        _refuse(manifest, problems)
        return Proven(manifest, CONTENT)
    rows = backup.rows or {}
    _refuse(manifest, problems or [*_missing_tables(manifest, backup, connection), *_other_rows(manifest, rows)])
    tables = tuple(replace(table, rows=rows.get(table.name)) for table in manifest.tables)
    return Proven(replace(manifest, tables=tables), CONTENT)


def refuse_if_overtaken(site: Site, manifest: Manifest) -> None:
    """Refuse a set of a site that moved to another database meanwhile: its parts are not of one site.

    Raises:
        LifeboatError: ``backup_overtaken``.
    """
    database = database_address(read_configuration(site.config_path), {}).db_name
    if database != manifest.database:
        raise LifeboatError(
            f"Cannot finish the backup of {site.name}: the site moved from the database {manifest.database} to "
            f"{database} meanwhile (a recovery was promoted). Run this again.",
            "backup_overtaken",
            {"database": manifest.database, "now": database},
        )


def _missing_tables(manifest: Manifest, backup: BackupSet, connection: Connection[Any]) -> list[str]:
    """Return a sentence when the dump has not each table that was there before it and is there now."""
    expected = {table.name for table in manifest.tables}
    if PHYSICAL not in manifest.kinds:
        # A table that was dropped before the dump began is in the list, and not in the dump.
        with server_errors(f"read the tables of {manifest.site}"):
            expected &= {table.name for table in read_tables(connection, manifest.database)}
    missing = sorted(expected - set(backup.table_names))
    if not missing:
        return []
    return [f"{len(missing)} tables of the database are not in the dump, among them {', '.join(missing[:_SHOWN])}."]


def _other_rows(manifest: Manifest, rows: Mapping[str, int]) -> list[str]:
    """Return a sentence when the dump has other rows than the tables that it was made from."""
    other = [table.name for table in manifest.tables if table.rows not in (None, rows.get(table.name))]
    if not other:
        return []
    return [f"The dump has other rows than the files of {len(other)} tables, among them {', '.join(other[:_SHOWN])}."]


def _refuse(manifest: Manifest, problems: list[str]) -> None:
    if problems:
        raise LifeboatError(
            f"The backup of {manifest.site} is not good and was removed: {' '.join(problems)} "
            "The sets that were there are as they were. Look at the disk and at the server, then run this again.",
            "backup_unproven",
            {"reasons": problems},
        )
