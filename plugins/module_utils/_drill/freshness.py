"""Proving that the newest document of a recovered site is of the time that its set says, not far older or younger."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from .._bench.time_zone import site_time_zone
from .._mariadb.connection import fetch_all
from .._mariadb.identifiers import quote_identifier
from .._system.quantities import duration_text
from .findings import FAILED, OK, SKIPPED, Finding

if TYPE_CHECKING:
    from pymysql.connections import Connection

TIME_COLUMN = "modified"
# Clocks of hosts that are kept by NTP differ by less; a document from after the recovery point is from elsewhere.
CLOCK_TOLERANCE_SECONDS = 300


def prove_freshness(
    connection: Connection[Any], database: str, recovery_point: datetime, freshness_seconds: float
) -> Finding:
    """Prove that the newest document is inside the window that ends at the recovery point.

    Frappe writes to a document when it was last changed, in the time zone of the site, and writes something every few
    minutes: its scheduler logs what it did.

    Args:
        connection: The scratch server.
        database: The recovered database.
        recovery_point: The moment that the data is of.
        freshness_seconds: How much older the newest document may be; 0 to prove nothing.
    """
    if not freshness_seconds:
        return Finding("freshness", SKIPPED, "How old the newest document may be is not set (freshness_seconds).")
    zone = _site_zone(connection, database)
    newest = _newest(connection, database)
    if newest is None:
        return Finding("freshness", SKIPPED, "The site has no document that says when it was changed.")
    if zone is None:
        return Finding("freshness", SKIPPED, "The time zone of the site is not known here, so its times say nothing.")
    return judge_freshness(newest.replace(tzinfo=zone), recovery_point, freshness_seconds)


def judge_freshness(newest: datetime, recovery_point: datetime, freshness_seconds: float) -> Finding:
    """Judge the newest document. Pure.

    Args:
        newest: When it was changed, with its time zone.
        recovery_point: The moment that the data is of.
        freshness_seconds: How much older the newest document may be.
    """
    age_seconds = (recovery_point - newest).total_seconds()
    if age_seconds < -CLOCK_TOLERANCE_SECONDS:
        return Finding(
            "freshness",
            FAILED,
            f"The newest document was changed {duration_text(-age_seconds)} after the recovery point: the set is not "
            "of the moment that it says, or the clocks of the application and of the backup differ.",
        )
    if age_seconds > freshness_seconds:
        return Finding(
            "freshness",
            FAILED,
            f"The newest document was changed {duration_text(age_seconds)} before the recovery point, more than "
            f"{duration_text(freshness_seconds)}: the set is older than it says, or nothing works on the site.",
        )
    when = duration_text(max(age_seconds, 0.0))
    return Finding("freshness", OK, f"The newest document was changed {when} before the recovery point.")


def _site_zone(connection: Connection[Any], database: str) -> tzinfo | None:
    rows = fetch_all(
        connection,
        f"SELECT value FROM {quote_identifier(database)}.`tabSingles` "  # noqa: S608
        "WHERE doctype = 'System Settings' AND field = 'time_zone'",
    )
    return site_time_zone(str(rows[0][0] or "") if rows else None)


def _newest(connection: Connection[Any], database: str) -> datetime | None:
    tables = fetch_all(
        connection,
        "SELECT TABLE_NAME FROM information_schema.TABLES JOIN information_schema.COLUMNS"
        " USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
        " AND COLUMN_NAME = %s AND DATA_TYPE = 'datetime'",
        (database, TIME_COLUMN),
    )
    moments = [_newest_of(connection, database, str(row[0])) for row in tables]
    return max((moment for moment in moments if moment is not None), default=None)


def _newest_of(connection: Connection[Any], database: str, table: str) -> datetime | None:
    place = f"{quote_identifier(database)}.{quote_identifier(table)}"
    moment = fetch_all(connection, f"SELECT MAX({TIME_COLUMN}) FROM {place}")[0][0]  # noqa: S608
    return moment if isinstance(moment, datetime) else None
