"""Importing tables, file by file, into an empty database of a server on this host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._system.placing import check_size
from ..._system.progress import ProgressReporter
from ..dump.forms import DefinerStatement
from ..dump.rewrite import with_definer
from ..dump.session import SessionSettings
from ..load_target import ROWS_OF_MANIFEST, LoadResult, LoadTarget, Watch
from ..loader_jobs import LoadCounter
from ..loader_pool import WorkerPool, watched
from ..loader_session import LoadSession
from .definitions import definer_statement, dependent_last, sequence_statements
from .import_jobs import ImportJob, ImportSource, database_folder
from .schema import Schema


def import_tablespaces(
    source: ImportSource, target: LoadTarget, datadir: Path, progress: ProgressReporter, watch: Watch
) -> LoadResult:
    """Import tables into an empty database.

    Each connection takes one table after the other, the largest first: creates it, copies its files, imports them and
    counts its rows. So disk and processors are busy at the same time, and what is imported is still in memory.
    The sizes of all files are compared before anything is created, and no file gets the name of a table's before
    exactly its bytes were hashed and compared. InnoDB writes to the files, hence they are never hard links.

    Args:
        source: The tables.
        target: The database; ``is_logged`` must be false where the server writes a binary log, since a replica, or a
            replay of the log, could not import what it has no files of.
        datadir: The server's data directory, on this host.
        progress: Told how far it is; raises when nobody listens any more.
        watch: Asked twice a second; an error that it returns ends the import at once.

    Raises:
        LifeboatError: ``artifact_missing``, ``artifact_truncated`` and ``artifact_corrupt`` for the files;
            ``disk_space``; ``statement_refused`` for a definition that no site has; ``proof_failed`` for a table that
            cannot be read to its end; what the server refused; what ``watch`` and ``progress`` said. The database then
            holds a part of the tables: drop it.
    """
    tablespaces = source.tablespaces
    for table in tablespaces.tables:
        for file in table.files:
            check_size(tablespaces.folder / file.name, file.size_bytes)
    progress.start("load", tablespaces.size_bytes, len(tablespaces.tables))
    counter = LoadCounter()

    def open_session() -> LoadSession:
        return LoadSession(target.login, target.database, SessionSettings(), target.is_logged)

    def tick() -> None:
        progress.update(counter.done_bytes, counter.done_tables, counter.item_name)

    result = LoadResult(
        loaded_bytes=tablespaces.size_bytes,
        rows_known_from=ROWS_OF_MANIFEST if source.knows_all_rows else "",
        hashed_files=source.hashed_files,
    )
    pool = WorkerPool(open_session, target.connections, tick)
    with _administrator(target) as administrator, database_folder(datadir, target.database) as folder:
        jobs = [
            ImportJob(number, definition, files, source, folder, counter, result.rows, pool.raise_if_ended)
            for number, (definition, files) in enumerate(zip(tablespaces.schema.tables, tablespaces.tables))
        ]
        try:
            with watched(pool, watch):
                for job in sorted(jobs, key=lambda job: job.files.size_bytes, reverse=True):
                    if not job.needs_administrator:
                        pool.submit(job)
                pool.finish()
                for job in jobs:
                    if job.needs_administrator:
                        job.run(administrator)
                        pool.check()
        finally:
            pool.close()
        _create_the_rest(tablespaces.schema, target, administrator, result)
    return result


@contextmanager
def _administrator(target: LoadTarget) -> Iterator[LoadSession]:
    session = LoadSession(target.administrator, target.database, SessionSettings(), target.is_logged)
    try:
        yield session
    finally:
        session.close()


def _create_the_rest(schema: Schema, target: LoadTarget, session: LoadSession, result: LoadResult) -> None:
    for sequence in schema.sequences:
        for statement in sequence_statements(sequence):
            session.define(statement, sequence.name, 0)
    for view in dependent_last(schema.views):
        _create(definer_statement(view), view.name, target, session)
    for trigger in schema.triggers:
        _create(definer_statement(trigger), trigger.name, target, session)
    result.sequences, result.views, result.triggers = len(schema.sequences), len(schema.views), len(schema.triggers)


def _create(statement: DefinerStatement, name: str, target: LoadTarget, session: LoadSession) -> None:
    session.use(statement.session)
    session.define(with_definer(statement, target.login.login_user or "", target.definer_host), name, 0)
