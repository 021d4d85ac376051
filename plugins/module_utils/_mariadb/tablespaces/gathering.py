"""Making a set out of files that a server or mariadb-backup left."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..._system.beneath import sync_file_system
from ..._system.digests import file_digests
from ..._system.errors import LifeboatError
from ..._system.files import make_private_folder
from ..._system.placing import Ownership, move_file
from ..server import ServerFacts
from .schema import Schema, TableDefinition
from .tablespace_set import EXTENSIONS, TableFiles, TablespaceFile, TablespaceSet

# How many files are read at once; more do not make a disk faster.
THREADS = min(4, os.cpu_count() or 1)


def gather_tablespaces(source: Path, folder: Path, database: str, schema: Schema, facts: ServerFacts) -> TablespaceSet:
    """Move the files of a database's tables into a folder of their own, hash them and wait until the disk has them.

    Args:
        source: The folder of the database, whose files nobody writes any more.
        folder: Where the files go; need not exist.
        database: The database.
        schema: What it holds.
        facts: The server that the files are from.

    Raises:
        LifeboatError: ``copy_failed`` when a table of the schema has no file there.
    """
    make_private_folder(folder)
    ownership = Ownership(os.geteuid(), os.getegid(), 0o600)
    names = {table.name: _file_names(table) for table in schema.tables}
    for table, files in names.items():
        for name in files:
            if not (source / name).exists():
                raise LifeboatError(
                    f"The copy of the database {database} lacks the file {name} of its table {table}. Run this again.",
                    "copy_failed",
                    {"table": table, "file": name},
                )
            move_file(source / name, folder / name, ownership)
    paths = [folder / name for files in names.values() for name in files]
    # The disk writes while the processors hash.
    with ThreadPoolExecutor(1) as beside:
        synced = beside.submit(_sync, folder)
        digests = dict(zip(paths, file_digests(paths, THREADS)))
        synced.result()
    return TablespaceSet(
        folder,
        database,
        schema,
        tuple(
            TableFiles(
                table.name,
                table.engine,
                tuple(_described(folder / name, digests[folder / name]) for name in names[table.name]),
            )
            for table in schema.tables
        ),
        facts.version,
        facts.page_size_bytes,
    )


def _file_names(table: TableDefinition) -> list[str]:
    return [f"{table.file_stem}{ending}" for ending in EXTENSIONS[table.engine]]


def _described(path: Path, sha256: str) -> TablespaceFile:
    return TablespaceFile(path.name, path.stat().st_size, sha256)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_file_system(descriptor)
    finally:
        os.close(descriptor)
