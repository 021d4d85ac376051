"""The statements that create what a database holds, as its server tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..connection import execute, fetch_all
from ..identifiers import quote_identifier

if TYPE_CHECKING:
    from pymysql.connections import Connection

_ENGINE = re.compile(r"^\) ENGINE=(\w+)", re.MULTILINE)
_FULLTEXT = re.compile(r"^\s+FULLTEXT KEY ", re.MULTILINE)
_COUNTER = re.compile(r"^(\) ENGINE=.*?) AUTO_INCREMENT=\d+", re.MULTILINE)
_SESSION = "SET SESSION sql_mode = '', sql_quote_show_create = 1"
# The server knows the names of its files; its way of writing letters beyond ASCII follows no simple rule.
_FILE_STEMS = (
    "SELECT TABLE_NAME, CAST(CONVERT(TABLE_NAME USING filename) AS BINARY) FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s"
)
# Names that Windows reserves get an ending on every system (check_if_legal_tablename in sql/sql_table.cc).
_RESERVED = re.compile(r"(?:con|aux|prn|nul|com[1-9]|lpt[1-9]|clock\$)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class TableDefinition:
    """A table and the statement that creates it, without the name of its database.

    Attributes:
        file_stem: What the data directory calls it: ``tabGL@0020Entry`` for ``tabGL Entry``.
    """

    name: str
    engine: str
    file_stem: str
    create: str

    @property
    def has_fulltext(self) -> bool:
        """Whether the table has a FULLTEXT index."""
        return _FULLTEXT.search(self.create) is not None


@dataclass(frozen=True)
class SequenceDefinition:
    """A sequence; ``next_value`` is one that it had not given out when it was read."""

    name: str
    create: str
    next_value: int


@dataclass(frozen=True)
class ViewDefinition:
    """A view, and the session under which it must be created, since it keeps it."""

    name: str
    create: str
    character_set: str
    collation: str


@dataclass(frozen=True)
class TriggerDefinition:
    """A trigger, and the session under which it must be created, since it keeps it."""

    name: str
    table: str
    create: str
    sql_mode: str
    character_set: str
    collation: str


@dataclass(frozen=True)
class Schema:
    """All that a database holds but rows, each kind sorted by name. Routines and events are left out, as bench does."""

    character_set: str
    collation: str
    tables: tuple[TableDefinition, ...]
    sequences: tuple[SequenceDefinition, ...]
    views: tuple[ViewDefinition, ...]
    triggers: tuple[TriggerDefinition, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Schema:
        """Read what ``as_dict`` returned; raises ``KeyError`` or ``TypeError`` on anything else."""
        return cls(
            values["character_set"],
            values["collation"],
            tuple(TableDefinition(**table) for table in values["tables"]),
            tuple(SequenceDefinition(**sequence) for sequence in values["sequences"]),
            tuple(ViewDefinition(**view) for view in values["views"]),
            tuple(TriggerDefinition(**trigger) for trigger in values["triggers"]),
        )

    def without_counters(self) -> Schema:
        """Return the schema without what every insert changes, to compare two of them."""
        return replace(
            self,
            tables=tuple(replace(table, create=_COUNTER.sub(r"\1", table.create)) for table in self.tables),
            sequences=tuple(replace(sequence, next_value=0) for sequence in self.sequences),
        )


def read_schema(connection: Connection[Any], database: str) -> Schema:
    """Read the schema of a database.

    Args:
        connection: Its default database is ``database``: names in views are told without it then.
        database: The database.
    """
    execute(connection, _SESSION)
    character_set, collation = fetch_all(
        connection,
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        " WHERE SCHEMA_NAME = %s",
        (database,),
    )[0]
    names: dict[str, list[str]] = {}
    for name, kind in fetch_all(connection, "SHOW FULL TABLES"):
        names.setdefault(kind, []).append(name)
    stems = {str(name): bytes(stem).decode() for name, stem in fetch_all(connection, _FILE_STEMS, (database,))}
    triggers = {str(row[0]): str(row[2]) for row in fetch_all(connection, "SHOW TRIGGERS")}
    return Schema(
        str(character_set),
        str(collation),
        tuple(
            _table(connection, name, stems[name])
            for name in sorted(names.get("BASE TABLE", []) + names.get("SYSTEM VERSIONED", []))
        ),
        tuple(_sequence(connection, name) for name in sorted(names.get("SEQUENCE", []))),
        tuple(_view(connection, name) for name in sorted(names.get("VIEW", []))),
        tuple(_trigger(connection, name, table) for name, table in sorted(triggers.items())),
    )


def database_directory(connection: Connection[Any], database: str) -> str:
    """Return what the data directory calls a database: ``my@002ddb`` for ``my-db``."""
    encoded = fetch_all(connection, "SELECT CAST(CONVERT(%s USING filename) AS BINARY)", (database,))[0][0]
    return _reserved_apart(database, bytes(encoded).decode())


def _reserved_apart(name: str, encoded: str) -> str:
    return f"{encoded}@@@" if _RESERVED.match(name) else encoded


def _table(connection: Connection[Any], name: str, stem: str) -> TableDefinition:
    create = str(fetch_all(connection, f"SHOW CREATE TABLE {quote_identifier(name)}")[0][1])
    engine = _ENGINE.search(create)
    return TableDefinition(name, engine[1] if engine else "", _reserved_apart(name, stem), create)


def _sequence(connection: Connection[Any], name: str) -> SequenceDefinition:
    create = fetch_all(connection, f"SHOW CREATE SEQUENCE {quote_identifier(name)}")[0][1]
    value = fetch_all(connection, f"SELECT next_not_cached_value FROM {quote_identifier(name)}")[0][0]  # noqa: S608
    return SequenceDefinition(name, str(create), int(value))


def _view(connection: Connection[Any], name: str) -> ViewDefinition:
    row = fetch_all(connection, f"SHOW CREATE VIEW {quote_identifier(name)}")[0]
    return ViewDefinition(name, str(row[1]), str(row[2]), str(row[3]))


def _trigger(connection: Connection[Any], name: str, table: str) -> TriggerDefinition:
    row = fetch_all(connection, f"SHOW CREATE TRIGGER {quote_identifier(name)}")[0]
    _name, mode, create, character_set, collation = (str(value) for value in row[:5])
    return TriggerDefinition(name, table, create, mode, character_set, collation)
