"""Which statements read the tables of a site, and how many rows each looks at, from run to run.

They are told apart by what they are without their values. The performance schema has all of them; the slow log those
that take long, so a statement that nobody knew before counts as one that was quick.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._checks.slow_statements import FROM_THE_START, SLOW_LOG, Cursor, read_slow_statements
from ..._mariadb.connection import DRIVER_ERRORS
from ..._mariadb.digest.fingerprint import fingerprint, fingerprint_id
from ..._mariadb.indexes import Query
from ..._system.errors import LifeboatError
from .usage import ERROR_TABLE_DENIED, PERFORMANCE_SCHEMA

# Below this many rows, reading them all is nothing that anybody notices.
LEAST_ROWS = 10_000
# What runs once or twice may be somebody who looks for something.
LEAST_CALLS = 3
# Those that looked at most rows are remembered.
KEPT_STATEMENTS = 300
SHOWN_CHARACTERS = 160
# About a second's work; what a busy server writes besides in an hour is left out.
LOG_BYTES = 4 * 1024 * 1024
_VARIABLES = (
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('performance_schema', 'slow_query_log', 'slow_query_log_file',"
    " 'long_query_time', 'log_output', 'datadir', 'hostname')"
)
_SUMS = (
    "SELECT DIGEST_TEXT, SUM(COUNT_STAR), SUM(SUM_ROWS_EXAMINED)"
    " FROM performance_schema.events_statements_summary_by_digest"
    " WHERE SCHEMA_NAME = %s AND DIGEST_TEXT IS NOT NULL GROUP BY DIGEST_TEXT"
    " HAVING SUM(SUM_ROWS_EXAMINED) > 0 ORDER BY SUM(SUM_ROWS_EXAMINED) DESC LIMIT %s"
)
# Without any of these a statement reads the whole table, as backups do, and no index helps it.
_CHOOSING = re.compile(r"\b(?:where|join|(?:order|group) by)\b")


@dataclass(frozen=True)
class StatementUse:
    """Statements that differ in their values only: their text without them, how many ran, and the rows looked at."""

    text: str
    calls: int
    rows: int

    def reads(self, table: str) -> bool:
        """Tell whether they choose rows of a table."""
        name = re.escape(table)
        is_named = re.search(rf"`{name}`|(?<![\w`]){name.lower()}(?![\w`])", self.text)
        return bool(is_named and _CHOOSING.search(self.text))


@dataclass(frozen=True)
class StatementCounts:
    """What a source tells at a moment.

    Attributes:
        origin: The source, with what decides which statements it has: others cannot be compared.
        uses: By the name of the statement; since the start of the server, or in a log since the cursor of the last run.
        cursor: Up to where the log was read.
    """

    origin: str
    uses: Mapping[str, StatementUse]
    cursor: Cursor = FROM_THE_START


@dataclass(frozen=True)
class StatementWatch:
    """What ran since a watch began (seconds since the epoch, which also tell one watch from another)."""

    since: float
    last: StatementCounts
    uses: Mapping[str, StatementUse] = field(default_factory=dict)

    def of_table(self, table: str) -> dict[str, tuple[int, int]]:
        """Return calls and rows of the statements that choose rows of a table."""
        return {name: (use.calls, use.rows) for name, use in self.uses.items() if use.reads(table)}


@dataclass(frozen=True)
class StatementsBefore:
    """What statements that choose rows of a table did before an index of it was ignored.

    Attributes:
        since: Which watch the numbers are of; 0 where none had lasted long enough.
        uses: Calls and rows, by the name of the statement.
    """

    since: float = 0.0
    uses: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def read_statements(query: Query, database: str, watch: StatementWatch | None) -> StatementCounts | None:
    """Read what ran in a database; None where neither the performance schema nor a slow log can be read.

    Args:
        query: Runs a statement with the site's own account.
        database: The database.
        watch: The watch so far, whose cursor tells where the log goes on.
    """
    variables = {str(name).lower(): str(value) for name, value in query(_VARIABLES)}
    if variables.get("performance_schema") == "ON":
        try:
            return StatementCounts(PERFORMANCE_SCHEMA, _named(query(_SUMS, (database, KEPT_STATEMENTS))))
        except DRIVER_ERRORS as error:
            if error.args[0] != ERROR_TABLE_DENIED:
                raise
    # What was logged before a watch begins does not count: only where the log ends is looked for then.
    cursor, limit_bytes = (watch.last.cursor, LOG_BYTES) if watch else (FROM_THE_START, 0)
    try:
        found = read_slow_statements(query, variables, source=SLOW_LOG, limit_bytes=limit_bytes, cursor=cursor)
    except LifeboatError:
        return None
    rows = [(kind.fingerprint, kind.calls, kind.rows_examined) for kind in found.digest() if kind.schema == database]
    return StatementCounts(f"{SLOW_LOG} {found.path} {variables['long_query_time']}", _named(rows), found.cursor)


def observe_statements(
    watch: StatementWatch | None, found: StatementCounts | None, now: float
) -> StatementWatch | None:
    """Add to a watch what ran since the last run; a watch begins anew where other statements are told. Pure.

    Args:
        watch: The watch so far, if there is one.
        found: What is told at the beginning of this run.
        now: Seconds since the epoch.
    """
    if found is None:
        return None
    if watch is None or watch.last.origin != found.origin:
        return StatementWatch(now, found)
    before = watch.last.uses if found.origin == PERFORMANCE_SCHEMA else {}
    uses = dict(watch.uses)
    for name, use in found.uses.items():
        uses[name] = _sum(uses.get(name), _increase(before.get(name), use))
    kept = sorted(uses.items(), key=lambda item: item[1].rows, reverse=True)[:KEPT_STATEMENTS]
    return StatementWatch(watch.since, found, dict(kept))


def statements_before(watch: StatementWatch | None, table: str, now: float, least_seconds: float) -> StatementsBefore:
    """Return what an index of a table is compared with that is about to be ignored."""
    if watch is None or now - watch.since < least_seconds:
        return StatementsBefore()
    return StatementsBefore(watch.since, watch.of_table(table))


def slower_statement(before: StatementsBefore, watch: StatementWatch | None, table: str, factor: float) -> str:
    """Say which statement looks at more rows of each call than before, "" for none. Pure.

    Args:
        before: What ran before.
        watch: What ran until now.
        table: The table of the index.
        factor: From which factor on it is more.
    """
    if watch is None or watch.since != before.since:
        return ""
    for name, use in watch.uses.items():
        if not use.reads(table):
            continue
        known_calls, known_rows = before.uses.get(name, (0, 0))
        calls, rows = use.calls - known_calls, use.rows - known_rows
        was = known_rows / max(known_calls, 1)
        if calls >= LEAST_CALLS and rows / calls > max(LEAST_ROWS, factor * was):
            text = use.text if len(use.text) <= SHOWN_CHARACTERS else f"{use.text[: SHOWN_CHARACTERS - 1]}…"
            past = f"it was {was:,.0f}" if known_calls else "nobody had seen it be slow"
            return f"a statement looked at {rows / calls:,.0f} rows each time, {calls:,} times; before, {past}: {text}"
    return ""


def settled(watch: StatementWatch | None, found: StatementCounts | None) -> StatementWatch | None:
    """Return the watch for the next run, which is not to count what this one has read."""
    return watch if watch is None or found is None else replace(watch, last=found)


def statements_as_dict(watch: StatementWatch | None) -> dict[str, Any] | None:
    """Return a watch as JSON can hold it; what a log told is not needed again."""
    if watch is None:
        return None
    last = watch.last
    sums = last.uses if last.origin == PERFORMANCE_SCHEMA else {}
    return {
        "since": watch.since,
        "uses": _listed(watch.uses),
        "origin": last.origin,
        "sums": _listed(sums),
        "cursor": [last.cursor.inode, last.cursor.end_bytes],
    }


def statements_from_dict(values: Mapping[str, Any] | None) -> StatementWatch | None:
    """Return the watch that ``statements_as_dict`` wrote."""
    if values is None:
        return None
    last = StatementCounts(values["origin"], _named(values["sums"]), Cursor(*values["cursor"]))
    return StatementWatch(values["since"], last, _named(values["uses"]))


def _named(rows: Iterable[Iterable[Any]]) -> dict[str, StatementUse]:
    uses = [StatementUse(fingerprint(str(text)), int(calls), int(rows)) for text, calls, rows in rows]
    return {fingerprint_id(use.text): use for use in uses}


def _listed(uses: Mapping[str, StatementUse]) -> list[list[Any]]:
    return [[use.text, use.calls, use.rows] for use in uses.values()]


def _increase(before: StatementUse | None, now: StatementUse) -> StatementUse:
    """Return what was added to sums; those that are smaller than before were set to 0 in between."""
    if before is None or now.calls < before.calls or now.rows < before.rows:
        return now
    return replace(now, calls=now.calls - before.calls, rows=now.rows - before.rows)


def _sum(known: StatementUse | None, more: StatementUse) -> StatementUse:
    return more if known is None else replace(known, calls=known.calls + more.calls, rows=known.rows + more.rows)
