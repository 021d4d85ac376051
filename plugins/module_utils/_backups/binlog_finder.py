"""Finding a transaction: who changed what, when, by numbers and names alone. Pure but for the logs that it reads."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._mariadb.binlog.logs import LogFile, read_transactions
from .._mariadb.binlog.transactions import TableChange, Transaction
from .recovery_point import format_moment

INSERT, UPDATE, DELETE, SCHEMA = "insert", "update", "delete", "schema"
OPERATIONS = (INSERT, UPDATE, DELETE, SCHEMA)
NEWEST, OLDEST, LARGEST = "newest", "oldest", "largest"
ORDERS = (NEWEST, OLDEST, LARGEST)
# A table of a DocType is called like it, with this before.
DOCTYPE_PREFIX = "tab"
# A migration changes hundreds of tables at once; the largest changes say what it was.
SHOWN_TABLES = 20


@dataclass(frozen=True)
class Criteria:
    """Which transactions are looked for.

    Attributes:
        databases: Of these; empty for any.
        tables: That change one of these tables, or name it in a change of the schema; a DocType may stand for its
            table. Empty for any.
        operations: That do one of these; empty for any.
        since_seconds, until_seconds: That committed in this time, ends included; None for any.
        minimal_rows: That change at least so many rows, counted in these tables by these operations. A change of the
            schema counts as more than any number of rows.
        order: ``newest``, ``oldest`` or ``largest`` first.
        limit: How many are wanted.
    """

    databases: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    since_seconds: float | None = None
    until_seconds: float | None = None
    minimal_rows: int = 0
    order: str = NEWEST
    limit: int = 20

    def rows(self, change: TableChange) -> int:
        """Return how many rows of a table's change count."""
        if self.databases and change.database not in self.databases:
            return 0
        if self.tables and not self.tables & {change.table, change.table[len(DOCTYPE_PREFIX) :]}:
            return 0
        by_operation = {INSERT: change.inserted, UPDATE: change.updated, DELETE: change.deleted}
        return sum(rows for operation, rows in by_operation.items() if operation in (self.operations or by_operation))

    def changes_schema(self, transaction: Transaction) -> bool:
        """Tell whether a transaction has a statement that changes a schema, or rows by its text, and is meant."""
        if self.operations and SCHEMA not in self.operations:
            return False
        names = self.tables | {f"{DOCTYPE_PREFIX}{name}" for name in self.tables}
        return any(
            (not self.databases or statement.databases & self.databases)
            and (not names or statement.names & names or statement.kind == "DROP DATABASE")
            for statement in transaction.statements
        )

    def is_in_time(self, transaction: Transaction) -> bool:
        """Tell whether it committed in the time that is asked for."""
        at = transaction.committed_at_seconds
        is_late_enough = self.since_seconds is None or at >= self.since_seconds
        return is_late_enough and (self.until_seconds is None or at <= self.until_seconds)


@dataclass(frozen=True)
class Found:
    """What a search found: the transactions in the order that was asked for, and how many there were."""

    transactions: tuple[tuple[Transaction, int], ...]
    matching: int
    read: int


def find_transactions(logs: Sequence[LogFile], criteria: Criteria) -> Found:
    """Look for transactions in logs that follow each other.

    Raises:
        LifeboatError: As ``read_transactions`` does.
    """
    best: list[tuple[tuple[int, ...], int, Transaction, int]] = []
    matching = number = 0
    for number, transaction in enumerate(read_transactions(logs), 1):
        if not criteria.is_in_time(transaction):
            continue
        rows = sum(map(criteria.rows, transaction.tables))
        if criteria.changes_schema(transaction) or rows >= max(criteria.minimal_rows, 1):
            matching += 1
            entry = (_rank(criteria.order, number, rows), number, transaction, rows)
            if len(best) < criteria.limit:
                heapq.heappush(best, entry)
            else:
                heapq.heappushpop(best, entry)
    ordered = sorted(best, reverse=True)
    return Found(tuple((transaction, rows) for _rank, _number, transaction, rows in ordered), matching, number)


def _rank(order: str, number: int, rows: int) -> tuple[int, ...]:
    """Return what is the larger, the more a transaction is wanted."""
    if order == OLDEST:
        return (-number,)
    return (rows, number) if order == LARGEST else (number,)


def describe_transaction(transaction: Transaction, matching_rows: int, site: str) -> dict[str, Any]:
    """Return what a person needs to know of a transaction, as JSON values without any value of a row.

    Args:
        transaction: The transaction.
        matching_rows: Its rows that were asked for.
        site: The site for which the commands are; "" leaves them open.
    """
    tables = sorted(transaction.tables, key=lambda table: -table.rows)
    reason = why_not_undone(transaction)
    target = f"-e site={site} " if site else ""
    return {
        "gtid": str(transaction.gtid),
        "committed_at": format_moment(transaction.committed_at_seconds),
        "file": transaction.file,
        "offset": transaction.begin_offset,
        "databases": sorted(transaction.databases),
        "statements": [statement.kind for statement in transaction.statements],
        "originals": list(transaction.originals),
        "tables": [_described_table(table) for table in tables[:SHOWN_TABLES]],
        "table_count": len(tables),
        "rows": transaction.rows,
        "matching_rows": matching_rows,
        "thread_id": transaction.thread_id,
        "xa": transaction.xa,
        "recover": f"{target}-e recover_to=before:{transaction.gtid}",
        "undo": "" if reason else f"{target}-e undo={transaction.gtid}",
        "not_undone_because": reason,
    }


def _described_table(table: TableChange) -> dict[str, Any]:
    return {
        "database": table.database,
        "table": table.table,
        "inserted": table.inserted,
        "updated": table.updated,
        "deleted": table.deleted,
        "exact": table.is_exact,
    }


def why_not_undone(transaction: Transaction) -> str:
    """Return why a transaction cannot be undone alone; "" where that can be tried."""
    if transaction.has_row_statements:
        return "it was logged as statements, not as rows"
    if transaction.statements:
        return "it changes a schema"
    if not transaction.tables:
        return "it changes no row"
    if not transaction.has_full_images:
        return "its row images do not hold all columns"
    return "it is part of an XA transaction" if transaction.xa else ""
