"""Transactions of a binary log: what each changed, in numbers and names, without any value of a row."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from ..._system.errors import LifeboatError
from ..digest.fingerprint import fingerprint, shown
from . import events
from .decoding import GtidEvent, decode_gtid, decode_gtid_list, decode_incident, decode_query, decode_rotate
from .events import BinlogReader, Event
from .gtids import Gtid, GtidState
from .statements import ENDINGS, XA_ENDINGS, Statement, read_statement, transaction_control
from .tables import OPERATION_BY_TYPE, MappedTables, UnknownColumnError, decode_rows

# A transaction of a million statements is told by the first ones that differ.
SHOWN_STATEMENTS = 20
_ANNOTATION_BYTES = 2048
# Statements that are alike up to their first value are told once.
_BEFORE_VALUES = re.compile(rb"[^'\"=(<>0-9]{0,200}")
_ERRORS_OF_DECODING = (IndexError, KeyError, ValueError, OverflowError, struct.error)


@dataclass
class _Change:
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("inserted", "updated", "deleted"), 0))
    is_exact: bool = True


@dataclass(frozen=True)
class TableChange:
    """How many rows of a table a transaction changed.

    Attributes:
        is_exact: False where the log does not say how long a column is, so that each event counts as one row.
    """

    database: str
    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    is_exact: bool = True

    @property
    def rows(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Transaction:
    """One transaction, or one statement that is its own.

    Attributes:
        gtid: Its id.
        committed_at_seconds: When its last statement began (whole seconds since the epoch, UTC), as the log has it.
        file, begin_offset, end_offset: Where it lies.
        statements: What was logged as text: DDL, and in the formats STATEMENT and MIXED changes of rows. Those that
            change rows are told once for each kind, without their text.
        tables: The tables whose rows were changed by row events, in the order of their first change.
        annotations: The beginnings of the statements that made the row events, with their values, the first ones that
            differ; empty where ``binlog_annotate_row_events`` is off. Only ``originals`` may be shown.
        thread_id: The connection that ran it, where the log says it (a DDL, or MariaDB 11.5 on); else None.
        has_full_images: Whether every row image holds all columns; False with ``binlog_row_image`` MINIMAL or NOBLOB.
        is_ddl: Whether the server marked it so.
        xa: ``prepare``, ``commit``, ``rollback``, or "" where it is no part of an XA transaction.
        xid: The identifier of the XA transaction, as ``XA COMMIT`` takes it.
        incident: What the server says that it could not log, in it or just before it; "" where nothing is missing.
    """

    gtid: Gtid
    committed_at_seconds: int
    file: str
    begin_offset: int
    end_offset: int
    statements: tuple[Statement, ...] = ()
    tables: tuple[TableChange, ...] = ()
    annotations: tuple[bytes, ...] = field(default=(), repr=False)
    thread_id: int | None = None
    has_full_images: bool = True
    is_ddl: bool = False
    xa: str = ""
    xid: str = ""
    incident: str = ""

    @property
    def originals(self) -> tuple[str, ...]:
        """The statements that made the row events, without their values."""
        texts = (annotation.decode(errors="ignore") for annotation in self.annotations)
        return tuple(dict.fromkeys(shown(fingerprint(text)) for text in texts))

    @property
    def rows(self) -> int:
        """The rows of all its tables."""
        return sum(table.rows for table in self.tables)

    @property
    def has_row_statements(self) -> bool:
        """Whether a statement in it changes rows by its text: format STATEMENT or MIXED."""
        return any(statement.changes_rows for statement in self.statements)

    @property
    def databases(self) -> frozenset[str]:
        """The databases that it may concern."""
        named = (database for statement in self.statements for database in statement.databases)
        return frozenset((*named, *(table.database for table in self.tables)))


@dataclass
class _Open:
    """A transaction that is being read."""

    start: GtidEvent
    begin_offset: int
    statements: dict[tuple[str, str, str], Statement] = field(default_factory=dict)
    changes: dict[tuple[str, str], _Change] = field(default_factory=dict)
    annotations: dict[bytes, bytes] = field(default_factory=dict)
    thread_id: int | None = None
    has_full_images: bool = True
    xa_ending: str = ""


class TransactionReader:
    """Iterates over the transactions of one file; what is not ended in it is not yielded.

    Args:
        reader: The file's events.
        name: The file's name, for positions.
        counts_rows: Whether to look for the ends of rows; without it each row event counts as one row.
        known_before: What the files before hold, where that is known: it is taken for what a file does not say itself
            whose server died while it began it, and which holds nothing.

    Attributes:
        before: What the files before hold, as the file itself says at its start.
        state: What the files before and the transactions that were yielded hold.
        end_offset: Where the last whole transaction (or the file's own events before the first one) ends.
        next_file: The file that the server went on in; "" while it did not.
        incident: What the server says since the last transaction that it could not log; it goes with the next one,
            which may be in the next file.

    Raises:
        LifeboatError: As ``BinlogReader`` does; ``binlog_damaged`` also when an event cannot be understood.
    """

    def __init__(
        self, reader: BinlogReader, name: str, counts_rows: bool = True, known_before: GtidState | None = None
    ) -> None:
        self._events = iter(reader)
        self._name = name
        self._counts_rows = counts_rows
        self._tables = MappedTables()
        self._current: _Open | None = None
        self.before = self._read_gtid_list(known_before)
        self.state = self.before.copy()
        self.end_offset = reader.end_offset
        self.next_file = ""
        self.incident = ""

    def __iter__(self) -> Iterator[Transaction]:
        """Yield each transaction when its end was read."""
        for event in self._events:
            try:
                transaction = self._take(event)
            except _ERRORS_OF_DECODING as error:
                raise self._not_understood(event) from error
            if transaction is not None:
                self.state.add(transaction.gtid)
                yield transaction
            if self._current is None:
                self.end_offset = event.end_offset

    def _read_gtid_list(self, known_before: GtidState | None) -> GtidState:
        for event in self._events:
            if event.type == events.GTID_LIST:
                return decode_gtid_list(event.body)
        if known_before is not None:
            return known_before.copy()
        raise LifeboatError(
            f"Cannot read the binary log {self._name}: it ends before it says which transactions came before it. Its "
            "server died while it began the file, or its end was lost. Go on behind it: have the server remove it "
            "(PURGE BINARY LOGS TO the next one), archive with accept_gap: true, and back all its sites up.",
            "binlog_damaged",
            {"file": self._name},
        )

    def _take(self, event: Event) -> Transaction | None:
        kind = event.type
        current = self._current
        if kind == events.GTID:
            self._current = _Open(decode_gtid(event.body, event.server_id), event.offset)
            self._current.thread_id = self._current.start.thread_id
        elif kind == events.ROTATE:
            self.next_file = decode_rotate(event.body)
        elif kind == events.INCIDENT:
            self.incident = decode_incident(event.body)
        elif kind == events.TABLE_MAP:
            self._tables.add(event.body)
        elif current is not None:
            return self._take_inside(current, event)
        return None

    def _take_inside(self, current: _Open, event: Event) -> Transaction | None:
        kind = event.type
        if kind in OPERATION_BY_TYPE:
            ends_statement = self._take_rows(current, kind, event.body)
            return self._ended(event) if current.start.is_standalone and ends_statement else None
        if kind == events.ANNOTATE_ROWS:
            _remember_annotation(current, event.body)
        elif kind in (events.QUERY, events.QUERY_COMPRESSED, events.EXECUTE_LOAD_QUERY):
            return self._take_query(current, event)
        elif kind in (events.XID, events.XA_PREPARE):
            return self._ended(event)
        return None

    def _take_query(self, current: _Open, event: Event) -> Transaction | None:
        if event.type == events.EXECUTE_LOAD_QUERY:
            # What a file held was loaded; the text that follows names a file of that moment.
            statement = read_statement("LOAD DATA", "")
        else:
            query = decode_query(event.body, event.type == events.QUERY_COMPRESSED)
            current.thread_id = query.thread_id
            control = transaction_control(query.text)
            if control:
                current.xa_ending = XA_ENDINGS.get(control, "")
                return self._ended(event) if current.start.is_standalone or control in ENDINGS else None
            statement = read_statement(query.text, query.database)
        # A DDL stands alone in its transaction, or nearly; changes of rows by text are told once for each kind.
        current.statements.setdefault((statement.kind, statement.database, statement.text), statement)
        return self._ended(event) if current.start.is_standalone else None

    def _take_rows(self, current: _Open, kind: int, body: bytes) -> bool:
        """Count the rows of an event; tell whether it ends its statement."""
        rows = decode_rows(kind, body)
        splitter = self._tables.of(rows)
        if splitter is None:
            return rows.ends_statement
        change = current.changes.setdefault((splitter.table.database, splitter.table.name), _Change())
        current.has_full_images = current.has_full_images and rows.has_all_columns
        count = 1
        if self._counts_rows:
            try:
                count = splitter.count(rows)
            except UnknownColumnError:
                change.is_exact = False
        change.rows[rows.operation] += count
        return rows.ends_statement

    def _ended(self, event: Event) -> Transaction:
        current = cast(_Open, self._current)
        incident, self.incident = self.incident, ""
        self._current = None
        start = current.start
        return Transaction(
            gtid=start.gtid,
            committed_at_seconds=event.timestamp,
            file=self._name,
            begin_offset=current.begin_offset,
            end_offset=event.end_offset,
            statements=tuple(current.statements.values()),
            tables=tuple(
                TableChange(database, name, **change.rows, is_exact=change.is_exact)
                for (database, name), change in current.changes.items()
            ),
            annotations=tuple(current.annotations.values()),
            thread_id=current.thread_id,
            has_full_images=current.has_full_images,
            is_ddl=start.is_ddl,
            xa=current.xa_ending or start.xa,
            xid=start.xid,
            incident=incident,
        )

    def _not_understood(self, event: Event) -> LifeboatError:
        return LifeboatError(
            f"Cannot understand the event at byte {event.offset} of the binary log {self._name} (type {event.type}). "
            "It was damaged before its checksum was made, or the server is newer than 11.8.",
            "binlog_damaged",
            {"file": self._name, "offset": event.offset},
        )


def _remember_annotation(current: _Open, body: bytes) -> None:
    if len(current.annotations) < SHOWN_STATEMENTS:
        beginning = cast("re.Match[bytes]", _BEFORE_VALUES.match(body)).group()
        current.annotations.setdefault(beginning, body[:_ANNOTATION_BYTES])
