"""The schema of a site as a test wants it: a few tables, columns and indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.facts import (
    Column,
    SchemaFacts,
    Table,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import Entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.usage import Counters, Watch
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.indexes import Index, IndexPart

UTF8MB4 = "utf8mb4_unicode_ci"
DATABASE = "_erp"
TODO = "tabToDo"
# A first of March, at noon UTC.
NOW = 1_772_366_400.0
DAY_SECONDS = 86400.0


def table(name: str = TODO, **values: Any) -> Table:
    """Return a table as Frappe makes it."""
    found: dict[str, Any] = {
        "engine": "InnoDB",
        "row_format": "Dynamic",
        "collation": UTF8MB4,
        "rows": 1000,
        "data_bytes": 65536,
        "index_bytes": 32768,
    }
    return Table(name=name, **{**found, **values})


def column(name: str, collation: str = UTF8MB4, of: str = TODO) -> Column:
    """Return a column of text."""
    return Column(of, name, collation)


def index(name: str, *columns: str, of: str = TODO, **values: Any) -> Index:
    """Return an index on some columns, of its own name without any."""
    return Index(DATABASE, of, name, tuple(map(IndexPart, columns or (name,))), **values)


def facts(
    tables: Iterable[Table] = (), columns: Iterable[Column] = (), indexes: Iterable[Index] = (), **values: Any
) -> SchemaFacts:
    """Return a schema; without tables it has the one of things to do."""
    found = {each.name: each for each in tables} or {TODO: table()}
    given: dict[str, Any] = {"database": DATABASE, "collation": UTF8MB4, "sequences": (), **values}
    return SchemaFacts(tables=found, columns=tuple(columns), indexes=tuple(indexes), **given)


def counters(**values: Any) -> Counters:
    """Return what a server has counted in a hundred days."""
    found: dict[str, Any] = {
        "source": "userstat",
        "at": NOW,
        "uptime_seconds": 100 * DAY_SECONDS,
        "statements": 0,
        "rows_read": {},
        "index_rows": {},
    }
    return Counters(**{**found, **values})


def watch(days: float = 40, **values: Any) -> Watch:
    """Return a watch that has lasted so long."""
    return Watch(**{"since": NOW - days * DAY_SECONDS, "last": counters(), **values})


def entry(name: str = "plain", **values: Any) -> Entry:
    """Return an index that went to quarantine three days ago."""
    found: dict[str, Any] = {
        "table": TODO,
        "index": name,
        "database": DATABASE,
        "phase": "ignored",
        "reason": "asked for",
        "kept": "",
        "create_statement": "ALTER TABLE ...",
        "since": NOW - 3 * DAY_SECONDS,
        "until": NOW + 32 * DAY_SECONDS,
        "watch": watch().since,
        "rows": 0,
        "statements": 0,
        "rows_per_statement": 1.0,
    }
    return Entry(**{**found, **values})
