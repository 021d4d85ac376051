"""What a site lost against a backup set, and what going back to that set would lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .._mariadb.connection import fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._system.progress import ProgressReporter

try:
    from pymysql.err import MySQLError
except ImportError:  # the module layer reports the missing library
    MySQLError = OSError  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    from pymysql.connections import Connection

# Tables whose rows Frappe deletes or replaces by itself (its default log retention): fewer rows are no loss there.
VOLATILE_TABLES = frozenset(
    {
        "__global_search",
        "tabActivity Log",
        "tabEmail Queue",
        "tabEmail Queue Recipient",
        "tabError Log",
        "tabIntegration Request",
        "tabPrepared Report",
        "tabReminder",
        "tabRoute History",
        "tabScheduled Job Log",
        "tabSessions",
        "tabSubmission Queue",
        "tabUnhandled Email",
        "tabWebhook Request Log",
    }
)
# Where Frappe writes down who did what: the table, and the columns by which its rows are counted.
TRACES = {
    "activity": ("tabActivity Log", ("operation", "status", "user")),
    "changed": ("tabVersion", ("ref_doctype", "owner")),
    "deleted": ("tabDeleted Document", ("deleted_doctype", "owner")),
}
GROUPS_SHOWN = 50
TABLES_IN_SUMMARY = 10


@dataclass(frozen=True)
class TableLoss:
    """How one table differs from the set.

    Attributes:
        doctype: The DocType, or the table's own name where it is not one.
        table: The table.
        rows_in_set: Rows in the set; 0 where it has no such table.
        rows_live: Rows now; None where the table is missing or cannot be read.
        written_since: Rows that were created or changed after the recovery point; None where that is not known.
        volatile: Frappe deletes its rows by itself.
    """

    doctype: str
    table: str
    rows_in_set: int
    rows_live: int | None
    written_since: int | None
    volatile: bool

    @property
    def missing_rows(self) -> int:
        """How many rows fewer it has than the set."""
        return max(self.rows_in_set - (self.rows_live or 0), 0)


def assess_loss(
    connection: Connection[Any],
    database: str,
    rows_in_set: Mapping[str, int],
    recovery_point: datetime,
    reporter: ProgressReporter,
    table_timeout_seconds: float,
) -> dict[str, Any]:
    """Compare every table of the live database with a set, by numbers of rows alone.

    Args:
        connection: An administrator's connection.
        database: The live database.
        rows_in_set: Rows of each table of the set.
        recovery_point: The moment that the set is of.
        reporter: Hears of each table.
        table_timeout_seconds: How long the rows of one table may be counted.

    Returns:
        JSON values: ``scope``, ``database``, ``recovery_point``, ``time_zone``, ``lost`` (tables with fewer rows than
        the set), ``written`` (tables with rows from after the recovery point), ``traces`` (who did what since, from
        Activity Log, Version and Deleted Document, which ``written`` leaves out) and ``summary``, sentences for people.
    """
    with server_errors(f"list the tables of {database}"):
        columns = _tables_with_modified(connection, database)
    zone_name = _site_time_zone(connection, database)
    since = _site_time(recovery_point, zone_name)
    names = sorted(set(columns) | set(rows_in_set))
    reporter.start("assess loss", total_items=len(names))
    tables: list[TableLoss] = []
    for name in names:
        reporter.update(done_items=len(tables), item_name=name)
        live = (
            _count(connection, database, name, columns[name], since, table_timeout_seconds) if name in columns else None
        )
        tables.append(
            TableLoss(
                doctype=doctype_of(name),
                table=name,
                rows_in_set=rows_in_set.get(name, 0),
                rows_live=live[0] if live else None,
                written_since=live[1] if live else None,
                volatile=name in VOLATILE_TABLES,
            )
        )
    lost = sorted(
        (table for table in tables if table.missing_rows), key=lambda table: (table.volatile, -table.missing_rows)
    )
    told_apart = {table for table, _columns in TRACES.values()}
    written = [table for table in tables if table.written_since and table.table not in told_apart]
    written.sort(key=lambda table: -(table.written_since or 0))
    traces = {
        kind: _trace(connection, database, table, by, since) for kind, (table, by) in TRACES.items() if table in columns
    }
    return {
        "scope": "loss",
        "database": database,
        "recovery_point": recovery_point.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_zone": zone_name,
        "lost": [{**asdict(table), "missing_rows": table.missing_rows} for table in lost],
        "written": [asdict(table) for table in written],
        "traces": traces,
        "summary": _summarise(lost, written, traces, zone_name),
    }


def doctype_of(table: str) -> str:
    """Return the DocType whose table this is, or the table's name."""
    return table[3:] if table.startswith("tab") else table


