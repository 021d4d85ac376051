"""Which tables cannot be copied and imported file by file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..._system.errors import LifeboatError
from ..connection import fetch_all
from ..dump.masking import mask
from .schema import Schema, TableDefinition
from .tablespace_set import EXTENSIONS

if TYPE_CHECKING:
    from pymysql.connections import Connection

# What a CREATE TABLE says outside of names and texts, and why its files do not stand for themselves.
_OBSTACLES = (
    (re.compile(rb"^ ?PARTITION BY ", re.MULTILINE), "it is partitioned"),
    (re.compile(rb"^\) ENGINE=.* (?:DATA|INDEX) DIRECTORY=", re.MULTILINE), "its files lie outside of its database"),
    (re.compile(rb"^\) ENGINE=.* `?PAGE_COMPRESSED`?=", re.MULTILINE), "its pages are compressed with holes"),
    (re.compile(rb"^\) ENGINE=.* `?ENCRYPTED`?='___?'", re.MULTILINE), "it is encrypted"),
    (re.compile(rb"^\s+VECTOR KEY ", re.MULTILINE), "it has a vector index"),
)


def obstacle_of(table: TableDefinition) -> str:
    """Return why the files of a table cannot be copied and imported; "" when they can."""
    if table.engine not in EXTENSIONS:
        return f"its engine is {table.engine}"
    masked = mask(table.create.encode())
    return next((reason for pattern, reason in _OBSTACLES if pattern.search(masked)), "")


def encrypted_tables(connection: Connection[Any], directory: str) -> list[str]:
    """Return the tables of a database whose files are encrypted, as its data directory calls them.

    A table is encrypted also where only the server's default says so.
    """
    rows = fetch_all(
        connection,
        "SELECT NAME FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE ENCRYPTION_SCHEME <> 0",
    )
    return sorted(name for (name,) in rows if name and name.startswith(f"{directory}/"))


def check_support(database: str, schema: Schema, encrypted: list[str]) -> None:
    """Refuse a database with tables that cannot be copied and imported file by file.

    Raises:
        LifeboatError: ``physical_unsupported``, with the first of them and why.
    """
    reasons = {table.name: reason for table in schema.tables if (reason := obstacle_of(table))}
    reasons.update(dict.fromkeys(encrypted, "it is encrypted"))
    if not reasons:
        return
    name, reason = next(iter(reasons.items()))
    others = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    raise LifeboatError(
        f"Cannot copy the tables of the database {database} as files: {name} cannot be imported that way, since "
        f"{reason}{others}. Make logical sets of this site (kinds: logical), or change these tables.",
        "physical_unsupported",
        {"tables": reasons},
    )
