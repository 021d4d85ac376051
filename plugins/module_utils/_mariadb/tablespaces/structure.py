"""What a database is made of, read twice to see whether a copy is of one structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..connection import DRIVER_ERRORS, fetch_all
from .schema import Schema, read_schema

if TYPE_CHECKING:
    from pymysql.connections import Connection

ERROR_NO_SUCH_TABLE = 1146


@dataclass(frozen=True)
class Structure:
    """What a database is made of: it changes with every statement that creates, alters, drops or empties a table."""

    schema: Schema
    tablespaces: frozenset[tuple[str, int, int]]

    def changed_since(self, earlier: Structure) -> list[str]:
        """Return the names of what changed: of tables, sequences, views, triggers, and of files."""
        before, now = (
            {
                *structure.tablespaces,
                *(
                    definition
                    for kind in ("tables", "sequences", "views", "triggers")
                    for definition in getattr(structure.schema.without_counters(), kind)
                ),
            }
            for structure in (earlier, self)
        )
        return sorted({item[0] if isinstance(item, tuple) else item.name for item in before ^ now})


def read_structure(connection: Connection[Any], database: str, directory: str) -> Structure:
    """Read the structure of a database.

    Args:
        connection: Its default database is ``database``.
        database: The database.
        directory: What the data directory calls it.
    """
    try:
        return Structure(read_schema(connection, database), _tablespaces(connection, directory))
    except DRIVER_ERRORS as error:
        # A table was dropped after the list of tables was read.
        if error.args[0] != ERROR_NO_SUCH_TABLE:
            raise
        return read_structure(connection, database, directory)


def _tablespaces(connection: Connection[Any], directory: str) -> frozenset[tuple[str, int, int]]:
    """Return the files of InnoDB's tables with their ids, which are new where the file is; none of a FULLTEXT index."""
    rows = fetch_all(
        connection,
        "SELECT NAME, TABLE_ID, SPACE FROM information_schema.INNODB_SYS_TABLES WHERE LEFT(NAME, CHAR_LENGTH(%s)) = %s",
        (f"{directory}/", f"{directory}/"),
    )
    return frozenset(
        (str(name), int(table_id), int(space)) for name, table_id, space in rows if "/FTS_" not in str(name)
    )
