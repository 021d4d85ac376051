"""Looking into a set: is it whole, can it be read, is it a full backup of a site?"""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO, Callable, cast

from .._bench.layout import Site
from .._mariadb.dump.stream import expansion_limit_bytes, open_sql
from .._mariadb.dump.summary import DumpSummary, summarise_dump
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .archives import MEMBER_LIMIT, ArchiveLimits, ArchiveListing, ArchiveReader, Readable, list_archive
from .artifacts import open_artifact
from .digests import changed_files
from .keys import find_key
from .manifest import PHYSICAL
from .names import DATABASE, SITE_CONFIG
from .recovery_point import GZIP_TIME_BYTES, gzip_time, recovery_point
from .set_configuration import read_set_configuration
from .sets import BROKEN, COMPLETE, CONTENT, NAMES, PARTIAL, UNREADABLE, Artifact, BackupSet
from .tablespace_check import check_tablespaces

KEY_CODES = frozenset({"age_missing", "gpg_missing", "key_missing", "key_wrong"})
UNREADABLE_CODES = KEY_CODES | {"artifact_missing", "configuration_missing"}
BROKEN_CODES = frozenset(
    {
        "archive_refused",
        "artifact_corrupt",
        "artifact_incomplete",
        "artifact_too_large",
        "artifact_truncated",
        "configuration_invalid",
        "statement_refused",
        "statement_too_long",
        "tablespaces_invalid",
    }
)
# Without these a dump is not that of a site of Frappe, or its end is missing: bench itself asks for them.
REQUIRED_TABLES = ("__Auth", "tabDefaultValue")


def verify_set(
    backup: BackupSet,
    depth: str,
    encryption_key: str | None = None,
    site: Site | None = None,
    progress: ProgressReporter | None = None,
    member_limit: int = MEMBER_LIMIT,
) -> BackupSet:
    """Return a set with the verdict that a deeper look gives.

    Args:
        backup: A set of the catalogue.
        depth: names (only whether a key is known), structure (every byte is read: digests where there is a manifest,
            checksums, the dump's last line, the listing of the archives, the files of each table) or content (every
            statement is parsed as well, and rows are counted).
        encryption_key: The key that was given; no other is tried then.
        site: The live site, whose key is tried for a set whose own configuration has none.
        progress: Is told the bytes of the set that were read so far and the artifact's name.
        member_limit: Files and folders above which an archive counts as a bomb.

    Raises:
        LifeboatError: ``caller_gone``. What is wrong with the set is in its verdict, and no error.
    """
    key, source = None, ""
    if backup.encrypted:
        own = backup.artifact(SITE_CONFIG)
        key, source = find_key(encryption_key, own.path if own else None, site.config_path if site else None)
    look = _Look(
        replace(backup, encryption_key_source=source), depth, key, progress or ProgressReporter(), member_limit
    )
    return look.run()


