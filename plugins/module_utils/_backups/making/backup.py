"""Making a backup set of a site: everything into a folder that is no set yet, proven there, then given its name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..._bench.layout import Site
from ..._mariadb.binlog.position import BinlogPosition
from ..._mariadb.connection import LoginOptions
from ..._mariadb.tablespaces.copy import DatabaseCopy
from ..._system.errors import LifeboatError
from ..._system.files import NO_SPACE, free_bytes
from ..._system.progress import ProgressReporter
from ..chain import read_chain, record_made
from ..manifest import LOGICAL, PHYSICAL, InexactTable, Manifest, ManifestTable
from ..manifest_sets import leftovers, read_set, record_unrecorded, set_folders
from ..names import FILES, PRIVATE_FILES, SITE_CONFIG
from ..recovery_point import format_moment
from ..repository import Repository
from ..set_lock import backup_lock
from ..sets import BackupSet
from .derived_dump import TablespaceImporter, dump_imported_tables, private_server
from .encryption import Encryption
from .files_archive import ArchiveResult, files_size_bytes, write_files_archive
from .logical_part import dump_live_database
from .physical_part import TablespaceForm, copy_tables, keep_tables, manifest_tables
from .plan import BackupPlan, Sizes, check_space, dump_bytes, needed_bytes, why_needed
from .proof import prove, refuse_if_overtaken
from .set_names import next_set_name
from .set_writer import SetWriter, remove_leftovers
from .source import Source, app_commits
from .steps import Steps

if TYPE_CHECKING:
    from pymysql.connections import Connection

ARCHIVES = ((FILES, "files"), (PRIVATE_FILES, "private-files"))


@dataclass(frozen=True)
class BackupRequest:
    """What was asked for.

    Attributes:
        site: The site.
        repository: Where its sets lie.
        login: The server and an account that may read all of the database and the binary log's state.
        kinds: logical, physical or both.
        encryption: How the set is encrypted.
        decryption_key: What opens it again, for the proof; None where only others have it (age).
        form: How the files of tables are kept.
        import_tables: Imports them into a server of our own; needed for both kinds at once.
        max_age_seconds: How old the newest set may be before another is made; 0 for one in any case.
        reserve_bytes: What must stay free on the file system of the repository.
    """

    site: Site
    repository: Repository
    login: LoginOptions
    kinds: tuple[str, ...] = (LOGICAL,)
    encryption: Encryption = field(default_factory=Encryption)
    decryption_key: str | None = field(default=None, repr=False)
    form: TablespaceForm = field(default_factory=TablespaceForm)
    import_tables: TablespaceImporter | None = None
    max_age_seconds: int = 0
    reserve_bytes: int = 1024**3


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


def plan_backup(request: BackupRequest, source: Source, now: datetime) -> BackupPlan:
    """Return what a backup would do; nothing is written."""
    site_folder = request.repository.site_folder(request.site.name)
    earlier = _earlier_sets(request)
    newest = earlier[0] if earlier else None
    reason = why_needed(newest, request.kinds, request.encryption.method, request.max_age_seconds, now)
    return BackupPlan(
        needed=bool(reason),
        reason=reason or f"The newest set {newest.name if newest else ''} is new enough.",
        kinds=request.kinds,
        newest=newest.name if newest else "",
        removes=tuple(folder.name for folder in leftovers(site_folder)) if reason else (),
        needed_bytes=_needed_bytes(request, source, earlier) if reason else 0,
        free_bytes=free_bytes(next(path for path in (site_folder, *site_folder.parents) if path.exists())),
    )


def make_backup(
    request: BackupRequest,
    source: Source,
    connection: Connection[Any],
    progress: ProgressReporter,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> MadeSet | None:
    """Make a set, prove it and give it its name.

    When anything fails, what was written is removed, and every set that was there is as it was.

    Args:
        request: What was asked for.
        source: What is backed up.
        connection: To the server of the site's database.
        progress: Is told how far it is.
        now: The time, with its offset.

    Returns:
        None when the newest set turned out to be new enough, because another backup had just ended.

    Raises:
        LifeboatError: ``backup_running``, ``disk_space``, ``backup_unproven``, ``backup_overtaken``, ``dump_failed``
            and what encrypting and reading again raise.
    """
    site_folder = request.repository.site_folder(request.site.name)
    with backup_lock(site_folder), _room(request, str(site_folder)):
        remove_leftovers(site_folder)
        record_unrecorded(site_folder, format_moment(now().timestamp()))
        plan = plan_backup(request, source, now())
        if not plan.needed:
            return None
        check_space(request.site.name, str(site_folder), plan.needed_bytes, plan.free_bytes, request.reserve_bytes)
        taken = {*read_chain(site_folder).names(), *(path.name for path in site_folder.iterdir())}
        name = next_set_name(request.site.name, now(), taken)
        writer = SetWriter(site_folder, name, request.encryption)
        try:
            return _Backup(request, source, connection, progress, writer, now).run()
        except BaseException:
            writer.discard()
            raise


@dataclass(frozen=True)
class _Content:
    """What the manifest says of the database; the names are the manifest's."""

    recovery_point: str
    position: BinlogPosition | None
    tables: tuple[ManifestTable, ...]
    inexact_tables: tuple[InexactTable, ...] = ()
    proven_at: str = ""


class _Backup:
    """One set in the making."""

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
        if self._request.import_tables is None:
            raise ValueError("both kinds at once need import_tables")
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


def _earlier_sets(request: BackupRequest) -> list[BackupSet]:
    """Return the sets of the site in the repository, the one made last first, whatever the clock said."""
    site_folder = request.repository.site_folder(request.site.name)
    chain = read_chain(site_folder)
    found = (read_set(folder, chain) for folder in reversed(set_folders(site_folder)))
    return [backup for backup in found if backup is not None]


def _needed_bytes(request: BackupRequest, source: Source, earlier: Sequence[BackupSet]) -> int:
    sizes = Sizes(
        dump_bytes=dump_bytes(source.data_bytes, earlier),
        table_bytes=source.file_bytes,
        files_bytes=sum(files_size_bytes(request.site, kind) for kind, _title in ARCHIVES),
    )
    return needed_bytes(sizes, request.kinds, request.form.archived)


def _notes(result: ArchiveResult) -> list[str]:
    left_out = [f"{path} is neither a file nor a folder and was left out." for path in result.left_out]
    return left_out + [f"{path} was cut while it was read; zeros stand for its end." for path in result.changed]


@contextmanager
def _room(request: BackupRequest, folder: str) -> Iterator[None]:
    """Turn a file system that became full into the error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise LifeboatError(
            f"Cannot back up {request.site.name} to {folder}: {os.strerror(error.errno)}. What was written was "
            "removed; the sets that were there are as they were. Make room and run this again.",
            "disk_space",
            {"folder": folder},
        ) from error
