"""What a staging database is loaded from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .._backups.artifacts import open_artifact
from .._backups.manifest import LOGICAL
from .._mariadb.dump.stream import expansion_limit_bytes, open_sql
from .._mariadb.load_target import LoadResult, LoadTarget, Watch
from .._mariadb.loader import LoadOptions, load_dump
from .._mariadb.server import ServerFacts
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter


@dataclass(frozen=True)
class Origin:
    """Where it lies (and, of a point in time, up to where) and its size: what tells two sources apart."""

    path: str
    size_bytes: int


class Loadable(Protocol):
    """A source that is ready: all that could be wrong with it was looked at, as far as that is possible before."""

    def needed_bytes(self, datadir: Path, /) -> int:
        """Return how much the load will surely write into a data directory; 0 where only its end tells."""

    def load(self, target: LoadTarget, facts: ServerFacts, progress: ProgressReporter, watch: Watch) -> LoadResult:
        """Fill an empty database and count what is in it.

        Args:
            target: The database.
            facts: Its server.
            progress: Told how far it is; raises when nobody listens any more.
            watch: Asked from time to time; an error that it returns ends the load at once.
        """


class DatabaseSource(Protocol):
    """What a database can be loaded from; ``kind`` is logical or physical."""

    @property
    def kind(self) -> str:
        """How it is loaded: logical or physical."""

    @property
    def origin(self) -> Origin:
        """What tells it apart from other sources."""

    def opened(self, scratch: Path, progress: ProgressReporter, /) -> AbstractContextManager[Loadable]:
        """Make it ready, for as long as the body of the ``with`` runs.

        Args:
            scratch: A folder of its own, which need not exist, for what has to be unpacked, proven or replayed first.
            progress: Told how far it is; raises when nobody listens any more.
        """


@dataclass(frozen=True)
class DumpSource:
    """A dump as ``mariadb-dump`` writes it, compressed or not, encrypted or not.

    Attributes:
        path: The artifact.
        size_bytes: Its size.
        key: What opens it where it is encrypted.
        sql_bytes: The length of its SQL, for the progress; 0 when it is not known.
        table_count: How many tables there are, for the progress; 0 when it is not known.
    """

    path: Path
    size_bytes: int
    key: str | None = field(default=None, repr=False)
    sql_bytes: int = 0
    table_count: int = 0
    kind: str = LOGICAL

    @classmethod
    def of_file(cls, path: Path, key: str | None = None, sql_bytes: int = 0, table_count: int = 0) -> DumpSource:
        """Return the source for a dump that is there.

        Raises:
            LifeboatError: ``artifact_missing``.
        """
        try:
            size_bytes = path.stat().st_size
        except OSError as error:
            raise LifeboatError(
                f"Cannot read the dump {path}: {error.strerror}. Look whether it is still there and may be read.",
                "artifact_missing",
                {"path": str(path)},
            ) from error
        return cls(path, size_bytes, key, sql_bytes, table_count)

    @property
    def origin(self) -> Origin:
        """What tells it apart from other sources."""
        return Origin(str(self.path), self.size_bytes)

    @contextmanager
    def opened(self, _scratch: Path, _progress: ProgressReporter, /) -> Iterator[DumpSource]:
        """Return it as it is: a dump is read once, and checked while it is loaded."""
        yield self

    def needed_bytes(self, _datadir: Path, /) -> int:
        """Return 0: how long the SQL of a dump is shows when it is read."""
        return 0

    def load(self, target: LoadTarget, facts: ServerFacts, progress: ProgressReporter, watch: Watch) -> LoadResult:
        """Load the dump; see ``load_dump``."""
        options = LoadOptions(
            **vars(target),
            max_allowed_packet_bytes=facts.max_allowed_packet_bytes,
            total_sql_bytes=self.sql_bytes,
            total_tables=self.table_count,
        )
        with open_artifact(self.path, self.key) as raw:
            return load_dump(open_sql(raw, expansion_limit_bytes(self.size_bytes)), options, progress, watch)
