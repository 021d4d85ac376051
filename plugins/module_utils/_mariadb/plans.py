"""Asking a server how it would run a statement, and about the tables of it; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .connection import LoginOptions, connect, execute, server_errors
from .digest.candidates import TableFacts
from .digest.plan import Plan, parse_plan
from .identifiers import quote_identifier
from .indexes import Query, read_indexes

if TYPE_CHECKING:
    from pymysql.connections import Connection

# So many rows tell well enough how often a value repeats.
SAMPLE_ROWS = 2000


@contextmanager
def plan_connection(login: LoginOptions, schema: str, timeout_seconds: float) -> Iterator[Connection[Any]]:
    """Yield a connection in a schema, in a transaction that can only read, each statement within a time limit.

    Raises:
        LifeboatError: ``mariadb_unreachable``, ``mariadb_access_denied``, or as ``server_errors`` does.
    """
    connection = connect(login, schema, read_timeout=int(timeout_seconds) + 1)
    try:
        with server_errors("ask how a statement is run"):
            execute(connection, f"SET SESSION max_statement_time = {timeout_seconds:g}, lock_wait_timeout = 1")
            execute(connection, "START TRANSACTION READ ONLY")
            yield connection
    finally:
        connection.close()


def explain(connection: Connection[Any], select: str) -> Plan:
    """Return the plan of one SELECT, without running it.

    Args:
        connection: One of ``plan_connection``.
        select: A statement for which ``is_plain_select`` is true. ``ANALYZE`` is never used: it would execute it.
    """
    with connection.cursor() as cursor:
        # Not through the driver's formatting: the text may hold percent signs.
        cursor.execute("EXPLAIN FORMAT=JSON " + select.rstrip().rstrip(";"))
        row = cursor.fetchone()
    return parse_plan(str(row[0]) if row else "{}")


def read_table_facts(query: Query, schema: str, table: str) -> TableFacts | None:
    """Return what is known of a table, or None where it is no base table; only that table is opened."""
    rows = query(
        "SELECT TABLE_ROWS FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND TABLE_TYPE = 'BASE TABLE'",
        (schema, table),
    )
    if not rows:
        return None
    columns = query(
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        (schema, table),
    )
    types = {str(name): str(data_type) for name, data_type in columns}
    return TableFacts(int(rows[0][0] or 0), types, read_indexes(query, schema, table))


def fetched_share(query: Query, schema: str, table: str, column: str) -> float:
    """Estimate from a sample which share of a table a lookup by one value of a column fetches: 1 / distinct values."""
    name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
    sample = f"SELECT {quote_identifier(column)} AS sampled FROM {name} LIMIT {SAMPLE_ROWS}"  # noqa: S608
    rows = query(f"SELECT COUNT(DISTINCT sampled) FROM ({sample}) AS sample")  # noqa: S608
    return 1 / max(int(rows[0][0]), 1)
