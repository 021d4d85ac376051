"""What a server says of the schema of one site, read with the site's own account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..._checks.index_advice import declared_columns, is_declared
from ..._mariadb.indexes import Index, Query, read_indexes_of_schema

BASE_TABLE = "BASE TABLE"
SEQUENCE = "SEQUENCE"
INNODB = "InnoDB"
# Where DocTypes declare their indexes.
DECLARING = {
    *(("tabDocField", "search_index"), ("tabDocField", "unique"), ("tabProperty Setter", "property")),
    *(("tabCustom Field", "search_index"), ("tabCustom Field", "unique")),
}


@dataclass(frozen=True)
class Table:
    """A table; rows and bytes are InnoDB's estimates."""

    name: str
    engine: str
    row_format: str
    collation: str
    rows: int
    data_bytes: int
    index_bytes: int

    @property
    def bytes(self) -> int:
        """What it takes with its indexes."""
        return self.data_bytes + self.index_bytes


@dataclass(frozen=True)
class Column:
    """A column; ``collation`` is empty where it holds no text."""

    table: str
    name: str
    collation: str


@dataclass(frozen=True)
class SchemaFacts:
    """The schema of a site.

    Attributes:
        database: The name of the database.
        collation: What its new tables get.
        tables: Its tables, by their names.
        sequences: The names of its sequences.
        columns: All columns of its tables.
        indexes: All indexes of its tables.
        foreign: Table and column with which a foreign key begins, on either of its sides.
        declared: Table and column of each index that a DocType, a Custom Field or a Property Setter declares; None
            where the site has not the tables that say so.
    """

    database: str
    collation: str
    tables: dict[str, Table]
    sequences: tuple[str, ...]
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    foreign: frozenset[tuple[str, str]] = frozenset()
    declared: frozenset[tuple[str, str]] | None = frozenset()

    def declares(self, index: Index) -> bool:
        """Tell whether Frappe would make an index again; where that is not known, it might."""
        return self.declared is None or is_declared(index, self.declared)

    @cached_property
    def _indexes_by_table(self) -> dict[str, list[Index]]:
        found: dict[str, list[Index]] = {}
        for index in self.indexes:
            found.setdefault(index.table, []).append(index)
        return found

    def indexes_of(self, table: str) -> list[Index]:
        """Return the indexes of one table."""
        return self._indexes_by_table.get(table, [])

    def index(self, table: str, name: str) -> Index | None:
        """Return one index, or None where there is none of that name."""
        return next((index for index in self.indexes_of(table) if index.name == name), None)

    def bytes_of(self, index: Index) -> int:
        """Return about what a secondary index takes: its share of what those of its table take together."""
        secondary = len(self.indexes_of(index.table)) - 1
        return self.tables[index.table].index_bytes // max(secondary, 1)


def read_facts(query: Query, database: str) -> SchemaFacts:
    """Read the schema of a site; each table is opened once.

    Args:
        query: Runs a statement in the site's database.
        database: Its name.
    """
    ((collation,),) = query(
        "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
    )
    rows = query(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, TABLE_COLLATION, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH"
        " FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME",
        (database,),
    )
    tables = {str(row[0]): _table(row) for row in rows if row[1] == BASE_TABLE}
    columns = query(
        "SELECT TABLE_NAME, COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
        " ORDER BY TABLE_NAME, ORDINAL_POSITION",
        (database,),
    )
    known = {(str(table), str(name)) for table, name, _kind in columns}
    return SchemaFacts(
        database=database,
        collation=str(collation),
        tables=tables,
        sequences=tuple(str(row[0]) for row in rows if row[1] == SEQUENCE),
        columns=tuple(
            Column(str(table), str(name), str(kind or "")) for table, name, kind in columns if table in tables
        ),
        indexes=tuple(index for index in read_indexes_of_schema(query, database) if index.table in tables),
        foreign=_first_foreign_columns(query, database),
        declared=frozenset(declared_columns(query, database)) if known >= DECLARING else None,
    )


def _table(row: Sequence[object]) -> Table:
    name, _kind, engine, row_format, collation = (str(value or "") for value in row[:5])
    rows, data_bytes, index_bytes = (int(str(value or 0)) for value in row[5:])
    return Table(name, engine, row_format, collation, rows, data_bytes, index_bytes)


def _first_foreign_columns(query: Query, database: str) -> frozenset[tuple[str, str]]:
    rows = query(
        "SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
        " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME IS NOT NULL"
        " AND ORDINAL_POSITION = 1",
        (database,),
    )
    return frozenset((str(table), str(column)) for row in rows for table, column in (row[:2], row[2:]))
