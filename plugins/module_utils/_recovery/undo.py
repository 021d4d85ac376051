"""Undoing one transaction of a site: what it did, and whether something was written over it since. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._backups.recovery_point import format_moment
from .._mariadb.binlog.row_images import RowChange
from .._mariadb.binlog.tables import DELETED, INSERTED
from .._mariadb.binlog.transactions import TableChange, Transaction
from .._system.errors import LifeboatError

DIGEST_BYTES = 16


@dataclass(frozen=True)
class Undo:
    """A transaction that is undone in the copy of the site.

    Attributes:
        gtid: Its id.
        committed_at: When it was committed, RFC 3339 in UTC.
        file, begin_offset, end_offset: Where it lies in the log.
        tables: What it had done to the tables of the site; undoing it does the opposite.
    """

    gtid: str
    committed_at: str
    file: str
    begin_offset: int
    end_offset: int
    tables: tuple[TableChange, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values; no value of a row is in it."""
        return {**asdict(self), "tables": [asdict(table) for table in self.tables]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Undo:
        """Read what ``as_dict`` returned."""
        return cls(**{**values, "tables": tuple(TableChange(**table) for table in values["tables"])})

    def added_rows(self) -> dict[str, int]:
        """Return by how many rows each table grows when the transaction is undone."""
        return {table.table: table.deleted - table.inserted for table in self.tables}


def plan_undo(transaction: Transaction, database: str) -> Undo:
    """Return what there is to undo of a transaction, as far as it is of one database.

    Raises:
        LifeboatError: ``undo_refused`` when it did more than change rows of the site.
    """
    gtid = str(transaction.gtid)
    tables = tuple(table for table in transaction.tables if table.database == database)
    if transaction.statements or transaction.is_ddl:
        raise undo_refused(gtid, "it changed more than rows (a schema, or a whole database), which has no inverse")
    if transaction.xa:
        raise undo_refused(gtid, "it is a part of an XA transaction")
    if not tables:
        raise undo_refused(gtid, "it changed no row of the site")
    return Undo(
        gtid,
        format_moment(transaction.committed_at_seconds),
        transaction.file,
        transaction.begin_offset,
        transaction.end_offset,
        tables,
    )


def refuse_changed_schema(undo: Undo, later: Iterable[Transaction]) -> None:
    """Refuse when a statement has changed one of the tables, or the whole database, since.

    Args:
        undo: What is to be undone.
        later: Transactions of the site behind it that ran statements.

    Raises:
        LifeboatError: ``undo_refused``.
    """
    names = {table.table for table in undo.tables}
    for transaction in later:
        for statement in transaction.statements:
            if statement.kind.endswith((" DATABASE", " SCHEMA")) or names & statement.names:
                raise undo_refused(undo.gtid, f"{transaction.gtid} changed the schema since ({statement.kind})")


def refuse_changed_rows(undo: Undo, changes: Iterable[RowChange]) -> None:
    """Refuse when a row that the transaction left was changed since: undoing it would lose that.

    A later change of a row names the row as it was before. Only whole images are compared, no value is looked at.

    Args:
        undo: What is to be undone.
        changes: The row changes of that transaction and of all behind it, in their order.

    Raises:
        LifeboatError: ``undo_refused``.
    """
    left: Counter[tuple[str, bytes]] = Counter()
    tables = {(table.database, table.table) for table in undo.tables}
    try:
        for change in changes:
            if (change.database, change.table) in tables:
                _follow(left, change, undo)
    except ValueError as error:
        raise undo_refused(undo.gtid, "a table has a column whose length the log does not say") from error


def _follow(left: Counter[tuple[str, bytes]], change: RowChange, undo: Undo) -> None:
    before = None if change.operation == INSERTED else (change.table, _digest(change.images[0]))
    after = None if change.operation == DELETED else (change.table, _digest(change.images[-1]))
    is_its_own = str(change.gtid) == undo.gtid
    if before is not None and left[before] > 0:
        if not is_its_own:
            raise undo_refused(undo.gtid, f"a row of {change.table} was changed again by {change.gtid}")
        left[before] -= 1
    if after is not None and is_its_own:
        left[after] += 1


def _digest(image: bytes) -> bytes:
    return hashlib.blake2b(image, digest_size=DIGEST_BYTES).digest()


def undo_refused(gtid: str, why: str) -> LifeboatError:
    """Say why a transaction is not undone."""
    return LifeboatError(
        f"Refused to undo transaction {gtid}: {why}. Recover to before:{gtid} instead and enter again what was written "
        "since, or mend the rows by hand.",
        "undo_refused",
        {"gtid": gtid},
    )
