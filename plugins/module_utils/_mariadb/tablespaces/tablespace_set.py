"""The files of all tables of a database, of one moment, with what is needed to import them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..._system.errors import LifeboatError
from ..._system.files import write_atomically
from .schema import Schema

DESCRIPTION_VERSION = 1
INNODB, MYISAM = "InnoDB", "MyISAM"
# The files of a table, by engine. The structure of a MyISAM table comes from its CREATE TABLE, as that of any other.
EXTENSIONS = {INNODB: (".ibd", ".cfg"), MYISAM: (".MYD", ".MYI")}


@dataclass(frozen=True)
class TablespaceFile:
    """A file in the folder of a set."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class TableFiles:
    """A table and its files: ``EXTENSIONS`` of its engine, each after the name that data directories give the table."""

    name: str
    engine: str
    files: tuple[TablespaceFile, ...]

    @property
    def size_bytes(self) -> int:
        """The size of its files."""
        return sum(file.size_bytes for file in self.files)

    def pages(self, page_size_bytes: int) -> int | None:
        """Return the number of pages of its tablespace; None for an engine without one."""
        return self.files[0].size_bytes // page_size_bytes if self.engine == INNODB else None


@dataclass(frozen=True)
class TablespaceSet:
    """The tables of a database as files.

    Attributes:
        folder: Where the files lie, one beside the other.
        database: The name of the database that they come from.
        schema: What creates it all.
        tables: Every table of the schema with its files, in the schema's order.
        server_version: Of the server that wrote the files: ``10.11.19-MariaDB-log``.
        page_size_bytes: Of that server's InnoDB.
    """

    folder: Path
    database: str
    schema: Schema
    tables: tuple[TableFiles, ...]
    server_version: str
    page_size_bytes: int

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(table.size_bytes for table in self.tables)

    def description(self) -> bytes:
        """Return all but the files themselves as JSON."""
        values = {
            "description_version": DESCRIPTION_VERSION,
            "database": self.database,
            "server_version": self.server_version,
            "page_size_bytes": self.page_size_bytes,
            "schema": self.schema.as_dict(),
            "tables": [asdict(table) for table in self.tables],
        }
        return json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n"

    def describe(self, path: Path) -> None:
        """Write ``description`` to a file, durably."""
        write_atomically(path, self.description())


def read_tablespace_set(description: bytes, folder: Path) -> TablespaceSet:
    """Return the set that ``TablespaceSet.description`` describes.

    Args:
        description: The content of the JSON file; it comes from a backup, so nothing of it is trusted.
        folder: Where the files lie now.

    Raises:
        LifeboatError: ``tablespaces_invalid`` when it cannot be understood, or names files that no table has.
    """
    try:
        values = json.loads(description)
        if values["description_version"] != DESCRIPTION_VERSION:
            raise ValueError(f"its description_version is {values['description_version']}, not {DESCRIPTION_VERSION}")
        schema = Schema.from_dict(values["schema"])
        tables = tuple(_table_files(table) for table in values["tables"])
        _check_files(schema, tables)
        return TablespaceSet(
            folder, values["database"], schema, tables, values["server_version"], int(values["page_size_bytes"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LifeboatError(
            f"Cannot use the tables in {folder}: their description cannot be understood ({error}). It was changed, or "
            "a newer release wrote it. Choose another set.",
            "tablespaces_invalid",
            {"folder": str(folder)},
        ) from error


def _table_files(values: Mapping[str, Any]) -> TableFiles:
    return TableFiles(values["name"], values["engine"], tuple(TablespaceFile(**file) for file in values["files"]))


def _check_files(schema: Schema, tables: tuple[TableFiles, ...]) -> None:
    wanted = [
        (table.name, table.engine, [f"{table.file_stem}{ending}" for ending in EXTENSIONS[table.engine]])
        for table in schema.tables
    ]
    found = [(table.name, table.engine, [file.name for file in table.files]) for table in tables]
    if wanted != found:
        raise ValueError("its files are not those of its tables")
    if any("/" in name or "\0" in name for _table, _engine, names in found for name in names):
        raise ValueError("a name of a file leads elsewhere")
