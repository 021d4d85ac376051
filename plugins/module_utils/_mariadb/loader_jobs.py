"""What is done for one table of a load, piece by piece on any connection: create it, add rows, add keys, count."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from .._system.errors import LifeboatError
from .dump.forms import CreateSequence
from .dump.rewrite import statements_that_add_keys, without_later_keys
from .dump.summary import plain_name
from .dump.tables import CreateTable
from .dump.tokenizer import Rows
from .loader_pool import Job
from .loader_session import LoadSession

# Below this, building keys afterwards costs more than inserting into them.
SMALL_TABLE_BYTES = 1 << 20


class LoadCounter:
    """Bytes and tables that are done, counted by the threads and read by the caller."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done_bytes = 0
        self.done_tables = 0
        self.item_name = ""

    def add(self, item_name: str, size_bytes: int = 0, tables: int = 0) -> None:
        """Count what was done, and for which table."""
        with self._lock:
            self.done_bytes += size_bytes
            self.done_tables += tables
            self.item_name = item_name


class TableLoad:
    """A table on its way: its rows may go over all connections; its keys and its count wait for the last of them."""

    def __init__(self, form: CreateTable, counter: LoadCounter) -> None:
        self.form = form
        self.name = plain_name(form.name)
        self.counter = counter
        self.rows = 0
        self.later_keys: list[bytes] = []
        self.is_begun = False
        self.is_broken = False
        self.is_created = threading.Event()
        self._lock = threading.Lock()
        self._open_shares = 1  # the reader's own, returned when it has seen the last row

    def begin(self, first_rows_bytes: int) -> bytes:
        """Decide whether keys wait, and return the definition to create the table with."""
        self.is_begun = True
        if first_rows_bytes < SMALL_TABLE_BYTES:
            return self.form.text
        self.later_keys = statements_that_add_keys(self.form)
        return without_later_keys(self.form)

    def take_share(self) -> None:
        """Announce a job that adds rows."""
        with self._lock:
            self._open_shares += 1

    def return_share(self) -> Sequence[Job]:
        """Say that a job is done, or that no further job comes; return what follows when that was the last."""
        with self._lock:
            self._open_shares -= 1
            return [] if self._open_shares else [FinishJob(self)]


class RowsJob:
    """Rows of one table, added in one transaction; the first job of a table creates it as well."""

    def __init__(self, table: TableLoad) -> None:
        self.size_bytes = 0
        self.definition: bytes | None = None
        self._table = table
        self._line = table.form.line
        self._batches: list[Rows] = []

    def add(self, rows: Rows) -> None:
        """Add rows."""
        if not self._batches:
            self._line = rows.line
        self._batches.append(rows)
        self.size_bytes += len(rows.text)

    def run(self, session: LoadSession) -> Sequence[Job]:
        """Create the table, or wait until that is done elsewhere; then add the rows."""
        table = self._table
        if self.definition is not None:
            self._create(session, self.definition)
        table.is_created.wait()
        if table.is_broken:
            return []
        if self._batches:
            session.add_rows(self._batches, table.name, self._line, can_be_undone=table.form.is_transactional)
        table.counter.add(table.name, self.size_bytes)
        return table.return_share()

    def _create(self, session: LoadSession, definition: bytes) -> None:
        table = self._table
        try:
            session.define(definition, table.name, table.form.line)
        except LifeboatError:
            table.is_broken = True
            raise
        finally:
            table.is_created.set()


class FinishJob:
    """Adds the keys that waited, then counts the rows and compares them with those of the dump."""

    size_bytes = 0

    def __init__(self, table: TableLoad) -> None:
        self._table = table

    def run(self, session: LoadSession) -> Sequence[Job]:
        """Add the keys and count.

        Raises:
            LifeboatError: ``proof_failed`` when the table holds another number of rows than the dump.
        """
        table = self._table
        for statement in table.later_keys:
            table.counter.add(f"keys of {table.name}")
            session.define(statement, table.name, table.form.line)
        counted = session.count_rows(table.form.name, table.name)
        if counted != table.rows:
            raise LifeboatError(
                f"The staged table {table.name} has {counted} rows, the dump has {table.rows}. What was staged must "
                "not go live and is dropped. Look at the server's error log, then run this again.",
                "proof_failed",
                {"table": table.name, "rows": counted, "rows_in_dump": table.rows},
            )
        table.counter.add(table.name, tables=1)
        return []


class SequencesJob:
    """Sequences and their values, in the order of the dump."""

    size_bytes = 0

    def __init__(self, forms: Sequence[CreateSequence]) -> None:
        self._forms = tuple(forms)

    def run(self, session: LoadSession) -> Sequence[Job]:
        """Create them."""
        for form in self._forms:
            session.define(form.text, plain_name(form.name), form.line)
        return []
