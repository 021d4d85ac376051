"""The binary logs behind a backup set: those of its server's archive, and those that the server still has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._backups.binlog_archive import BinlogArchive, archive_of, covering_logs, has_begun_anew
from .._backups.binlog_archiving import AUTO, ArchiveRequest, archive_binlogs
from .._backups.binlog_index import ArchivedBinlog
from .._backups.log_compression import best_compression
from .._backups.manifest import ManifestServer
from .._backups.repository import Repository
from .._mariadb.binlog.live import LiveBinlogs, read_live_binlogs
from .._mariadb.binlog.logs import LogFile
from .._mariadb.binlog.position import BinlogPosition
from .._mariadb.connection import LoginOptions
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .._system.times import parse_rfc3339

if TYPE_CHECKING:
    from pymysql.connections import Connection


@dataclass(frozen=True)
class SiteLogs:
    """Where the logs of the server are that a set comes from.

    Attributes:
        archive: The archive of that server.
        live: What the server has now; None where it is another one, writes none any more, or has begun anew.
        has_begun_anew: Whether the server has the name of the one that wrote the archive, and other logs.
    """

    archive: BinlogArchive
    live: LiveBinlogs | None
    has_begun_anew: bool = False

    @property
    def reach_now(self) -> bool:
        """Whether the file that the server writes can be read here, so that the logs hold all up to now."""
        return self.live is not None and self.live.folder is not None

    def since(self, position: BinlogPosition) -> tuple[LogFile, ...]:
        """Return all logs from a position on, without a gap.

        Raises:
            LifeboatError: ``binlog_gap`` and what else ``covering_logs`` raises.
        """
        return covering_logs(self.archive, self.live, position)

    def until_seconds(self, now_seconds: float) -> float:
        """Return up to when the logs hold what was written, seconds since the epoch."""
        if self.reach_now:
            return now_seconds
        ends = [entry.latest_commit for entry in self.archive.entries() if entry.latest_commit]
        return parse_rfc3339(max(ends)).timestamp() if ends else 0.0

    def end_seconds(self, now_seconds: float) -> float:
        """Return of when the data is that all of the logs lead to: now, unless their server writes no more of them."""
        return now_seconds if self.live is not None else self.until_seconds(now_seconds)


def find_logs(connection: Connection[Any], server: ManifestServer, repository: Repository) -> SiteLogs:
    """Look where the logs behind a set are.

    Args:
        connection: The live server, which may be another one than the set's.
        server: The server that the set comes from.
        repository: Where its archive lies.
    """
    archive = _archive_of(server, repository)
    # Before the server is asked: what another run archives afterwards must not make it look as if it were behind.
    archived = archive.entries()
    try:
        live = read_live_binlogs(connection)
    except LifeboatError as error:
        if error.error_code != "binlog_off":
            raise
        return SiteLogs(archive, None)
    return _logs_of(archive, archived, live, server)


def logs_behind(live: LiveBinlogs | None, server: ManifestServer, repository: Repository) -> SiteLogs:
    """Return where the logs behind a set are.

    Args:
        live: What the live server has, which may be another one than the set's; None where it has none.
        server: The server that the set comes from.
        repository: Where its archive lies.
    """
    archive = _archive_of(server, repository)
    return SiteLogs(archive, None) if live is None else _logs_of(archive, archive.entries(), live, server)


def _archive_of(server: ManifestServer, repository: Repository) -> BinlogArchive:
    return archive_of(repository, server.hostname, server.port)


def _logs_of(
    archive: BinlogArchive, archived: Sequence[ArchivedBinlog], live: LiveBinlogs, server: ManifestServer
) -> SiteLogs:
    identity = live.identity
    if (identity.server_id, identity.hostname, identity.port) != (server.server_id, server.hostname, server.port):
        return SiteLogs(archive, None)
    begun_anew = has_begun_anew(archived, live)
    return SiteLogs(archive, None if begun_anew else live, begun_anew)


def archive_up_to_now(
    connection: Connection[Any],
    login: LoginOptions,
    repository: Repository,
    reserve_bytes: int,
    progress: ProgressReporter,
) -> bool:
    """Archive all that a server has logged whose files cannot be read on this host; tell whether it is one.

    Args:
        connection: An administrator's connection to the server.
        login: How a program reaches it.
        repository: Where its archive lies.
        reserve_bytes: What must stay free there.
        progress: Told how far it is.

    Raises:
        LifeboatError: As ``archive_binlogs`` does; ``binlog_off``.
    """
    if read_live_binlogs(connection).folder is not None:
        return False
    request = ArchiveRequest(
        repository=repository,
        name=None,
        login=login,
        source=AUTO,
        flush=True,
        accept_gap=False,
        compression=best_compression(),
        reserve_bytes=reserve_bytes,
    )
    archive_binlogs(request, connection, progress, time.time)
    return True