class _Look:
    """One look into one set."""

    def __init__(
        self, backup: BackupSet, depth: str, key: str | None, progress: ProgressReporter, member_limit: int
    ) -> None:
        self._backup = backup
        self._depth = depth
        self._key = key
        self._member_limit = member_limit
        self._progress = progress
        self._read_bytes = 0
        self._problems: list[tuple[str, str]] = []

    def run(self) -> BackupSet:
        if self._depth == NAMES:
            if self._backup.encrypted and self._key is None:
                self._add(UNREADABLE, "It is encrypted and no key for it is known. Give encryption_key.")
        elif self._is_unchanged():
            self._look_inside()
        return self._judged()

    def _is_unchanged(self) -> bool:
        """Compare every file with the manifest; whatever else a changed set says is not worth looking at."""
        manifest = self._backup.manifest
        if manifest is None:
            return True
        if self._backup.verdict == BROKEN:
            return False
        try:
            problems = changed_files(self._backup.folder, manifest.files, self._count)
        except OSError as error:
            problems = [f"{error.filename} cannot be read: {error.strerror}."]
        for problem in problems:
            self._add(BROKEN, problem)
        return not problems

    def _look_inside(self) -> None:
        # The other artifacts of a set have the same key: saying once that it is missing or wrong is enough.
        if all(self._is_openable(artifact) for artifact in self._backup.artifacts) and self._are_tables_openable():
            self._backup = replace(self._backup, depth=self._depth)

    def _is_openable(self, artifact: Artifact) -> bool:
        return self._opens(lambda: self._look_at(artifact), artifact.path.name)

    def _are_tables_openable(self) -> bool:
        """Look whether the files of tables are all there and can be unpacked; their digests were compared before."""
        manifest = self._backup.manifest
        if manifest is None or PHYSICAL not in manifest.kinds or self._depth != CONTENT:
            return True
        return self._opens(lambda: check_tablespaces(self._backup.folder, manifest, self._key), "schema.json")

    def _opens(self, look: Callable[[], None], name: str) -> bool:
        try:
            look()
        except LifeboatError as error:
            if error.error_code not in BROKEN_CODES | UNREADABLE_CODES:
                raise
            self._add(BROKEN if error.error_code in BROKEN_CODES else UNREADABLE, error.message)
            return error.error_code not in KEY_CODES
        except OSError as error:
            self._add(UNREADABLE, f"{name} cannot be read: {error.strerror}.")
        return True

    def _look_at(self, artifact: Artifact) -> None:
        if artifact.kind == SITE_CONFIG:
            read_set_configuration(artifact.path, self._key)
        elif artifact.kind == DATABASE:
            self._look_at_dump(artifact)
        else:
            self._look_at_archive(artifact)

    def _look_at_dump(self, artifact: Artifact) -> None:
        with open_artifact(artifact.path, self._key) as raw:
            watched = self._watched(raw, artifact)
            stream = open_sql(cast(BinaryIO, watched), expansion_limit_bytes(artifact.size_bytes))
            summary = summarise_dump(stream, deep=self._depth == CONTENT)
        if self._backup.manifest is None:
            moment, source = recovery_point(gzip_time(watched.head), summary.footer_time, artifact.modified_at)
            self._backup = replace(self._backup, recovery_point=moment, recovery_point_source=source)
        self._backup = replace(
            self._backup,
            partial=self._backup.partial or summary.partial,
            versions={**summary.installed_apps, **summary.header_versions},
            database_name=summary.dump_database,
            table_count=summary.table_count,
            table_names=tuple(summary.table_names),
            collations=summary.collations,
            rows=dict(summary.rows) if self._depth == CONTENT else None,
            sql_bytes=summary.sql_bytes,
        )
        self._judge_dump(summary)

    def _judge_dump(self, summary: DumpSummary) -> None:
        if not summary.complete:
            self._add(
                BROKEN,
                "The dump has no completion line (-- Dump completed): it was cut, though its compression is whole.",
            )
        if self._backup.partial:
            self._add(PARTIAL, "The dump leaves tables out (a partial backup); it cannot replace a whole site.")
            return
        missing = [name for name in REQUIRED_TABLES if name not in summary.table_names]
        if missing and summary.complete:
            self._add(BROKEN, f"It is not a dump of a whole Frappe site: it has no {' and no '.join(missing)}.")

    def _look_at_archive(self, artifact: Artifact) -> None:
        with open_artifact(artifact.path, self._key) as raw:
            listing = _list(self._watched(raw, artifact), artifact, self._member_limit)
        site = self._backup.archive_site
        if listing.site is not None and site not in (None, listing.site):
            self._add(BROKEN, f"Its archives are of two sites, {site} and {listing.site}.")
        counted = {"files": listing.file_count, "bytes": listing.size_bytes}
        self._backup = replace(
            self._backup,
            archive_site=site or listing.site,
            files={**self._backup.files, artifact.kind: counted},
        )

    def _watched(self, raw: Readable, artifact: Artifact) -> _WatchedStream:
        # What has a manifest was counted when it was compared with it.
        counted = self._backup.manifest is None
        return _WatchedStream(raw, lambda size: self._count(size * counted, artifact.path.name))

    def _count(self, size: int, name: str) -> None:
        self._read_bytes += size
        self._progress.update(done_bytes=self._read_bytes, item_name=name)

    def _add(self, verdict: str, reason: str) -> None:
        self._problems.append((verdict, reason))

    def _judged(self) -> BackupSet:
        reasons = (*self._backup.reasons, *(reason for _verdict, reason in self._problems))
        verdicts = {self._backup.verdict, *(verdict for verdict, _reason in self._problems)}
        worst = next(verdict for verdict in (BROKEN, UNREADABLE, PARTIAL, COMPLETE) if verdict in verdicts)
        return replace(self._backup, verdict=worst, reasons=tuple(dict.fromkeys(reasons)))


def _list(stream: Readable, artifact: Artifact, member_limit: int) -> ArchiveListing:
    limits = ArchiveLimits.for_artifact(artifact.size_bytes, member_limit)
    return list_archive(ArchiveReader(stream, artifact.path.name, artifact.kind, limits))


class _WatchedStream:
    """Counts what is read of an artifact and remembers its first bytes."""

    def __init__(self, raw: Readable, on_read: Callable[[int], None]) -> None:
        self._raw = raw
        self._on_read = on_read
        self.head = b""

    def read(self, size: int = -1, /) -> bytes:
        content = self._raw.read(size)
        self.head += content[: GZIP_TIME_BYTES - len(self.head)]
        self._on_read(len(content))
        return content
