"""The physical part of a set: the tables of the database as files, of one moment, ready to be imported."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, cast

from ..._mariadb.connection import LoginOptions
from ..._mariadb.tablespaces.copy import DatabaseCopy, copy_database
from ..._mariadb.tablespaces.tablespace_set import TablespaceFile, TablespaceSet
from ..._system.children import bound_command, find_program
from ..manifest import ManifestFile, ManifestTable
from ..names import SCHEMA, TABLESPACE, TABLESPACES
from .files_archive import COPY_BYTES, ArchiveSink
from .filters import Write, through
from .set_writer import SetWriter

FOLDER_NAME = "tablespaces"
# Measured on 2 GB of InnoDB: level 1 leaves a quarter, at three times the speed of level 3 and for 5 % more bytes.
ZSTD_LEVEL = "-1"


@dataclass(frozen=True)
class TablespaceForm:
    """How the files of tables are kept: one by one, or in an archive, which may be compressed."""

    archived: bool = False
    compressed: bool = False


def tablespace_form(compress: bool, encrypted: bool) -> TablespaceForm:
    """Return the form: an archive where files are compressed or encrypted; what is encrypted is compressed if possible.

    Args:
        compress: Compression was asked for.
        encrypted: The set is encrypted.

    Raises:
        LifeboatError: ``command_missing`` when zstd was asked for and is not there.
    """
    if compress:
        find_program("zstd", "zstd")
    return TablespaceForm(compress or encrypted, compress or (encrypted and shutil.which("zstd") is not None))


def copy_tables(writer: SetWriter, login: LoginOptions, database: str, watch: Callable[[], None]) -> DatabaseCopy:
    """Copy the tables of the live database into the set, one file after the other."""
    return copy_database(login, database, writer.folder / FOLDER_NAME, watch=watch)


def manifest_tables(tablespaces: TablespaceSet) -> tuple[ManifestTable, ...]:
    """Return what the manifest says of the tables."""
    page_size = tablespaces.page_size_bytes
    return tuple(ManifestTable(table.name, table.engine, pages=table.pages(page_size)) for table in tablespaces.tables)


def keep_tables(
    writer: SetWriter, tablespaces: TablespaceSet, form: TablespaceForm, on_bytes: Callable[[int], None]
) -> None:
    """Make the copied files those of the set: as they are, or in an archive in place of them, with their description.

    Args:
        writer: The set, in whose folder they are.
        tablespaces: The tables.
        form: How they are kept.
        on_bytes: Is told the bytes of each part that went into the archive.
    """
    with writer.artifact(SCHEMA, "schema", ".json") as artifact:
        artifact.write(tablespaces.description())
    files = [file for table in tablespaces.tables for file in table.files]
    if not form.archived:
        writer.add(
            ManifestFile(f"{FOLDER_NAME}/{file.name}", TABLESPACE, file.size_bytes, file.sha256) for file in files
        )
        for file in files:
            _forget(tablespaces.folder / file.name)
        return
    extension = ".tar.zst" if form.compressed else ".tar"
    with (
        writer.artifact(TABLESPACES, "tablespaces", extension) as artifact,
        _compressing(form, artifact.write) as write,
    ):
        _write_archive(tablespaces.folder, files, write, on_bytes)
    shutil.rmtree(tablespaces.folder)


@contextmanager
def _compressing(form: TablespaceForm, write: Write) -> Iterator[Write]:
    with ExitStack() as stack:
        if form.compressed:
            command = [find_program("zstd", "zstd"), ZSTD_LEVEL, f"-T{os.cpu_count() or 1}", "--quiet", "--stdout"]
            write = stack.enter_context(through(bound_command(command), write))
        yield write


def _write_archive(folder: Path, files: list[TablespaceFile], write: Write, on_bytes: Callable[[int], None]) -> None:
    sink = cast(BinaryIO, ArchiveSink(write))
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.GNU_FORMAT, bufsize=COPY_BYTES) as archive:
        for file in files:
            header = tarfile.TarInfo(file.name)
            header.size, header.mode = file.size_bytes, 0o600
            with (folder / file.name).open("rb") as stream:
                archive.addfile(header, stream)
            on_bytes(file.size_bytes)


def _forget(path: Path) -> None:
    """Drop a file from the memory of the system: who reads it again reads what is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
