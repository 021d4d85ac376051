"""Which index a site lacks, and which ones must never be dropped, in the words of Frappe."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .._mariadb.digest.candidates import MOST_FETCHED, reads_too_much, table_of, wanted_columns, worth_an_index
from .._mariadb.digest.plan import MANY_ROWS, Plan
from .._mariadb.digest.summary import StatementClass
from .._mariadb.identifiers import quote_identifier
from .._mariadb.indexes import Index, Query
from .._mariadb.plans import fetched_share, read_table_facts

TABLE_PREFIX = "tab"
# Frappe gives every DocType one of these and makes it again at each migration.
STANDARD_INDEX_COLUMNS = frozenset({"modified", "creation", "parent"})
# Frappe's own tables that are no DocType, but are called like one.
FRAMEWORK_TABLES = frozenset({"tabSingles", "tabSeries", "tabSessions"})
# Frappe's code gives this one a name of its own.
FRAMEWORK_INDEXES = frozenset({("tabEmail Queue", "index_bulk_flush")})
# Looking at more columns of one table costs more than it finds.
MOST_COLUMNS = 4


@dataclass(frozen=True)
class IndexAdvice:
    """An index that would help a slow statement."""

    schema: str
    table: str
    column: str
    table_rows: int
    fetched_percent: float
    statement_id: str
    share_percent: float

    @property
    def text(self) -> str:
        """Say why, in one sentence."""
        return (
            f"statement {self.statement_id} ({self.share_percent:.0f} % of the slow time) reads all of {self.table}, "
            f"about {self.table_rows} rows; an index on {self.column} would fetch {self.fetched_percent:.1f} %"
        )

    def command(self, site: str) -> str:
        """Return the command that adds it so that Frappe keeps it (as a Property Setter)."""
        doctype = self.table[len(TABLE_PREFIX) :]
        words = ("bench", "--site", site, "add-database-index", "--doctype", doctype, "--column", self.column)
        return " ".join(map(shlex.quote, words))

    def as_dict(self, site: str) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "table": self.table,
            "column": self.column,
            "table_rows": self.table_rows,
            "fetched_percent": round(self.fetched_percent, 2),
            "text": self.text,
            "command": self.command(site),
        }


def missing_indexes(query: Query, kind: StatementClass, plan: Plan) -> list[IndexAdvice]:
    """Return the index that helps most for each table that a plan reads whole.

    A table with less than 1000 rows needs none, and a column of which a lookup fetches 30 % or more of the table is not
    worth one (Frappe's own database optimizer). Only tables of DocTypes are looked at.
    """
    found = []
    for access in plan.tables:
        table = table_of(access.alias, kind.slowest)
        facts = read_table_facts(query, kind.schema, table) if table.startswith(TABLE_PREFIX) else None
        if facts is None or facts.rows < MANY_ROWS or not reads_too_much(access, facts):
            continue
        columns = worth_an_index(wanted_columns(access, plan), facts)[:MOST_COLUMNS]
        shares = {column: fetched_share(query, kind.schema, table, column) for column in columns}
        best = min(columns, key=lambda column: shares[column], default="")
        if best and shares[best] < MOST_FETCHED:
            found.append(
                IndexAdvice(kind.schema, table, best, facts.rows, 100 * shares[best], kind.id, kind.share_percent)
            )
    return found


def declared_columns(query: Query, schema: str) -> set[tuple[str, str]]:
    """Return table and column of each index that a DocType, a Custom Field or a Property Setter declares."""
    database = quote_identifier(schema)
    rows = query(
        f"SELECT parent, fieldname FROM {database}.tabDocField WHERE search_index = 1 OR `unique` = 1"  # noqa: S608
        f" UNION SELECT dt, fieldname FROM {database}.`tabCustom Field` WHERE search_index = 1 OR `unique` = 1"
        f" UNION SELECT doc_type, field_name FROM {database}.`tabProperty Setter`"
        " WHERE property IN ('search_index', 'unique') AND `value` = '1'"
    )
    return {(f"{TABLE_PREFIX}{doctype}", str(column)) for doctype, column in rows}


def is_declared(index: Index, declared: Collection[tuple[str, str]]) -> bool:
    """Tell whether Frappe would make an index again at the next migration, so that dropping it is of no use.

    Those of several columns are declared in the code of apps alone (``frappe.db.add_index``), which names them so.
    """
    if index.table in FRAMEWORK_TABLES or (index.table, index.name) in FRAMEWORK_INDEXES:
        return True
    if index.name.endswith("_".join(index.columns) + "_index"):
        return True
    if len(index.parts) != 1:
        return False
    (column,) = index.columns
    return column in STANDARD_INDEX_COLUMNS or (index.table, column) in declared
