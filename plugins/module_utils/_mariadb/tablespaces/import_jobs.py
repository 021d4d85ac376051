"""What is done for one table of an import: create it, put its files in place, let the server take them, count."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from ..._system.errors import LifeboatError
from ..._system.placing import Ownership, copy_file, move_file
from ..identifiers import encode_file_name, quote_identifier
from ..loader_jobs import LoadCounter
from ..loader_pool import Job
from ..loader_session import LoadSession
from .definitions import table_statement
from .schema import TableDefinition
from .tablespace_set import INNODB, TableFiles, TablespaceFile, TablespaceSet

# Until a file is proven it has an ending that means nothing to a server, and that DROP DATABASE may remove.
UNPROVEN_ENDING = ".BAK"
METADATA_ENDING = ".cfg"
DATABASE_OPTIONS = "db.opt"


@dataclass(frozen=True)
class ImportSource:
    """The tables to import.

    Attributes:
        tablespaces: They and their files.
        may_move: The files are ours and were verified, so they may be moved; else each is hashed while it is copied.
        was_compared: They were hashed and compared with what a backup wrote down when they became ours.
        rows: How many rows a table must have, as far as that is known.
        reads_all: Whether every page in use is read, not only the smallest index: nobody read them before.
    """

    tablespaces: TablespaceSet
    may_move: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    reads_all: bool = False
    was_compared: bool = False

    @property
    def hashed_files(self) -> int:
        """How many files are compared with their SHA-256, now or when they became ours."""
        is_compared = self.was_compared or not self.may_move
        return sum(len(table.files) for table in self.tablespaces.tables) if is_compared else 0

    @property
    def knows_all_rows(self) -> bool:
        """Whether the rows of every table are known."""
        return all(table.name in self.rows for table in self.tablespaces.tables)


@dataclass(frozen=True)
class DatabaseFolder:
    """The folder of a database in a data directory, and whose the server's files are."""

    path: Path
    ownership: Ownership


@contextmanager
def database_folder(datadir: Path, database: str) -> Iterator[DatabaseFolder]:
    """Open the folder of a database; no link in its place can lead the files elsewhere.

    Raises:
        LifeboatError: ``server_not_local`` when this account cannot get there.
    """
    path = datadir / encode_file_name(database)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise LifeboatError(
            f"Cannot put files into {path}: {error.strerror}. Run this as root on the host of the server.",
            "server_not_local",
            {"path": str(path)},
        ) from error
    try:
        # The server itself wrote this file when it created the database.
        model = os.stat(DATABASE_OPTIONS, dir_fd=descriptor)
        yield DatabaseFolder(
            Path(f"/proc/self/fd/{descriptor}"), Ownership(model.st_uid, model.st_gid, model.st_mode & 0o777)
        )
    finally:
        os.close(descriptor)


class ImportJob:
    """One table: on one connection from its creation to its count.

    Args:
        number: Tells it apart from the other tables of the import.
        definition: What creates it.
        files: Its files.
        source: The set that they are of.
        folder: Where they go.
        counter: Told what was done.
        rows: Gets the number of rows.
        go_on: Called with each piece that is copied; raises when all of it is for nothing.
    """

    size_bytes = 0

    def __init__(
        self,
        number: int,
        definition: TableDefinition,
        files: TableFiles,
        source: ImportSource,
        folder: DatabaseFolder,
        counter: LoadCounter,
        rows: dict[str, int],
        go_on: Callable[[], None],
    ) -> None:
        self.files = files
        self._definition = definition
        self._source = source
        self._folder = folder
        self._counter = counter
        self._rows = rows
        self._go_on = go_on
        self._quoted = quote_identifier(definition.name).encode()
        self._provisional_name = f"import {number}"

    @property
    def needs_administrator(self) -> bool:
        """Whether the staging account may not do it: it cannot make the server close a table."""
        return self.files.engine != INNODB

    def run(self, session: LoadSession) -> Sequence[Job]:
        """Do it.

        Raises:
            LifeboatError: As ``import_tablespaces``.
        """
        self._counter.add(self.files.name)
        if self.files.engine == INNODB:
            self._import_tablespace(session)
        else:
            self._replace_files(session)
        self._count(session)
        self._counter.add(self.files.name, tables=1)
        return []

    def _import_tablespace(self, session: LoadSession) -> None:
        """Import a tablespace so that the server can be killed at any moment.

        Until the import has rewritten it, the file bears the id of the table that it was copied from, which often lives
        in this server. A server that finds such a file where its redo log says that a table was created does not start
        any more. So the table is created under another name, and has its own when the file comes.
        """
        self._define(session, table_statement(self._definition, self._provisional_name))
        provisional = quote_identifier(self._provisional_name).encode()
        self._define(session, b"ALTER TABLE %b DISCARD TABLESPACE" % provisional)
        self._define(session, b"RENAME TABLE %b TO %b" % (provisional, self._quoted))
        self._put_files()
        self._define(session, b"ALTER TABLE %b IMPORT TABLESPACE" % self._quoted)
        if self._definition.has_fulltext:
            # The import leaves FULLTEXT indexes out. To drop and add one in place kills MariaDB 10.11; a copy of the
            # table has them all.
            self._define(session, b"ALTER TABLE %b FORCE, ALGORITHM=COPY" % self._quoted)
        for file in self.files.files:
            if file.name.endswith(METADATA_ENDING):
                Path(self._folder.path, file.name).unlink()

    def _replace_files(self, session: LoadSession) -> None:
        close = b"FLUSH LOCAL TABLES " + self._quoted
        self._define(session, table_statement(self._definition, self.files.name))
        self._define(session, close)
        self._put_files()
        self._define(session, close)
        session.check_table(self._quoted, self.files.name, mend=True)

    def _put_files(self) -> None:
        """Bring all files of the table beside it, and only then give them their names."""
        unproven = [Path(self._folder.path, f"{file.name}{UNPROVEN_ENDING}") for file in self.files.files]
        try:
            for file, target in zip(self.files.files, unproven):
                self._bring(file, target)
            for file, path in zip(self.files.files, unproven):
                path.rename(path.with_name(file.name))
        except BaseException:
            for path in unproven:
                path.unlink(missing_ok=True)
            raise

    def _bring(self, file: TablespaceFile, target: Path) -> None:
        origin = self._source.tablespaces.folder / file.name
        try:
            if self._source.may_move:
                move_file(origin, target, self._folder.ownership)
                self._counter.add(self.files.name, file.size_bytes)
            else:
                copy_file(origin, target, self._folder.ownership, file.sha256, self._count_bytes)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise LifeboatError(
                f"Cannot import {self.files.name}: the file system of the server's data is full. What was imported is "
                "dropped; free some space there, then run this again.",
                "disk_space",
            ) from error

    def _count_bytes(self, size_bytes: int) -> None:
        self._go_on()
        self._counter.add(self.files.name, size_bytes)

    def _count(self, session: LoadSession) -> None:
        name = self.files.name
        if self._source.reads_all:
            session.check_table(self._quoted, name)
            session.read_rows(self._quoted, name)
        rows = session.count_rows(self._quoted, name)
        expected = self._source.rows.get(name)
        if expected is not None and rows != expected:
            raise LifeboatError(
                f"The staged table {name} has {rows} rows, the set's manifest says {expected}. What was staged must "
                "not go live and is dropped. Choose another set.",
                "proof_failed",
                {"table": name, "rows": rows, "rows_in_manifest": expected},
            )
        self._rows[name] = rows

    def _define(self, session: LoadSession, statement: bytes) -> None:
        session.define(statement, self.files.name, 0)
