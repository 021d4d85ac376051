"""Indexes that a site is to do without for a while, and when one of them comes back by itself. Pure.

An index in quarantine is ignored by every query, but still kept up to date, so that it can be used again at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..._mariadb.indexes import Index
from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS
from .facts import SchemaFacts
from .month import watch_end
from .statement_use import LEAST_ROWS, StatementsBefore, StatementWatch, slower_statement, statements_before
from .statements import creating
from .usage import IndexKey, Watch

# An entry is written before the statement runs, and the statement waits for seconds: later than this it never ran.
PLANNED_SECONDS = HOUR_SECONDS
# Backups, and what looks for orphans, read a table from its beginning to its end without need of an index.
WHOLE_READS_PER_DAY = 2

PLANNED = "planned"
IGNORED = "ignored"
DROPPING = "dropping"

KEEP = "keep"
ADOPT = "adopt"
FORGET = "forget"
BACK = "back"
DROPPED = "dropped"


@dataclass(frozen=True)
class Entry:
    """An index in quarantine.

    Attributes:
        table: Its table.
        index: Its name.
        database: The database that it is in.
        phase: ``planned`` (about to be ignored), ``ignored``, or ``dropping`` (about to be dropped).
        reason: Why it was put there.
        kept: The index that does its work; empty where none is needed.
        create_statement: What makes it again.
        since: When it was put there, in seconds since the epoch.
        until: When the watch ends.
        watch: Which watch (its beginning) the numbers are of.
        rows: The rows of the table that had been read then.
        statements: The statements that the server had run then.
        rows_per_statement: What was read of the table for each statement until then.
        before: What each statement that reads the table did until then.
    """

    table: str
    index: str
    database: str
    phase: str
    reason: str
    kept: str
    create_statement: str
    since: float
    until: float
    watch: float
    rows: int
    statements: int
    rows_per_statement: float
    before: StatementsBefore = field(default_factory=StatementsBefore)

    @property
    def key(self) -> IndexKey:
        """Table and name of the index."""
        return self.table, self.index


@dataclass(frozen=True)
class Limits:
    """When an index comes back.

    Attributes:
        watch_days: For how long it is watched at least.
        grace_days: For how long somebody may ask to drop it after that.
        regression_factor: By how much more a table may be read for each statement than before.
        baseline_hours: For how long the use of the table must have been watched before.
    """

    watch_days: int = 35
    grace_days: int = 7
    regression_factor: float = 2.0
    baseline_hours: float = 24.0


@dataclass(frozen=True)
class Verdict:
    """What is to become of an entry: ``keep``, ``adopt``, ``forget``, ``back`` or ``dropped``; and why."""

    outcome: str
    reason: str


def begin_entry(
    index: Index,
    definition: str,
    watch: Watch,
    reason: str,
    kept: str,
    now: float,
    limits: Limits,
    statements: StatementWatch | None = None,
) -> Entry:
    """Return the entry of an index that is about to be ignored, with what was measured until now."""
    table = index.table
    return Entry(
        table=table,
        index=index.name,
        database=index.schema,
        phase=PLANNED,
        reason=reason,
        kept=kept,
        create_statement=creating(table, definition),
        since=now,
        until=watch_end(now, limits.watch_days),
        watch=watch.since,
        rows=watch.rows_read.get(table, 0),
        statements=watch.statements,
        rows_per_statement=watch.rows_per_statement(table),
        before=statements_before(statements, table, now, limits.baseline_hours * HOUR_SECONDS),
    )


def why_not_watchable(watch: Watch | None, now: float, limits: Limits) -> str:
    """Say why a regression would not be seen, so that nothing may be tried; "" where it would."""
    if watch is None:
        return "the server counts neither rows nor the use of indexes, so nobody would see that something got slower"
    watched_hours = (now - watch.since) / HOUR_SECONDS
    if watched_hours < limits.baseline_hours:
        return (
            f"the use of its table was watched for {watched_hours:.1f} hours, and {limits.baseline_hours:g} are needed "
            "to tell later whether something got slower"
        )
    return ""


def judge(
    entry: Entry,
    facts: SchemaFacts,
    watch: Watch | None,
    now: float,
    limits: Limits,
    *,
    statements: StatementWatch | None = None,
    is_to_be_dropped: bool = False,
) -> Verdict:
    """Say what is to become of an index in quarantine.

    Args:
        entry: The index.
        facts: The schema now.
        watch: What was counted until now.
        now: Seconds since the epoch.
        limits: When it comes back.
        statements: Which statements ran until now.
        is_to_be_dropped: Whether somebody asks for that in this run.
    """
    index = facts.index(entry.table, entry.index)
    if index is None:
        return Verdict(DROPPED, "it is not there any more")
    if not index.is_ignored:
        is_fresh = entry.phase == PLANNED and now - entry.since < PLANNED_SECONDS
        return Verdict(KEEP, "it is about to be ignored") if is_fresh else Verdict(FORGET, "it is in use")
    reason = _why_back(entry, index, facts, watch, now, limits, statements)
    has_ended = now >= entry.until + limits.grace_days * DAY_SECONDS
    if not reason and has_ended and not is_to_be_dropped:
        reason = "its watch has ended and nobody asked to drop it"
    if reason:
        return Verdict(BACK, reason)
    return Verdict(ADOPT if entry.phase == PLANNED else KEEP, "it is watched")


def _why_back(
    entry: Entry,
    index: Index,
    facts: SchemaFacts,
    watch: Watch | None,
    now: float,
    limits: Limits,
    statements: StatementWatch | None,
) -> str:
    """Say why the site needs the index again, "" where it does not."""
    if entry.database != facts.database:
        return "the site has another database now"
    if facts.declares(index):
        return "a DocType declares it now"
    kept = facts.index(entry.table, entry.kept)
    if entry.kept and (kept is None or kept.is_ignored):
        return f"{entry.kept}, which did its work, is not in use any more"
    if watch is None or watch.since != entry.watch:
        return "the server does not count any more what would tell that something got slower"
    # The statement tells more than the table.
    slower = slower_statement(entry.before, statements, entry.table, limits.regression_factor)
    return slower or _regression(entry, facts, watch, now, limits)


def _regression(entry: Entry, facts: SchemaFacts, watch: Watch, now: float, limits: Limits) -> str:
    """Say what got slower, in numbers: the rows that were read of the table for each statement of the server."""
    rows = watch.rows_read.get(entry.table, 0) - entry.rows
    statements = watch.statements - entry.statements
    days = 1 + (now - entry.since) / DAY_SECONDS
    expected = limits.regression_factor * entry.rows_per_statement * statements
    allowance = LEAST_ROWS + WHOLE_READS_PER_DAY * days * facts.tables[entry.table].rows
    if rows <= expected + allowance:
        return ""
    return (
        f"{rows:,} rows of {entry.table} were read by {statements:,} statements since, "
        f"{rows / max(statements, 1):,.1f} each; before, it was {entry.rows_per_statement:,.1f}"
    )
