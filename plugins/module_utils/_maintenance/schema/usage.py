"""How tables and indexes are used, as the server counts it, from run to run.

MariaDB counts rows that are read, by table and by index, where ``userstat`` or the performance schema is on. What this
collection itself reads between the beginning and the end of a run is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._mariadb.connection import DRIVER_ERRORS
from ..._mariadb.indexes import Query

USERSTAT = "userstat"
PERFORMANCE_SCHEMA = "performance_schema"
# Without them the server counts nothing, and nobody can say what an index is worth.
HOW_TO_COUNT = (
    "SET GLOBAL userstat = ON; as an administrator, and userstat = ON in the server's option file (it costs a few per "
    "cent of a processor)"
)
# The statements that read tables; any account may ask for these counters of the whole server.
_STATEMENTS = (
    "SHOW GLOBAL STATUS WHERE Variable_name IN"
    " ('Com_select', 'Com_update', 'Com_delete', 'Com_update_multi', 'Com_delete_multi', 'Com_insert_select')"
)
ERROR_TABLE_DENIED = 1142

IndexKey = tuple[str, str]


@dataclass(frozen=True)
class Counters:
    """What the server has counted, since it was started or the counting began.

    Attributes:
        source: ``userstat`` or ``performance_schema``.
        at: When that was, in seconds since the epoch.
        uptime_seconds: For how long the server had been running.
        statements: How many statements it ran that read tables, of whichever site.
        rows_read: The rows that were read, by table.
        index_rows: The rows that were read by an index, by table and index.
    """

    source: str
    at: float
    uptime_seconds: float
    statements: int
    rows_read: Mapping[str, int]
    index_rows: Mapping[IndexKey, int]


@dataclass(frozen=True)
class Watch:
    """What was counted since a watch began, over any number of runs and restarts of the server.

    Attributes:
        since: When it began, in seconds since the epoch; it also tells one watch from another.
        statements: How many statements ran.
        rows_read: The rows that were read, by table.
        used: The indexes that were used, as table and index.
        last: The counters as the last run left them.
    """

    since: float
    last: Counters
    statements: int = 0
    rows_read: Mapping[str, int] = field(default_factory=dict)
    used: frozenset[IndexKey] = frozenset()

    def rows_per_statement(self, table: str) -> float:
        """Return how many rows of a table were read for each statement of the server."""
        return self.rows_read.get(table, 0) / max(self.statements, 1)


def read_counters(query: Query, database: str, now: float) -> Counters | None:
    """Read what the server counts for the tables of a database; None where it counts nothing that may be seen.

    Args:
        query: Runs a statement with the site's own account.
        database: The database.
        now: Seconds since the epoch.
    """
    variables = {
        str(name).lower(): str(value).upper()
        for name, value in query("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('userstat', 'performance_schema')")
    }
    if variables.get(USERSTAT) == "ON":
        return _counters(
            USERSTAT,
            query,
            now,
            query(
                "SELECT TABLE_NAME, ROWS_READ FROM information_schema.TABLE_STATISTICS WHERE TABLE_SCHEMA = %s",
                (database,),
            ),
            query(
                "SELECT TABLE_NAME, INDEX_NAME, ROWS_READ FROM information_schema.INDEX_STATISTICS"
                " WHERE TABLE_SCHEMA = %s",
                (database,),
            ),
        )
    if variables.get(PERFORMANCE_SCHEMA) != "ON":
        return None
    try:
        return _counters(
            PERFORMANCE_SCHEMA,
            query,
            now,
            query(
                "SELECT OBJECT_NAME, COUNT_FETCH FROM performance_schema.table_io_waits_summary_by_table"
                " WHERE OBJECT_SCHEMA = %s",
                (database,),
            ),
            query(
                "SELECT OBJECT_NAME, INDEX_NAME, COUNT_FETCH"
                " FROM performance_schema.table_io_waits_summary_by_index_usage"
                " WHERE OBJECT_SCHEMA = %s AND INDEX_NAME IS NOT NULL",
                (database,),
            ),
        )
    except DRIVER_ERRORS as error:
        if error.args[0] != ERROR_TABLE_DENIED:
            raise
        return None


def _counters(
    source: str, query: Query, now: float, tables: list[tuple[Any, ...]], indexes: list[tuple[Any, ...]]
) -> Counters:
    ((_name, uptime_seconds),) = query("SHOW GLOBAL STATUS LIKE 'Uptime'")
    return Counters(
        source=source,
        at=now,
        uptime_seconds=float(uptime_seconds),
        statements=sum(int(value) for _name, value in query(_STATEMENTS)),
        rows_read={str(table): int(rows) for table, rows in tables},
        index_rows={(str(table), str(index)): int(rows) for table, index, rows in indexes},
    )


def observe(watch: Watch | None, counters: Counters | None, now: float) -> Watch | None:
    """Add to a watch what was counted since the last run. Pure.

    A watch ends where nothing is counted any more, or by other means, whose numbers cannot be compared.

    Args:
        watch: The watch so far, if there is one.
        counters: The counters at the beginning of this run.
        now: Seconds since the epoch.
    """
    if counters is None:
        return None
    if watch is None or watch.last.source != counters.source:
        return _begin(counters, now)
    # A server that was started since counts from 0.
    is_restarted = counters.uptime_seconds < counters.at - watch.last.at
    before = replace(counters, statements=0, rows_read={}, index_rows={}) if is_restarted else watch.last
    rows_read = dict(watch.rows_read)
    for table, rows in counters.rows_read.items():
        rows_read[table] = rows_read.get(table, 0) + _increase(before.rows_read.get(table, 0), rows)
    used = {key for key, rows in counters.index_rows.items() if _increase(before.index_rows.get(key, 0), rows)}
    return Watch(
        since=watch.since,
        last=counters,
        statements=watch.statements + _increase(before.statements, counters.statements),
        rows_read=rows_read,
        used=watch.used | used,
    )


def _begin(counters: Counters, now: float) -> Watch:
    used = frozenset(key for key, rows in counters.index_rows.items() if rows)
    if counters.source == PERFORMANCE_SCHEMA:
        # It cannot be switched on in a running server: it has counted all there was.
        return Watch(now - counters.uptime_seconds, counters, counters.statements, counters.rows_read, used)
    return Watch(now, counters, used=used)


def _increase(before: int, after: int) -> int:
    """Return by how much a counter grew; one that is smaller than before was set to 0 in between."""
    return after - before if after >= before else after


def watch_as_dict(watch: Watch) -> dict[str, Any]:
    """Return a watch as JSON can hold it."""
    last = watch.last
    return {
        "since": watch.since,
        "statements": watch.statements,
        "rows_read": dict(watch.rows_read),
        "used": sorted(map(list, watch.used)),
        "last": {
            "source": last.source,
            "at": last.at,
            "uptime_seconds": last.uptime_seconds,
            "statements": last.statements,
            "rows_read": dict(last.rows_read),
            "index_rows": [[table, index, rows] for (table, index), rows in sorted(last.index_rows.items())],
        },
    }


def watch_from_dict(values: Mapping[str, Any]) -> Watch:
    """Return the watch that ``watch_as_dict`` wrote."""
    last = {
        **values["last"],
        "index_rows": {(table, index): rows for table, index, rows in values["last"]["index_rows"]},
    }
    used = frozenset((str(table), str(index)) for table, index in values["used"])
    return Watch(values["since"], Counters(**last), values["statements"], values["rows_read"], used)
