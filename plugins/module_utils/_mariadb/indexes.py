"""The indexes of tables, and which of them another one makes superfluous."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Callable

# Runs one statement with its arguments and returns the rows.
Query = Callable[..., list[tuple[Any, ...]]]

PRIMARY = "PRIMARY"
_BTREE = "BTREE"


@dataclass(frozen=True)
class IndexPart:
    """A column of an index; ``prefix_characters`` where only its beginning is indexed."""

    column: str
    prefix_characters: int | None = None

    def serves(self, other: IndexPart) -> bool:
        """Tell whether this part finds what another one finds."""
        if self.column != other.column:
            return False
        return self.prefix_characters is None or (
            other.prefix_characters is not None and other.prefix_characters <= self.prefix_characters
        )


@dataclass(frozen=True)
class Index:
    """One index of a table."""

    schema: str
    table: str
    name: str
    parts: tuple[IndexPart, ...]
    is_unique: bool = False
    kind: str = _BTREE
    is_ignored: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(part.column for part in self.parts)


@dataclass(frozen=True)
class RedundantIndex:
    """An index, and the one that makes it superfluous."""

    index: Index
    kept: Index


def read_indexes(query: Query, schema: str, table: str) -> list[Index]:
    """Read the indexes of one table; only that table is opened."""
    rows = query(
        "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART, NON_UNIQUE, INDEX_TYPE, IGNORED FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY INDEX_NAME, SEQ_IN_INDEX",
        (schema, table),
    )
    return [_index(schema, table, str(name), list(parts)) for name, parts in groupby(rows, key=lambda row: row[0])]


def read_indexes_of_schema(query: Query, schema: str) -> list[Index]:
    """Read the indexes of all tables of a schema; each of them is opened."""
    rows = query(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, NON_UNIQUE, INDEX_TYPE, IGNORED"
        " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        (schema,),
    )
    return [
        _index(schema, str(table), str(name), [row[1:] for row in parts])
        for (table, name), parts in groupby(rows, key=lambda row: row[:2])
    ]


def redundant_indexes(indexes: Iterable[Index]) -> list[RedundantIndex]:
    """Return the indexes of one table that begin another one, so that nothing is found slower without them.

    A UNIQUE index is a rule about the data and is never superfluous; neither is the primary key. InnoDB ends every
    index with the primary key, so that (a, name) says no more than (a). Ignored indexes serve nobody, and full text
    and spatial ones serve other searches.
    """
    usable = [index for index in indexes if index.kind == _BTREE and not index.is_ignored]
    primary = next((index.columns for index in usable if index.name == PRIMARY), ())
    found: list[RedundantIndex] = []
    gone: set[str] = set()
    # Of two that are the same, the one whose name comes last goes; else the longer one would go for the shorter.
    droppable = sorted((index for index in usable if not index.is_unique), key=lambda index: index.name, reverse=True)
    for index in sorted(droppable, key=lambda index: len(index.parts)):
        kept = next(
            (
                other
                for other in usable
                if other is not index and other.name not in gone and _serves(other, index, primary)
            ),
            None,
        )
        if kept is not None:
            gone.add(index.name)
            found.append(RedundantIndex(index, kept))
    return found


def _index(schema: str, table: str, name: str, rows: Sequence[tuple[Any, ...]]) -> Index:
    parts = tuple(IndexPart(str(row[1]), None if row[2] is None else int(row[2])) for row in rows)
    return Index(schema, table, name, parts, not rows[0][3], str(rows[0][4]), rows[0][5] == "YES")


def _serves(other: Index, index: Index, primary: tuple[str, ...]) -> bool:
    needed = _without_primary(index, primary)
    offered = other.parts if other.is_unique else _without_primary(other, primary)
    return len(needed) <= len(offered) and all(have.serves(want) for have, want in zip(offered, needed))


def _without_primary(index: Index, primary: tuple[str, ...]) -> tuple[IndexPart, ...]:
    length = len(primary)
    if length and index.columns[-length:] == primary and len(index.parts) > length:
        return index.parts[:-length]
    return index.parts
