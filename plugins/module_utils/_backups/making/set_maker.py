"""One set in the making: its files, the proof of them, its manifest, its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..._mariadb.binlog.position import BinlogPosition
from ..._mariadb.tablespaces.copy import DatabaseCopy
from ..._system.progress import ProgressReporter
from ..chain import read_chain, record_made
from ..manifest import LOGICAL, PHYSICAL, InexactTable, Manifest, ManifestTable
from ..names import SITE_CONFIG
from ..recovery_point import format_moment
from .derived_dump import dump_imported_tables, private_server
from .files_archive import ARCHIVES, ArchiveResult, files_size_bytes, write_files_archive
from .logical_part import dump_live_database
from .physical_part import copy_tables, keep_tables, manifest_tables
from .proof import prove, refuse_if_overtaken
from .request import BackupRequest
from .set_writer import SetWriter
from .source import Source, app_commits
from .steps import Steps

if TYPE_CHECKING:
    from pymysql.connections import Connection


MOST_NOTES = 20


@dataclass(frozen=True)
class MadeSet:
    """What a backup made.

    Attributes:
        manifest: Of the set.
        folder: Where it lies.
        depth: How deep it was looked into after it was written: ``content``, or ``structure`` where its key is
            elsewhere.
        notes: What the archives of files could not hold, as sentences.
        steps: What was done and how long each took.
    """

    manifest: Manifest
    folder: Path
    depth: str
    notes: tuple[str, ...]
    steps: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class _Content:
    """What the manifest says of the database; the names are the manifest's."""

    recovery_point: str
    position: BinlogPosition | None
    tables: tuple[ManifestTable, ...]
    inexact_tables: tuple[InexactTable, ...] = ()
    proven_at: str = ""


class SetMaker:
    """Makes one set; whoever uses it holds the lock of the site's sets, and discards what failed.

    Args:
        request: What was asked for.
        source: What is backed up.
        connection: To the server of the site's database.
        progress: Is told how far it is.
        writer: Of the set.
        now: The time, with its offset.
    """

    def __init__(
        self,
        request: BackupRequest,
        source: Source,
        connection: Connection[Any],
        progress: ProgressReporter,
        writer: SetWriter,
        now: Callable[[], datetime],
    ) -> None:
        self._request = request
        self._source = source
        self._connection = connection
        self._progress = progress
        self._writer = writer
        self._now = now
        self._steps = Steps()
        self._notes: list[str] = []

    def run(self) -> MadeSet:
        """Make the set.

        Raises:
            LifeboatError: What ``make_backup`` says.
        """
        started_at = format_moment(self._now().timestamp())
        with self._steps.step("begin"):
            self._writer.begin()
        with self._steps.step("configuration"):
            self._write_configuration()
        content = self._copy() if PHYSICAL in self._request.kinds else self._dump()
        for kind, title in ARCHIVES:
            with self._steps.step(title):
                self._archive(kind, title)
        manifest = self._manifest(started_at, content)
        with self._steps.step("proof"):
            proven = prove(
                manifest, self._writer.folder, self._request.decryption_key, self._connection, self._progress
            )
        refuse_if_overtaken(self._request.site, manifest)
        with self._steps.step("manifest"):
            manifest = replace(proven.manifest, ended_at=format_moment(self._now().timestamp()))
            digest = self._writer.write_manifest(manifest)
        with self._steps.step("name"):
            folder = self._writer.publish()
        with self._steps.step("chain"):
            record_made(folder.parent, manifest.name, digest, manifest.ended_at)
        return MadeSet(manifest, folder, proven.depth, tuple(self._notes), tuple(self._steps.done))

    def _write_configuration(self) -> None:
        with self._writer.artifact(SITE_CONFIG, "site_config_backup", ".json") as artifact:
            artifact.write(self._source.configuration_content)

    def _dump(self) -> _Content:
        """Dump the live database."""
        source = self._source
        with self._steps.step("database"):
            on_read = self._counted("dump", source.data_bytes)
            dump = dump_live_database(self._writer, source, self._request.login, self._connection, on_read)
        return _Content(
            format_moment(dump.began_at),
            dump.position,
            tuple(ManifestTable(table.name, table.engine) for table in source.tables),
            dump.inexact_tables,
        )

    def _copy(self) -> _Content:
        """Copy the live tables as files; with both kinds, prove them and dump them from a server of our own."""
        with self._steps.step("tables"):
            self._progress.start("copy tables", self._source.file_bytes)
            copy = copy_tables(self._writer, self._request.login, self._source.database, self._progress.update)
        tables, proven_at = manifest_tables(copy.tablespaces), ""
        if LOGICAL in self._request.kinds:
            rows = self._prove_and_dump(copy)
            tables = tuple(replace(table, rows=rows[table.name]) for table in tables)
            proven_at = format_moment(self._now().timestamp())
        with self._steps.step("tablespaces"):
            on_bytes = self._counted("pack tables", copy.tablespaces.size_bytes)
            keep_tables(self._writer, copy.tablespaces, self._request.form, on_bytes)
        return _Content(copy.recovery_point, copy.position, tables, proven_at=proven_at)

    def _prove_and_dump(self, copy: DatabaseCopy) -> Mapping[str, int]:
        tablespaces = copy.tablespaces
        with private_server(self._writer, tablespaces) as server:
            with self._steps.step("import"):
                rows = self._request.import_tables(server, tablespaces, tablespaces.database, self._progress)
            with self._steps.step("database"):
                on_read = self._counted("dump", self._source.data_bytes)
                dump_imported_tables(self._writer, self._request.site.bench, server, copy, on_read)
        return rows

    def _counted(self, step: str, total_bytes: int) -> Callable[[int], None]:
        """Begin to show a step, and return what is told its bytes."""
        self._progress.start(step, total_bytes)
        done_bytes = 0

        def on_bytes(size: int) -> None:
            nonlocal done_bytes
            done_bytes += size
            self._progress.update(done_bytes=done_bytes)

        return on_bytes

    def _archive(self, kind: str, title: str) -> None:
        self._progress.start(title, files_size_bytes(self._request.site, kind))
        with self._writer.artifact(kind, title, ".tar") as artifact:
            result = write_files_archive(
                self._request.site,
                kind,
                artifact.write,
                lambda count, size: self._progress.update(done_bytes=size, done_items=count),
            )
        self._notes += _notes(result)

    def _manifest(self, started_at: str, content: _Content) -> Manifest:
        site, source, encryption = self._request.site, self._source, self._request.encryption
        return Manifest(
            name=self._writer.name,
            site=site.name,
            kinds=self._request.kinds,
            started_at=started_at,
            ended_at=started_at,
            recovery_point=content.recovery_point,
            position=content.position,
            database=source.database,
            server=source.manifest_server,
            apps=app_commits(site.bench),
            encryption=encryption.method,
            encryption_key_fingerprint=encryption.key_fingerprint,
            site_key_fingerprint=source.site_key_fingerprint,
            tables=content.tables,
            inexact_tables=content.inexact_tables,
            files=self._writer.files,
            previous=read_chain(self._writer.folder.parent).newest(),
            proven_at=content.proven_at,
        )


def _notes(result: ArchiveResult) -> list[str]:
    left_out = [f"{path} is neither a file nor a folder and was left out." for path in result.left_out]
    notes = left_out + [f"{path} was cut while it was read; zeros stand for its end." for path in result.changed]
    unsaid = len(notes) - MOST_NOTES
    return notes[:MOST_NOTES] + ([f"So it was with {unsaid} more."] if unsaid > 0 else [])
