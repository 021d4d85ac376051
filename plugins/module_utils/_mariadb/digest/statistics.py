"""The digest that the server itself keeps in performance_schema: sums alone, but of every statement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .fingerprint import fingerprint
from .summary import StatementClass, class_id

# A NULL digest gathers what the table had no room for any more, a NULL schema what no database was in use for.
STATEMENT_QUERY = """
SELECT d.SCHEMA_NAME, d.DIGEST_TEXT, d.COUNT_STAR, d.SUM_TIMER_WAIT, d.MAX_TIMER_WAIT, d.SUM_ROWS_EXAMINED,
       d.SUM_ROWS_SENT, d.FIRST_SEEN, d.LAST_SEEN, d.SUM_NO_INDEX_USED,
       (SELECT h.SQL_TEXT FROM performance_schema.events_statements_history h
         WHERE h.DIGEST = d.DIGEST AND h.CURRENT_SCHEMA = d.SCHEMA_NAME LIMIT 1)
  FROM performance_schema.events_statements_summary_by_digest d
 WHERE d.SCHEMA_NAME IS NOT NULL AND d.DIGEST_TEXT IS NOT NULL AND d.COUNT_STAR > 0
   AND d.SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
 ORDER BY d.SUM_TIMER_WAIT DESC LIMIT 200
"""
_SECONDS_PER_PICOSECOND = 1e-12


def classes_from_statistics(rows: Iterable[tuple[Any, ...]]) -> list[StatementClass]:
    """Turn the rows of ``STATEMENT_QUERY`` into classes; their ids are stable, but not those of the slow log."""
    return [_class_of(row) for row in rows]


def _class_of(row: tuple[Any, ...]) -> StatementClass:
    schema, text = str(row[0]), fingerprint(str(row[1]))
    return StatementClass(
        id=class_id(schema, text),
        schema=schema,
        fingerprint=text,
        calls=int(row[2]),
        total_seconds=int(row[3]) * _SECONDS_PER_PICOSECOND,
        p95_seconds=None,
        max_seconds=int(row[4]) * _SECONDS_PER_PICOSECOND,
        rows_examined=int(row[5]),
        rows_sent=int(row[6]),
        variance_to_mean=None,
        first_seen_seconds=_unix_time(row[7]),
        last_seen_seconds=_unix_time(row[8]),
        full_scans=int(row[9]),
        slowest=str(row[10] or ""),
    )


def _unix_time(moment: datetime) -> float:
    # The connection's time zone is the server's, which is this host's.
    return moment.timestamp()
