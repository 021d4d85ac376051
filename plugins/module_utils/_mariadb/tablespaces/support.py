"""Which tables cannot be copied and imported file by file."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ..._system.errors import LifeboatError
from ..connection import fetch_all
from .schema import Schema, TableDefinition
from .tablespace_set import EXTENSIONS

if TYPE_CHECKING:
    from pymysql.connections import Connection

_COMMENT = re.compile(r" COMMENT='(?:[^'\\]|\\.|'')*'")
# What a CREATE TABLE says in lines of its own, and why the files of the table do not stand for themselves.
_OBSTACLES = (
    (re.compile(r"^ ?PARTITION BY ", re.MULTILINE), "it is partitioned"),
    (re.compile(r"^\) ENGINE=.* (?:DATA|INDEX) DIRECTORY=", re.MULTILINE), "its files lie outside of its database"),
    (re.compile(r"^\) ENGINE=.* `?page_compressed`?=", re.MULTILINE | re.IGNORECASE), "its pages are compressed"),
    (re.compile(r"^  VECTOR KEY ", re.MULTILINE), "it has a vector index"),
)


def encrypted_files(connection: Connection[Any], directory: str) -> frozenset[str]:
    """Return the files of a database that are encrypted, without their endings.

    Only the server knows: its settings encrypt tables that do not say so.

    Args:
        connection: An administrator.
        directory: What the data directory calls the database.
    """
    rows = fetch_all(
        connection, "SELECT NAME FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE ENCRYPTION_SCHEME <> 0"
    )
    names = [str(name).partition("/") for (name,) in rows]
    return frozenset(file for folder, _slash, file in names if folder == directory)


def check_support(database: str, schema: Schema, encrypted: Collection[str]) -> None:
    """Refuse a database with tables that cannot be copied and imported file by file.

    Args:
        database: The database.
        schema: What it holds.
        encrypted: What ``encrypted_files`` returned.

    Raises:
        LifeboatError: ``physical_unsupported``, with the first of them and why, and all of them in its details.
    """
    reasons = {table.name: reason for table in schema.tables if (reason := _obstacle(table, encrypted))}
    if not reasons:
        return
    name, reason = next(iter(reasons.items()))
    others = f" ({len(reasons) - 1} more tables as well)" if len(reasons) > 1 else ""
    raise LifeboatError(
        f"Cannot take the tables of the database {database} as files: {name} cannot be imported that way, since "
        f"{reason}{others}. Make logical sets of this site, or change these tables.",
        "physical_unsupported",
        {"tables": reasons},
    )


def _obstacle(table: TableDefinition, encrypted: Collection[str]) -> str:
    """Return why the files of a table cannot be copied and imported; "" when they can."""
    if table.engine not in EXTENSIONS:
        return f"its engine is {table.engine or 'unknown'}"
    create = _COMMENT.sub("", table.create)
    for pattern, reason in _OBSTACLES:
        if pattern.search(create):
            return reason
    return "it is encrypted" if table.file_stem in encrypted else ""
