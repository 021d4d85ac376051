"""Tables and columns that are not as Frappe makes them, and the statement that would mend each. Pure.

Nothing here is applied: most of these statements rewrite the table and keep writers waiting meanwhile.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..._checks.subjects.mariadb_schema import BINARY_COLLATION, EXPECTED_COLLATION, MYISAM_TABLES, UTF8MB3_TABLES
from ..._mariadb.identifiers import quote_identifier
from ..._system.quantities import bytes_text
from .definitions import Definitions
from .facts import INNODB, Column, SchemaFacts, Table
from .statements import altering

ROW_FORMAT = "Dynamic"
FULLTEXT = "FULLTEXT"
CHARSET = EXPECTED_COLLATION.partition("_")[0]
_WANTED = f"CHARACTER SET {CHARSET} COLLATE {EXPECTED_COLLATION}"
_OWN_CHARSET = re.compile(r"( CHARACTER SET \w+)?( COLLATE \w+)?(?= |$)")
_COLUMN_TYPE = re.compile(r"\w+(\((?:'(?:[^']|'')*'|[^)'])*\))?")
# What a statement does to the site while it runs.
ONLINE = "readers and writers go on, but for a moment at its beginning and its end"
WRITERS_WAIT = "it rewrites the table, and whoever writes to it waits for that long"
AT_ONCE = "it changes no row and takes a moment"


@dataclass(frozen=True)
class Drift:
    """One thing that is not as Frappe makes it.

    Attributes:
        kind: ``engine``, ``row_format``, ``table_collation``, ``column_collation`` or ``database_collation``.
        table: The table; empty where the database is meant.
        column: The column; empty where the whole table is meant.
        found: What it is.
        wanted: What Frappe makes it.
        differs_from: Of ``frappe``, ``database``, ``peers`` and ``table``, those that it differs from.
        statement: What would mend it.
        bytes: What that statement has to rewrite.
        cost: What it does to the site meanwhile.
    """

    kind: str
    table: str
    column: str
    found: str
    wanted: str
    differs_from: tuple[str, ...]
    statement: str
    bytes: int
    cost: str

    @property
    def is_online(self) -> bool:
        """Whether nobody waits longer than a moment."""
        return self.cost != WRITERS_WAIT

    @property
    def text(self) -> str:
        """Say it in one line."""
        what = ".".join(filter(None, [self.table, self.column])) or "the database"
        room = f", {bytes_text(self.bytes)}" if self.bytes else ""
        return f"{what} is {self.found}, not {self.wanted} ({self.cost}{room}): {self.statement}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**vars(self), "differs_from": list(self.differs_from), "is_online": self.is_online}


def find_drift(facts: SchemaFacts, definitions: Definitions) -> list[Drift]:
    """Return what is not as Frappe makes it, the database first, then table by table.

    Args:
        facts: The schema.
        definitions: How tables define their columns, which statements have to repeat.
    """
    peers = _most_frequent(table.collation for table in facts.tables.values())
    found = list(_database_drift(facts))
    by_table: dict[str, list[Column]] = {name: [] for name in facts.tables}
    for column in facts.columns:
        by_table[column.table].append(column)
    for table in facts.tables.values():
        has_fulltext = any(index.kind == FULLTEXT for index in facts.indexes_of(table.name))
        found += _storage_drift(table, has_fulltext)
        if table.name not in UTF8MB3_TABLES:
            found += _collation_drift(table, by_table[table.name], facts.collation, peers, definitions)
    return found


def _most_frequent(collations: Iterable[str]) -> str:
    return max(Counter(collations).items(), key=lambda item: item[1], default=("", 0))[0]


def _database_drift(facts: SchemaFacts) -> Iterator[Drift]:
    if facts.collation != EXPECTED_COLLATION:
        statement = f"ALTER DATABASE {quote_identifier(facts.database)} {_WANTED};"
        yield Drift(
            "database_collation", "", "", facts.collation, EXPECTED_COLLATION, ("frappe",), statement, 0, AT_ONCE
        )


def _storage_drift(table: Table, has_fulltext: bool) -> Iterator[Drift]:
    if table.engine != INNODB:
        if table.name not in MYISAM_TABLES:
            statement = altering(table.name, "ENGINE=InnoDB, ROW_FORMAT=DYNAMIC, ALGORITHM=COPY, LOCK=SHARED")
            yield Drift(
                "engine", table.name, "", table.engine, INNODB, ("frappe",), statement, table.bytes, WRITERS_WAIT
            )
    elif table.row_format != ROW_FORMAT:
        # InnoDB cannot let writers go on while it rewrites a full text index.
        lock, cost = ("SHARED", WRITERS_WAIT) if has_fulltext else ("NONE", ONLINE)
        statement = altering(table.name, f"ROW_FORMAT=DYNAMIC, ALGORITHM=INPLACE, LOCK={lock}")
        yield Drift(
            "row_format", table.name, "", table.row_format, ROW_FORMAT, ("frappe",), statement, table.bytes, cost
        )


def _collation_drift(
    table: Table, columns: list[Column], database: str, peers: str, definitions: Definitions
) -> Iterator[Drift]:
    wrong = [column for column in columns if column.collation not in ("", EXPECTED_COLLATION, BINARY_COLLATION)]
    has_binary = any(column.collation == BINARY_COLLATION for column in columns)
    has_wrong_default = table.collation != EXPECTED_COLLATION
    # The whole table at once costs one rewriting; it would take the binary columns (JSON) along, though.
    convert = has_wrong_default and bool(wrong) and not has_binary
    if has_wrong_default:
        names = (("frappe", EXPECTED_COLLATION), ("database", database), ("peers", peers))
        differs_from = tuple(name for name, collation in names if collation != table.collation)
        change, size_bytes, cost = f"DEFAULT {_WANTED}, ALGORITHM=INPLACE, LOCK=NONE", 0, AT_ONCE
        if convert:
            change = f"CONVERT TO {_WANTED}, ALGORITHM=COPY, LOCK=SHARED"
            size_bytes, cost = table.bytes, WRITERS_WAIT
        statement = altering(table.name, change)
        yield Drift(
            *("table_collation", table.name, "", table.collation, EXPECTED_COLLATION),
            *(differs_from, statement, size_bytes, cost),
        )
    for column in [] if convert else wrong:
        differs_from = ("frappe", *(("table",) if column.collation != table.collation else ()))
        mended = _mended(definitions.column(table.name, column.name))
        change = f"MODIFY {quote_identifier(column.name)} {mended}, ALGORITHM=COPY, LOCK=SHARED"
        yield Drift(
            *("column_collation", table.name, column.name, column.collation, EXPECTED_COLLATION),
            *(differs_from, altering(table.name, change), table.bytes, WRITERS_WAIT),
        )


def _mended(definition: str) -> str:
    """Return a column's definition with the character set and the collation that Frappe gives it."""
    end = match.end() if (match := _COLUMN_TYPE.match(definition)) else 0
    rest = _OWN_CHARSET.sub("", definition[end:], count=1)
    return f"{definition[:end]} {_WANTED}{rest}"
