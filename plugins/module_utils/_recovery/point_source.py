"""A point in time as the source of a database: built from a base and logs in a private server, then taken out of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Callable, cast

from .._backups.manifest import PHYSICAL
from .._mariadb.binlog.events import FIRST_OFFSET
from .._mariadb.binlog.logs import LogFile
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.connection import connect, server_errors
from .._mariadb.dump.stream import open_sql
from .._mariadb.dump_command import dump_database
from .._mariadb.load_target import LoadResult, LoadTarget, Watch
from .._mariadb.loader import LoadOptions, load_dump
from .._mariadb.private_server import PrivateServer
from .._mariadb.server import ServerFacts, database_exists
from .._mariadb.tablespaces.export import export_database
from .._mariadb.tablespaces.import_jobs import ImportSource
from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .._system.progress import ProgressReporter
from .base_load import load_base
from .database_source import DatabaseSource, Loadable, Origin
from .flashback import flash_back
from .journal import Journal
from .record_summary import DATABASE_STEP, REST_STEP
from .replay import REPLAY_SETTINGS
from .replay_course import Stretch
from .replay_plan import ReplayPlan, plan_rest
from .replay_run import run_replay
from .tablespace_source import LoadableTablespaces
from .undo import Undo

SERVER_NAME, TABLES_NAME = "server", "tables"
# The dump of a server of our own is limited by its data alone.
DUMP_LIMIT_BYTES = 1 << 50


@dataclass(frozen=True)
class LogAccess:
    """The calls with which the logs of the site's server are reached.

    Attributes:
        since: Returns all logs from a position on, without a gap.
        close_site: Closes the site, so that its log has an end.
        end_seconds: Returns of when the data is that all of the logs lead to, seconds since the epoch.
    """

    since: Callable[[BinlogPosition], Sequence[LogFile]]
    close_site: Callable[[], None]
    end_seconds: Callable[[], float]


@dataclass(frozen=True)
class PointInTimeSource:
    """A base and what is replayed onto it.

    Attributes:
        base: The set, or the part of it, that the private server is filled from.
        plan: What is replayed.
        journal: Of the recovery, under its lock.
        logs: The logs.
        page_size_bytes: Of the tablespaces of the site.
        kind: How it gets out of the private server: physical, as files of tables, or logical, as a dump.
        reserve_bytes: What must stay free where the private server lies.
    """

    base: DatabaseSource
    plan: ReplayPlan
    journal: Journal
    logs: LogAccess
    page_size_bytes: int
    kind: str = PHYSICAL
    reserve_bytes: int = 0

    @property
    def origin(self) -> Origin:
        """What tells it apart from other sources."""
        undone = f" without {self.plan.undo.gtid}" if self.plan.undo else ""
        point = self.plan.target if self.plan.is_latest else self.plan.until.gtid
        return Origin(f"{self.base.origin.path}@{point}{undone}", self.base.origin.size_bytes)

    @contextmanager
    def opened(self, scratch: Path, progress: ProgressReporter, /) -> Iterator[Loadable]:
        """Build it; what an earlier run left in the scratch folder is removed first, and everything at the end.

        Raises:
            LifeboatError: What loading the base, replaying and undoing raise; ``replay_failed`` when the site had no
                database at that moment.
        """
        shutil.rmtree(scratch, ignore_errors=True)
        make_private_folder(scratch)
        settings = {**REPLAY_SETTINGS, "innodb_page_size": self.page_size_bytes}
        try:
            with PrivateServer(scratch / SERVER_NAME, settings) as server:
                self._build(server, progress)
                if self.kind == PHYSICAL:
                    progress.start("take the tables out of the private server")
                    with self.journal.step(f"{DATABASE_STEP}.export") as found:  # pylint: disable=contextmanager-generator-missing-cleanup
                        tables = export_database(server, self.plan.database, scratch / TABLES_NAME)
                        found["bytes"] = tables.size_bytes
                    server.remove()
                    yield LoadableTablespaces(ImportSource(tables, may_move=True))
                else:
                    yield _DumpOfServer(server, self.plan.database)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _build(self, server: PrivateServer, progress: ProgressReporter) -> None:
        step = self.journal.step
        with step(f"{DATABASE_STEP}.base") as found:
            loaded = load_base(server, self.base, self.plan.database, progress, self.reserve_bytes)
            found["bytes"] = loaded.loaded_bytes
        with step(f"{DATABASE_STEP}.replay") as found:
            plan = replace(self.plan, stretches=self._where_they_are_now())
            run_replay(server, plan, progress)
            found.update(bytes=plan.replayed_bytes, replayed=_replayed(plan, plan.transactions))
        if self.plan.undo is not None:
            # Nothing behind it touches its rows, so its place in the order is free: what speaks against it is found
            # here, while the site still serves.
            with step(f"{DATABASE_STEP}.undo"):
                flash_back(server, self.plan.database, self.plan.undo, self._log_of(self.plan.undo))
        if self.plan.is_latest:
            self.logs.close_site()
            with step(REST_STEP) as found:
                rest = plan_rest(self.plan, self.logs.since(self._needed_from()), self.logs.end_seconds())
                run_replay(server, rest, progress)
                transactions = self.plan.transactions + rest.transactions
                found.update(bytes=rest.replayed_bytes, replayed=_replayed(rest, transactions))
        self._refuse_nothing(server)

    def _log_of(self, undo: Undo) -> Path:
        return next(log.path for log in self.logs.since(self._needed_from()) if log.name == undo.file)

    def _where_they_are_now(self) -> tuple[Stretch, ...]:
        if not self.plan.stretches:
            return ()
        first = self.plan.stretches[0]
        paths = {log.name: log.path for log in self.logs.since(BinlogPosition("", first.name, first.since_offset))}
        return tuple(replace(stretch, path=paths[stretch.name]) for stretch in self.plan.stretches)

    def _needed_from(self) -> BinlogPosition:
        undo = self.plan.undo
        return BinlogPosition("", undo.file if undo else self.plan.until.file, FIRST_OFFSET)

    def _refuse_nothing(self, server: PrivateServer) -> None:
        with closing(connect(server.login)) as connection, server_errors("look at the private server"):
            if database_exists(connection, self.plan.database):
                return
        raise LifeboatError(
            f"Cannot recover to {self.plan.target}: the database of the site did not exist at that moment, it had been "
            "dropped (by a restore, for instance). Choose a moment before or after.",
            "replay_failed",
            {"database": self.plan.database},
        )


def _replayed(plan: ReplayPlan, transactions: int) -> dict[str, object]:
    """Return what the record says of a replay that is through."""
    return {
        "until": plan.until.as_dict(),
        "gtid": plan.until.gtid,
        "transactions": transactions,
        "recovery_point": plan.recovery_point,
    }


@dataclass(frozen=True)
class _DumpOfServer:
    """The database of a private server, loaded as a dump that is never on a disk."""

    server: PrivateServer
    database: str

    def needed_bytes(self, _datadir: Path, /) -> int:
        """Return 0: how long the SQL of a dump is shows when it is read."""
        return 0

    def load(self, target: LoadTarget, facts: ServerFacts, progress: ProgressReporter, watch: Watch) -> LoadResult:
        """Load the dump while it is made; see ``load_dump``."""
        options = LoadOptions(**vars(target), max_allowed_packet_bytes=facts.max_allowed_packet_bytes)
        with dump_database(self.server.login, self.database, with_position=False) as dump:
            return load_dump(open_sql(cast(BinaryIO, dump), DUMP_LIMIT_BYTES), options, progress, watch)
