"""Rows that point to documents that are gone, counted in small steps; nothing is deleted.

Each statement reads a few thousand rows by the primary key and is ended by the server itself after seconds. What time
does not suffice for is said, and how far the counting came.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable

from ..._checks.index_advice import TABLE_PREFIX
from ..._cleanup.pace import REST_RATIO
from ..._mariadb.connection import DRIVER_ERRORS
from ..._mariadb.identifiers import quote_identifier
from ..._mariadb.indexes import Query
from ..._system.quantities import count_text
from .doctypes import DocTypes
from .facts import SchemaFacts
from .statements import deleting_orphans

CHUNK_ROWS = 5000
STATEMENT_SECONDS = 5
# Their rows belong to users and to the site as a whole ("__default"), not to documents.
NO_DOCUMENTS = frozenset({"tabDefaultValue"})
DYNAMIC_LINK_TABLE = "tabDynamic Link"
# Where Frappe keeps what belongs to a DocType, and the column that names it.
OF_DOCTYPES = (
    ("tabSingles", "doctype"),
    ("tabDocField", "parent"),
    ("tabDocPerm", "parent"),
    ("tabCustom Field", "dt"),
    ("tabCustom DocPerm", "parent"),
    ("tabProperty Setter", "doc_type"),
    ("tabUser Permission", "allow"),
    ("__Auth", "doctype"),
    ("__global_search", "doctype"),
    ("__UserSettings", "doctype"),
)
DOCTYPES_SHOWN = 50
# What may become of a statement without anything being wrong with the server.
REASONS = {
    1054: "it has not the columns of its kind",
    1205: "somebody else kept it locked",
    1267: "its collation differs from that of what it points to",
    1969: f"a statement took longer than {STATEMENT_SECONDS} seconds",
}


@dataclass(frozen=True)
class Reference:
    """Columns of a table that together name a document."""

    table: str
    type_column: str
    name_column: str


@dataclass(frozen=True)
class Orphans:
    """Rows of one table that belong to one DocType and to nothing that is there.

    Attributes:
        kind: ``child`` (its parent is gone), ``dynamic_link`` (its target is gone) or ``doctype`` (what it describes
            is gone).
        table: The table with the rows.
        doctype: The DocType that they name.
        is_doctype_gone: Whether the DocType itself is gone.
        rows: How many there are among those that were looked at.
        statement: What would delete some of them.
    """

    kind: str
    table: str
    doctype: str
    is_doctype_gone: bool
    rows: int
    statement: str

    @property
    def text(self) -> str:
        """Say it in one line."""
        gone = (
            f"{self.doctype}, which is no DocType"
            if self.is_doctype_gone
            else f"documents of {self.doctype} that are gone"
        )
        return f"{self.table}: {count_text(self.rows, 'row')} of {gone}: {self.statement}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return dict(vars(self))


@dataclass
class OrphanReport:
    """What was found, and what could not be counted to its end, each with the reason."""

    found: list[Orphans] = field(default_factory=list)
    unfinished: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """When to stop counting.

    Attributes:
        seconds: How long it may take altogether.
        is_busy: Tells whether others need the server more.
        clock: Seconds of a clock that only goes on.
        sleep: Waits for some seconds.
    """

    seconds: float
    is_busy: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def references(facts: SchemaFacts, doctypes: DocTypes) -> list[tuple[str, Reference]]:
    """Return the kind and the columns of every table whose rows belong to documents, the smallest table first. Pure."""
    children = [
        ("child", Reference(table, "parenttype", "parent"))
        for table in (f"{TABLE_PREFIX}{name}" for name in doctypes.children)
        if table in facts.tables and table not in NO_DOCUMENTS | {known for known, _column in OF_DOCTYPES}
    ]
    links = [("dynamic_link", Reference(DYNAMIC_LINK_TABLE, "link_doctype", "link_name"))]
    found = [*children, *(link for link in links if DYNAMIC_LINK_TABLE in facts.tables)]
    return sorted(found, key=lambda each: (facts.tables[each[1].table].rows, each[1].table))


def count_orphans(query: Query, facts: SchemaFacts, doctypes: DocTypes, budget: Budget) -> OrphanReport:
    """Count the rows that belong to nothing.

    Args:
        query: Runs a statement in the site's database.
        facts: Its schema.
        doctypes: Its DocTypes.
        budget: When to stop.
    """
    report = OrphanReport()
    deadline = budget.clock() + budget.seconds
    for table, column in OF_DOCTYPES:
        if table in facts.tables:
            with _unfinished(report, table):
                report.found += _of_lost_doctypes(query, table, column)
    for kind, reference in references(facts, doctypes):
        counts: Counter[str] = Counter()
        with _unfinished(report, reference.table):
            reason = _count(query, reference, facts, doctypes, budget, deadline, counts)
            if reason:
                report.unfinished[reference.table] = reason
        report.found += _orphans(kind, reference, doctypes, counts)
    return report


@contextmanager
def _unfinished(report: OrphanReport, table: str) -> Iterator[None]:
    """Go on with the next table where the server refuses or ends a statement about this one."""
    try:
        yield
    except DRIVER_ERRORS as error:
        if error.args[0] not in REASONS:
            raise
        report.unfinished[table] = REASONS[error.args[0]]


def _of_lost_doctypes(query: Query, table: str, column: str) -> Iterator[Orphans]:
    name, lost = quote_identifier(table), quote_identifier(column)
    rows = query(
        f"SET STATEMENT max_statement_time = {STATEMENT_SECONDS} FOR SELECT t.{lost}, COUNT(*) FROM {name} t"  # noqa: S608
        f" LEFT JOIN tabDocType d ON d.name = t.{lost} WHERE d.name IS NULL AND t.{lost} <> ''"
        f" GROUP BY t.{lost} ORDER BY COUNT(*) DESC LIMIT {DOCTYPES_SHOWN}"
    )
    for doctype, count in rows:
        statement = deleting_orphans(table, column, "", str(doctype), None)
        yield Orphans("doctype", table, str(doctype), True, int(count), statement)


def _count(
    query: Query,
    reference: Reference,
    facts: SchemaFacts,
    doctypes: DocTypes,
    budget: Budget,
    deadline: float,
    counts: Counter[str],
) -> str:
    """Add up the orphans of one table, by DocType; return why it was not done to the end, "" where it was."""
    table = quote_identifier(reference.table)
    limited = f"SET STATEMENT max_statement_time = {STATEMENT_SECONDS} FOR"
    low: tuple[Any, ...] = ()
    chunks = 0
    while True:
        looked_at = f"after {chunks * CHUNK_ROWS:,} of about {facts.tables[reference.table].rows:,} rows"
        if budget.clock() > deadline:
            return f"out of time {looked_at}"
        if budget.is_busy():
            return f"the server had more to do {looked_at}"
        began = budget.clock()
        above = "name > %s" if low else "TRUE"
        high = query(
            f"{limited} SELECT name FROM {table} WHERE {above} ORDER BY name LIMIT 1 OFFSET {CHUNK_ROWS - 1}",  # noqa: S608
            low,
        )
        within, bounds = (f"{above} AND name <= %s", (*low, high[0][0])) if high else (above, low)
        counts.update(_count_chunk(query, reference, facts, doctypes, within, bounds))
        if not high:
            return ""
        low = (high[0][0],)
        chunks += 1
        budget.sleep((budget.clock() - began) * REST_RATIO)


def _count_chunk(
    query: Query,
    reference: Reference,
    facts: SchemaFacts,
    doctypes: DocTypes,
    within: str,
    bounds: tuple[Any, ...],
) -> Counter[str]:
    """Count the orphans among a few thousand rows; what has no table (single and virtual DocTypes) has none."""
    limited = f"SET STATEMENT max_statement_time = {STATEMENT_SECONDS} FOR"
    kind, name = quote_identifier(reference.type_column), quote_identifier(reference.name_column)
    # Rows by the primary key, so that no other index seems to be needed.
    rows = f"{quote_identifier(reference.table)} c FORCE INDEX (PRIMARY)"
    counts: Counter[str] = Counter()
    for doctype, count in query(
        f"{limited} SELECT {kind}, COUNT(*) FROM {rows} WHERE {within} AND {kind} <> '' GROUP BY {kind}",  # noqa: S608
        bounds,
    ):
        parent = f"{TABLE_PREFIX}{doctype}"
        if doctype not in doctypes.fields:
            counts[str(doctype)] += int(count)
        elif parent in facts.tables and doctype not in doctypes.without_table:
            ((missing,),) = query(
                f"{limited} SELECT COUNT(*) FROM {rows} WHERE {within.replace('name', 'c.name')} AND c.{kind} = %s"  # noqa: S608
                f" AND NOT EXISTS (SELECT 1 FROM {quote_identifier(parent)} p WHERE p.name = c.{name})",
                (*bounds, doctype),
            )
            counts[str(doctype)] += int(missing)
    return counts


def _orphans(kind: str, reference: Reference, doctypes: DocTypes, counts: Counter[str]) -> Iterator[Orphans]:
    for doctype, rows in counts.most_common():
        is_gone = doctype not in doctypes.fields
        if rows:
            statement = deleting_orphans(
                reference.table,
                reference.type_column,
                reference.name_column,
                doctype,
                None if is_gone else f"{TABLE_PREFIX}{doctype}",
            )
            yield Orphans(kind, reference.table, doctype, is_gone, rows, statement)
