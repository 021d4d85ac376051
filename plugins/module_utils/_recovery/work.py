"""How much work a recovery is: how its database is loaded, and how many bytes each of its steps handles. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .._backups.manifest import LOGICAL, PHYSICAL, Manifest
from .._backups.names import TABLESPACE
from .._backups.sets import BackupSet
from .._mariadb.server import ServerFacts
from .checks import database_bytes_needed
from .load_choice import DUMP_REASON, SKIPPED, Tables, choose_load

REPLAYED_REASON = "A private server imports the files of the set's tables, and what it then holds is loaded."


@dataclass(frozen=True)
class RecoveryWork:
    """What a recovery handles.

    Attributes:
        kind: How the database will be loaded, as far as can be told before: logical or physical.
        reason: A sentence that says why so.
        loaded_bytes: The length of the SQL, or the size of the tables' files.
        needed_bytes: What the loaded database needs in a data directory.
        files_bytes: The size of the files in the archives.
        replayed_bytes: The size of the binary logs that are replayed; None where none are.
    """

    kind: str
    reason: str
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

    Raises:
        LifeboatError: ``physical_unsupported`` when the set holds nothing that the server can load.
    """
    files_bytes = sum(archive["bytes"] for archive in backup.files.values())
    manifest = backup.manifest
    reason = DUMP_REASON
    if manifest is not None and PHYSICAL in manifest.kinds:
        tables = Tables(manifest.server.version, manifest.server.page_size_bytes)
        # A replay imports them into a private server. What replicas have to say is decided when it is loaded.
        kinds = manifest.kinds if replayed_bytes is None else {LOGICAL, *manifest.kinds}
        load = choose_load(kinds, tables, facts, can_place_files, SKIPPED)
        if load.kind == PHYSICAL or LOGICAL not in manifest.kinds:
            reason = load.reason if load.kind == PHYSICAL else REPLAYED_REASON
            size_bytes = tablespace_bytes(manifest)
            return RecoveryWork(PHYSICAL, reason, size_bytes, size_bytes, files_bytes, replayed_bytes)
        reason = load.reason
    sql_bytes = backup.sql_bytes or 0
    needed_bytes = database_bytes_needed(sql_bytes, backup.table_count or 0)
    return RecoveryWork(LOGICAL, reason, sql_bytes, needed_bytes, files_bytes, replayed_bytes)


def tablespace_bytes(manifest: Manifest) -> int:
    """Return the size of the tables of a physical set as files, unpacked."""
    plain = [file.size_bytes for file in manifest.files if file.kind == TABLESPACE]
    pages = sum(table.pages or 0 for table in manifest.tables)
    return sum(plain) or pages * manifest.server.page_size_bytes
