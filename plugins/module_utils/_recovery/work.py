"""How much work a recovery is: how its database is loaded, and how many bytes each of its steps handles. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .._backups.manifest import LOGICAL, PHYSICAL, Manifest
from .._backups.names import TABLESPACE
from .._backups.sets import BackupSet
from .._mariadb.server import ServerFacts
from .checks import database_bytes_needed
from .load_choice import SKIPPED, Tables, choose_load


@dataclass(frozen=True)
class RecoveryWork:
    """What a recovery handles.

    Attributes:
        kind: How the database will be loaded, as far as can be told before: logical or physical.
        loaded_bytes: The length of the SQL, or the size of the tables' files.
        needed_bytes: What the loaded database needs in a data directory.
        files_bytes: The size of the files in the archives.
        replayed_bytes: The size of the binary logs that are replayed; None where none are.
    """

    kind: str
    loaded_bytes: int
    needed_bytes: int
    files_bytes: int
    replayed_bytes: int | None


def recovery_work(
    backup: BackupSet, facts: ServerFacts, can_place_files: bool, replayed_bytes: int | None
) -> RecoveryWork:
    """Return the work of a recovery from a set.

    Args:
        backup: The set, verified.
        facts: The server to load into.
        can_place_files: Whether this account may put files into its data directory.
        replayed_bytes: The size of the binary logs that are replayed; None where none are.
    """
    files_bytes = sum(archive["bytes"] for archive in backup.files.values())
    manifest = backup.manifest
    if manifest is not None and PHYSICAL in manifest.kinds:
        tables = Tables(manifest.server.version, manifest.server.page_size_bytes)
        # What replicas have to say is decided when it is loaded.
        load = choose_load({LOGICAL, *manifest.kinds}, tables, facts, can_place_files, SKIPPED)
        if load.kind == PHYSICAL or LOGICAL not in manifest.kinds:
            size_bytes = tablespace_bytes(manifest)
            return RecoveryWork(PHYSICAL, size_bytes, size_bytes, files_bytes, replayed_bytes)
    sql_bytes = backup.sql_bytes or 0
    needed_bytes = database_bytes_needed(sql_bytes, backup.table_count or 0)
    return RecoveryWork(LOGICAL, sql_bytes, needed_bytes, files_bytes, replayed_bytes)


def tablespace_bytes(manifest: Manifest) -> int:
    """Return the size of the tables of a physical set as files, unpacked."""
    plain = [file.size_bytes for file in manifest.files if file.kind == TABLESPACE]
    pages = sum(table.pages or 0 for table in manifest.tables)
    return sum(plain) or pages * manifest.server.page_size_bytes
