"""Proof by another way than the collection's: every row and every file, compared one by one."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier

from .mariadb import MariaDBServer

if TYPE_CHECKING:
    from pymysql.connections import Connection


@dataclass(frozen=True)
class Comparison:
    """What one database has and another has not.

    Attributes:
        tables: How many tables the first has.
        rows: How many rows the first has.
        missing: Rows of the first that the second lacks, by table.
        extra: Rows of the second that the first lacks, by table.
    """

    tables: int
    rows: int
    missing: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    extra: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)


def load_reference(server: MariaDBServer, dump: Path, database: str) -> None:
    """Load a dump into a new database with MariaDB's own client: a second opinion, not the collection's loader."""
    options = [f"--defaults-file={server.option_file}"]
    client = ["mariadb", *options]
    create = f"CREATE DATABASE {quote_identifier(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    subprocess.run([*client, "-e", create], check=True)
    with subprocess.Popen([*client, database], stdin=subprocess.PIPE) as process, gzip.open(dump) as stream:
        assert process.stdin is not None
        shutil.copyfileobj(stream, process.stdin, 1 << 20)
    if process.returncode:
        raise RuntimeError(f"the client ended with exit code {process.returncode}")


def compare_databases(connection: Connection[Any], first: str, second: str) -> Comparison:
    """Compare two databases of one server row by row, sequences included; tables of the second alone are extra."""
    first_tables, second_tables = _tables(connection, first), _tables(connection, second)
    missing, extra, rows = {}, {}, 0
    for table in sorted(first_tables | second_tables):
        expected = _rows(connection, first, table) if table in first_tables else Counter()
        found = _rows(connection, second, table) if table in second_tables else Counter()
        rows += expected.total()
        if expected - found:
            missing[table] = list((expected - found).elements())
        if found - expected:
            extra[table] = list((found - expected).elements())
    return Comparison(len(first_tables), rows, missing, extra)


def file_digests(site_path: Path) -> dict[str, str]:
    """Return the SHA-256 of every public and private file by its path within the site."""
    return {
        str(path.relative_to(site_path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("public/files", "private/files")
        for path in sorted((site_path / folder).rglob("*"))
        if path.is_file()
    }


def _tables(connection: Connection[Any], database: str) -> set[str]:
    return {str(row[0]) for row in fetch_all(connection, f"SHOW TABLES FROM {quote_identifier(database)}")}


def _rows(connection: Connection[Any], database: str, table: str) -> Counter[tuple[Any, ...]]:
    execute(connection, "SET time_zone = '+00:00'")
    return Counter(
        fetch_all(connection, f"SELECT * FROM {quote_identifier(database)}.{quote_identifier(table)}")  # every column
    )
