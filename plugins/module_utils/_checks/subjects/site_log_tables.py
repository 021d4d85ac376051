"""Check of the tables that only grow: the logs that Frappe clears by its Log Settings, and those that nobody clears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from ..._mariadb.identifiers import quote_identifier
from ..._system.quantities import bytes_text
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

# The days after which Frappe clears a log where its Log Settings do not say otherwise (hooks.py, default_log_clearing).
RETENTION_DAYS = {
    "Activity Log": 90,
    "Email Queue": 30,
    "Error Log": 14,
    "Integration Request": 90,
    "Prepared Report": 14,
    "Reminder": 30,
    "Route History": 90,
    "Scheduled Job Log": 7,
    "Submission Queue": 7,
    "Unhandled Email": 30,
    "Webhook Request Log": 30,
}
# Frappe clears none of these.
NEVER_CLEARED = (
    "Access Log",
    "Comment",
    "Communication",
    "Data Import Log",
    "Deleted Document",
    "Version",
    "View Log",
)
LARGE_BYTES = 1024**3
# A row this many times older than it may become shows that clearing fails.
OVERDUE_FACTOR = 2


@check(
    "F13",
    "log_tables.growth",
    title="Tables of logs that grow",
    subject="site",
    target=SiteTarget,
    measures="Size of the largest table of a log; a row twice as old as Log Settings allow is a warning",
    source="information_schema.TABLES of these tables, tabLogs To Clear, and the oldest row of each",
    unit="bytes",
    warning=str(LARGE_BYTES),
    impact="medium",
    remediation=Remediation(
        "Look whether the daily job frappe.core.doctype.log_settings.log_settings.run_log_clean_up fails: on a large "
        "table its one DELETE takes longer than the job may. Delete in batches, and set days in Log Settings."
    ),
    reference="own proposal; Frappe's default_log_clearing_doctypes",
)
def log_tables(site: SiteTarget) -> Iterator[Measurement]:
    """Find the largest table of a log, and the logs that are not cleared."""
    names = [f"tab{doctype}" for doctype in (*RETENTION_DAYS, *NEVER_CLEARED)]
    # The names keep the server from opening every table of the schema.
    rows = site.query(
        "SELECT TABLE_NAME, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN %s",
        (site.address.db_name, tuple(names)),
    )
    sizes = sorted(((int(size or 0), str(name)) for name, size in rows), reverse=True)
    if not sizes:
        raise NotApplicableError("the site has no table of a log")
    overdue = list(_overdue(site, {name for _size, name in sizes}))
    largest_bytes, largest = sizes[0]
    total_bytes = sum(size for size, _name in sizes)
    yield Measurement(
        largest_bytes,
        text=f"the logs take {bytes_text(total_bytes)}, the largest ({largest}) {bytes_text(largest_bytes)}"
        + (f"; {len(overdue)} are not cleared in time" if overdue else ""),
        evidence=(*overdue, *(f"{name} takes {bytes_text(size)}" for size, name in sizes if size > LARGE_BYTES)),
        severity="warning" if overdue else "",
    )


def retention_days(kept: Mapping[str, int]) -> dict[str, int]:
    """Return the days that each log may keep: as Log Settings say, else as Frappe does; 0 days mean for ever."""
    return {name: days for name, days in {**RETENTION_DAYS, **kept}.items() if days}


def _overdue(site: SiteTarget, tables: set[str]) -> Iterator[str]:
    kept: dict[str, int] = {}
    if {"ref_doctype", "days"} <= site.columns("tabLogs To Clear"):
        kept = {
            str(name): int(days or 0) for name, days in site.query("SELECT ref_doctype, days FROM `tabLogs To Clear`")
        }
    for doctype, days in sorted(retention_days(kept).items()):
        table = f"tab{doctype}"
        if table not in tables:
            continue
        age_days = 0
        with suppress(UnmeasurableError):  # too large to be read in time: then its size says enough
            oldest = _oldest(site, table)
            age_days = (site.local_now - oldest).days if oldest else 0
        if age_days > OVERDUE_FACTOR * days:
            yield f"{table} has rows of {age_days} days and should keep {days}"


def _oldest(site: SiteTarget, table: str) -> datetime | None:
    # Up to version 15 Frappe indexes `modified`, later `creation`. Without either the whole table would be read.
    indexed = site.query(
        "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " AND SEQ_IN_INDEX = 1 AND COLUMN_NAME IN ('creation', 'modified') ORDER BY COLUMN_NAME LIMIT 1",
        (site.address.db_name, table),
    )
    if not indexed:
        return None
    ((oldest,),) = site.query(f"SELECT MIN({indexed[0][0]}) FROM {quote_identifier(table)}")  # noqa: S608
    return oldest if isinstance(oldest, datetime) else None