def _tables_with_modified(connection: Connection[Any], database: str) -> dict[str, bool]:
    rows = fetch_all(
        connection,
        "SELECT t.TABLE_NAME, MAX(c.COLUMN_NAME IS NOT NULL) FROM information_schema.TABLES t"
        " LEFT JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA"
        " AND c.TABLE_NAME = t.TABLE_NAME AND c.COLUMN_NAME = 'modified'"
        " WHERE t.TABLE_SCHEMA = %s AND t.TABLE_TYPE = 'BASE TABLE' GROUP BY t.TABLE_NAME",
        (database,),
    )
    return {str(name): bool(has_modified) for name, has_modified in rows}


def _site_time_zone(connection: Connection[Any], database: str) -> str | None:
    """Return the time zone in which the site writes its times; None where that cannot be read."""
    try:
        rows = fetch_all(
            connection,
            f"SELECT value FROM {quote_identifier(database)}.`tabSingles`"  # noqa: S608
            " WHERE doctype = 'System Settings' AND field = 'time_zone'",
        )
        name = str(rows[0][0]) if rows else ""
        ZoneInfo(name)
    except (MySQLError, ZoneInfoNotFoundError, ValueError):
        return None
    return name


def _site_time(moment: datetime, zone_name: str | None) -> datetime:
    zone = ZoneInfo(zone_name) if zone_name else timezone.utc
    return moment.astimezone(zone).replace(tzinfo=None)


def _count(
    connection: Connection[Any],
    database: str,
    table: str,
    has_modified: bool,
    since: datetime,
    timeout_seconds: float,
) -> tuple[int, int | None] | None:
    """Count the rows of a table, and those written since; None where it cannot be read in time."""
    written, arguments = ("COALESCE(SUM(`modified` > %s), 0)", (since,)) if has_modified else ("NULL", ())
    try:
        rows = fetch_all(
            connection,
            f"SET STATEMENT max_statement_time = {timeout_seconds:f} FOR SELECT COUNT(*), {written}"  # noqa: S608
            f" FROM {quote_identifier(database)}.{quote_identifier(table)}",
            arguments,
        )
    except MySQLError:
        return None
    return int(rows[0][0]), None if rows[0][1] is None else int(rows[0][1])


def _trace(
    connection: Connection[Any], database: str, table: str, columns: Sequence[str], since: datetime
) -> dict[str, Any]:
    """Count the rows that were written after a moment, grouped by some columns; never a row's content."""
    names = ", ".join(quote_identifier(column) for column in columns)
    try:
        rows = fetch_all(
            connection,
            f"SELECT {names}, COUNT(*) FROM {quote_identifier(database)}.{quote_identifier(table)}"  # noqa: S608
            f" WHERE `creation` > %s GROUP BY {names} ORDER BY COUNT(*) DESC",
            (since,),
        )
    except MySQLError as error:
        return {"table": table, "total": None, "groups": [], "reason": f"error {error.args[0] if error.args else 0}"}
    groups = [
        {**{column: str(value or "") for column, value in zip(columns, row)}, "count": int(row[-1])} for row in rows
    ]
    return {"table": table, "total": sum(group["count"] for group in groups), "groups": groups[:GROUPS_SHOWN]}


def _summarise(
    lost: Sequence[TableLoss], written: Sequence[TableLoss], traces: Mapping[str, Any], zone_name: str | None
) -> list[str]:
    true_losses = [table for table in lost if not table.volatile]
    missing_rows = sum(table.missing_rows for table in true_losses)
    lines = [
        f"Rows missing against the set: {missing_rows} (DocTypes: {len(true_losses)})."
        if true_losses
        else "No rows are missing against the set."
    ]
    lines += [_describe_loss(table) for table in true_losses[:TABLES_IN_SUMMARY]]
    if len(true_losses) > TABLES_IN_SUMMARY:
        lines.append(f"and {len(true_losses) - TABLES_IN_SUMMARY} DocTypes more, all in the report.")
    kept = [table for table in written if not table.volatile]
    rows = sum(table.written_since or 0 for table in kept)
    lines.append(
        f"Rows written since the recovery point, which the set does not have: {rows} (DocTypes: {len(kept)})."
        if kept
        else "No other rows were written since the recovery point."
    )
    lines += [f"{table.doctype}: {table.written_since} written since." for table in kept[:TABLES_IN_SUMMARY]]
    for kind, trace in traces.items():
        if trace["total"]:
            users = sorted({group.get("user") or group.get("owner") or "" for group in trace["groups"]})
            lines.append(f"{doctype_of(trace['table'])}: {trace['total']} {kind} since, by {', '.join(users[:5])}.")
    if zone_name is None:
        lines.append("The site's time zone could not be read; its times were taken for UTC.")
    return lines


def _describe_loss(table: TableLoss) -> str:
    if table.rows_live is None:
        return f"{table.doctype}: the table is missing or cannot be read, {table.rows_in_set} rows are in the set."
    return f"{table.doctype}: {table.missing_rows} rows fewer ({table.rows_live} now, {table.rows_in_set} in the set)."
