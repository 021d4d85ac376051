"""Loading a dump into an empty database over several connections, checked while it goes."""

from __future__ import annotations

from dataclasses import dataclass

from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .dump.forms import CreateSequence, DefinerStatement, EndOfTable, FormReader, StandInView
from .dump.rewrite import with_definer
from .dump.stream import SqlStream
from .dump.summary import FOOTER, plain_name
from .dump.tables import CreateTable
from .dump.tokenizer import BATCH_BYTES, ROW_LIMIT_BYTES, Comment, Rows, Statement, statement_refused, statements
from .load_target import ROWS_OF_DUMP, LoadResult, LoadTarget, Watch
from .loader_jobs import LoadCounter, RowsJob, SequencesJob, TableLoad
from .loader_pool import BUFFER_BYTES, WorkerPool, watched
from .loader_session import LoadSession

# One transaction: large enough that waiting for the disk at its end does not count, small enough to be spread.
TRANSACTION_BYTES = 16 << 20
# A statement's first words and the protocol's own bytes.
PACKET_MARGIN_BYTES = 64 << 10


@dataclass(frozen=True)
class LoadOptions(LoadTarget):
    """How a dump is loaded.

    Attributes:
        max_allowed_packet_bytes: The longest statement that the server takes.
        total_sql_bytes: The length of the SQL, for the progress; 0 when it is not known.
        total_tables: How many tables there are, for the progress; 0 when it is not known.
    """

    max_allowed_packet_bytes: int
    total_sql_bytes: int = 0
    total_tables: int = 0


def load_dump(stream: SqlStream, options: LoadOptions, progress: ProgressReporter, watch: Watch) -> LoadResult:
    """Load a dump into an empty database.

    Rows go over all connections, several statements a transaction; the keys of a table that is complete are built
    while others are loaded; each table is counted when it is done. Views and triggers come last, when nothing can fire.

    Args:
        stream: The dump, decrypted and decompressed.
        options: Where to and how.
        progress: Told how far it is; raises when nobody listens any more.
        watch: Asked twice a second from a thread of its own; an error that it returns ends the load at once.

    Raises:
        LifeboatError: What is wrong with the dump, what the server refused, or what ``watch`` and ``progress`` said.
            The database then holds a part of the dump: drop it.
    """
    progress.start("load", options.total_sql_bytes, options.total_tables)
    forms = FormReader()
    counter = LoadCounter()

    def open_session() -> LoadSession:
        return LoadSession(options.login, options.database, forms.session.header, options.is_logged)

    def tick() -> None:
        progress.update(counter.done_bytes, counter.done_tables, counter.item_name)

    pool = WorkerPool(open_session, options.connections, tick)
    try:
        with watched(pool, watch):
            reader = _DumpReader(pool, forms, counter, options)
            reader.read(stream)
            pool.finish()
            reader.create_views_and_triggers()
            pool.finish()
    finally:
        pool.close()
    reader.result.loaded_bytes = stream.bytes_read
    return reader.result


class _DumpReader:
    """Turns what the dump holds into jobs."""

    def __init__(self, pool: WorkerPool, forms: FormReader, counter: LoadCounter, options: LoadOptions) -> None:
        self.result = LoadResult(rows_known_from=ROWS_OF_DUMP)
        self._pool = pool
        self._forms = forms
        self._counter = counter
        self._options = options
        self._row_limit_bytes = min(ROW_LIMIT_BYTES, options.max_allowed_packet_bytes - PACKET_MARGIN_BYTES)
        self._job_bytes = min(TRANSACTION_BYTES, BUFFER_BYTES // (2 * options.connections + 2))
        self._table: TableLoad | None = None
        self._job: RowsJob | None = None
        self._sequences: list[CreateSequence] = []
        self._stand_ins: list[StandInView] = []
        self._definer_statements: list[DefinerStatement] = []

    def read(self, stream: SqlStream) -> None:
        is_complete = False
        batch_bytes = min(BATCH_BYTES, self._row_limit_bytes)
        for token in statements(stream, batch_bytes=batch_bytes, row_limit_bytes=self._row_limit_bytes):
            self._pool.check()
            if isinstance(token, Comment):
                is_complete = FOOTER.match(token.text) is not None
                continue
            is_complete = False
            if isinstance(token, Rows):
                self._take_rows(token)
            else:
                self._take_statement(token)
        self._end_table()
        self._create_sequences()
        if not is_complete:
            raise LifeboatError(
                "Refused the dump: its last line is not `-- Dump completed`, so it was cut off while it was made or "
                "copied, even though it can be read. Choose another backup set.",
                "artifact_incomplete",
            )

    def _take_statement(self, statement: Statement) -> None:
        form = self._forms.read(statement)
        if isinstance(form, CreateTable):
            self._end_table()
            self._create_sequences()
            self._table = TableLoad(form, self._counter)
            self._job = RowsJob(self._table)
        elif isinstance(form, EndOfTable):
            self._end_table()
        elif isinstance(form, CreateSequence):
            self._sequences.append(form)
        elif isinstance(form, StandInView):
            self._stand_ins.append(form)
        elif isinstance(form, DefinerStatement):
            self._definer_statements.append(form)

    def _take_rows(self, rows: Rows) -> None:
        table, job = self._table, self._job
        if table is None or job is None or rows.table != table.form.name:
            raise statement_refused(rows.line, "an INSERT into another table than the one that it just created")
        table.rows += rows.count
        job.add(rows)
        if job.size_bytes >= self._job_bytes:
            self._submit(table, job)
            self._job = RowsJob(table)

    def _submit(self, table: TableLoad, job: RowsJob) -> None:
        if not table.is_begun:
            job.definition = table.begin(job.size_bytes)
        table.take_share()
        self._pool.submit(job)

    def _end_table(self) -> None:
        table, job = self._table, self._job
        if table is None or job is None:
            return
        if job.size_bytes or not table.is_begun:
            self._submit(table, job)
        for finish in table.return_share():
            self._pool.submit(finish)
        self.result.rows[table.name] = table.rows
        self._table = self._job = None

    def _create_sequences(self) -> None:
        if self._sequences:
            self._pool.submit(SequencesJob(self._sequences))
            self.result.sequences += len({form.name for form in self._sequences})
            self._sequences = []

    def create_views_and_triggers(self) -> None:
        """Create them in the dump's order, the stand-ins of views first, since views read each other."""
        options = self._options
        if not self._definer_statements:
            return
        session = LoadSession(options.administrator, options.database, self._forms.session.header, options.is_logged)
        try:
            for stand_in in self._stand_ins:
                session.define(stand_in.text, plain_name(stand_in.name), stand_in.line)
            for statement in self._definer_statements:
                session.use(statement.session)
                text = with_definer(statement, options.login.login_user or "", options.definer_host)
                session.define(text, plain_name(statement.name), statement.line)
        finally:
            session.close()
        self.result.views = sum(statement.kind == "view" for statement in self._definer_statements)
        self.result.triggers = len(self._definer_statements) - self.result.views
