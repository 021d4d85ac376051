"""The archive of a server's binary logs off-site: one snapshot an archive, read back and fetched log by log."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .._mariadb.binlog.logs import base_name, file_number
from .._system.digests import READ_BYTES
from .._system.errors import LifeboatError
from .._system.files import fsync_folder, write_json_atomically
from .binlog_archive import BinlogArchive, archive_name
from .binlog_index import ArchivedBinlog, write_entry
from .offsite_fetch import refuse_little_space
from .offsite_sets import offsite_sets
from .restic_repository import ResticRepository, Snapshot
from .set_lock import backup_lock

# In the archive's folder, where the next run that archives removes what a kill left of it.
_INCOMING = "fetched.partial"


@dataclass(frozen=True)
class LogsCopy:
    """A copy of an archive.

    Attributes:
        snapshot: The id of its snapshot.
        server: Whose logs they are, as far as the server tells itself from others.
        first, last: The names of its oldest and its newest log.
        last_sha256: The digest of the newest one as it is stored.
        logs_sha256: The digest of what all of them are.
        stored_bytes: What they take.
    """

    snapshot: str
    server: str
    first: str
    last: str
    last_sha256: str
    logs_sha256: str
    stored_bytes: int


class OffsiteLogs:
    """Copies one archive, and fetches logs of it.

    Args:
        repository: Where the copies lie.
        archive: The archive on this host; its folder need not exist to fetch.
    """

    def __init__(self, repository: ResticRepository, archive: BinlogArchive) -> None:
        self._repository = repository
        self._archive = archive
        self._name = archive.folder.name
        # Beside the folder: whatever else lies in it is a leftover of a run that was killed.
        self._checks_path = archive.folder.with_name(f"{self._name}.offsite.json")

    def missing(self, is_empty: bool = False) -> list[str]:
        """Return the names of the archived logs that are not off-site.

        Args:
            is_empty: Nothing is there, since the repository is still to be made.
        """
        entries = self._archive.entries()
        copies = self._copies_of(entries) if entries and not is_empty else []
        if copies and copies[-1].logs_sha256 == _digest(entries):
            return []
        last = (copies[-1].last, copies[-1].last_sha256) if copies else ("", "")
        return [entry.name for entry in _behind(entries, *last)]

    @property
    def is_read_back(self) -> bool:
        """Whether a copy of its newest log was read back, as far as this host remembers."""
        return not _behind(self._archive.entries(), *self._checked())

    def copy(self) -> None:
        """Copy what is not there yet, read the new logs back, and let go of the copies that the new one replaces.

        Raises:
            LifeboatError: ``offsite_changed`` when a copy comes back other than it went; it is forgotten then.
        """
        entries = self._archive.entries()
        if not entries:
            return
        copies = self._copies_of(entries)
        unchecked = _behind(entries, *self._checked()) if copies else entries
        if not copies or copies[-1].logs_sha256 != _digest(entries):
            self._repository.back_up(self._archive.folder, _tags(self._name, entries))
            copies = self._copies_of(entries)
        for entry in unchecked:
            self._check(copies[-1], entry)
        if unchecked:
            self._remember(entries[-1])
        replaced = [copy.snapshot for copy in copies[:-1] if self._replaces(copies[-1], entries, copy)]
        # Another host may be at work in the repository: then the next run lets go of them.
        with suppress(LifeboatError):
            if replaced:
                self._repository.forget(replaced)

    def fetch(self, first: str, reserve_bytes: int, dry_run: bool) -> list[str]:
        """Bring the logs from one on that the archive lacks into it; return their names.

        Args:
            first: The oldest log that is needed.
            reserve_bytes: What has to stay free.
            dry_run: Only tell which may be there.

        Raises:
            LifeboatError: ``disk_space``; ``offsite_changed`` when a log is not what was archived; ``backup_running``
                while logs are archived. What is there already stays as it is.
        """
        present = {entry.name for entry in self._archive.entries()}
        fetched: list[str] = []
        for copy in reversed(self._copies()):
            if base_name(copy.last) != base_name(first):
                continue
            numbers = range(max(file_number(first), file_number(copy.first)), file_number(copy.last) + 1)
            wanted = [f"{base_name(first)}.{number:06d}" for number in numbers]
            lacking = [name for name in wanted if name not in present]
            if lacking and not dry_run:
                lacking = self._fetch(copy, lacking, reserve_bytes)
            present.update(lacking)
            fetched += lacking
        return sorted(fetched, key=file_number)

    def _copies(self) -> list[LogsCopy]:
        read = map(_read_tags, self._repository.snapshots(f"binlogs={self._name}"))
        return [copy for copy in read if copy is not None]

    def _copies_of(self, entries: Sequence[ArchivedBinlog]) -> list[LogsCopy]:
        """Return the copies of this archive, oldest first, not those of another server of its name."""
        return [copy for copy in self._copies() if copy.server == _server(entries)]

    def _check(self, copy: LogsCopy, entry: ArchivedBinlog) -> None:
        digest = hashlib.sha256()
        try:
            with self._repository.archive(copy.snapshot, f"/{self._name}/{entry.stored_name}") as stream:
                for content in iter(lambda: stream.read(READ_BYTES), b""):
                    digest.update(content)
        except LifeboatError as error:
            if error.error_code != "offsite_damaged":
                raise
        if digest.hexdigest() != entry.stored_sha256:
            # It was never good, so it must not look as if it were; the archive is copied again next time.
            self._repository.forget([copy.snapshot])
            raise self._changed(entry.name)

    def _changed(self, name: str) -> LifeboatError:
        return LifeboatError(
            f"The copy of the binary log {name} in the off-site repository {self._repository.name} is not what was "
            "archived. Look with restic check --read-data, and whether the archive itself is whole with "
            "lifeboat.frappe.binlog_archive (verify: true); then copy again.",
            "offsite_changed",
            {"file": name},
        )

    def _checked(self) -> tuple[str, str]:
        """Return up to which log the copies were read back, and its digest; where nobody knows, all are read again."""
        name, sha256 = self._all_checked().get(self._repository.name, ("", ""))
        return name, sha256

    def _all_checked(self) -> dict[str, tuple[str, str]]:
        try:
            known = json.loads(self._checks_path.read_bytes())
            return {repository: (str(name), str(sha256)) for repository, (name, sha256) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _remember(self, newest: ArchivedBinlog) -> None:
        checked = {**self._all_checked(), self._repository.name: (newest.name, newest.stored_sha256)}
        write_json_atomically(self._checks_path, checked)

    def _replaces(self, newest: LogsCopy, entries: Sequence[ArchivedBinlog], copy: LogsCopy) -> bool:
        """Tell whether the newest copy has all of an older one that any set off-site needs."""
        if (copy.last, copy.last_sha256) not in [(entry.name, entry.stored_sha256) for entry in entries]:
            return False  # of a time before the server began its logs anew
        if file_number(copy.first) >= file_number(newest.first):
            return True
        return all(file_number(newest.first) <= number for number in self._needed())

    def _needed(self) -> Iterator[int]:
        """Yield the number of the log that each set off-site needs, whatever site of the server it is of."""
        for backup in offsite_sets(self._repository.snapshots()):
            server, position = backup.manifest.server, backup.manifest.position
            if position is not None and archive_name(server.hostname, server.port) == self._name:
                # Tables without transactions may need the log before; what is shown of a copy does not name it.
                yield file_number(position.file) - 1

    def _fetch(self, copy: LogsCopy, names: Sequence[str], reserve_bytes: int) -> list[str]:
        folder = self._archive.folder
        with backup_lock(folder), _empty_folder(folder / _INCOMING) as incoming:
            refuse_little_space(folder, "binary logs", copy.stored_bytes, reserve_bytes)
            self._repository.restore(copy.snapshot, incoming, [f"/{self._name}/{name}.*" for name in names])
            came = BinlogArchive(incoming / self._name)
            entries = came.entries()
            damaged = came.damaged(entries)
            if damaged:
                raise self._changed(damaged[0])
            for entry in entries:
                (came.folder / entry.stored_name).rename(folder / entry.stored_name)
                fsync_folder(folder)
                write_entry(folder, entry)
        return [entry.name for entry in entries]


def _tags(name: str, entries: Sequence[ArchivedBinlog]) -> list[str]:
    values = {
        "binlogs": name,
        "server": _server(entries),
        "first": entries[0].name,
        "last": entries[-1].name,
        "last_sha256": entries[-1].stored_sha256,
        "logs_sha256": _digest(entries),
        "stored_bytes": str(sum(entry.stored_bytes for entry in entries)),
    }
    return [f"{key}={value}" for key, value in values.items()]


def _read_tags(snapshot: Snapshot) -> LogsCopy | None:
    tags = dict(tag.partition("=")[::2] for tag in snapshot.tags)
    try:
        return LogsCopy(
            snapshot=snapshot.id,
            server=tags["server"],
            first=tags["first"],
            last=tags["last"],
            last_sha256=tags["last_sha256"],
            logs_sha256=tags["logs_sha256"],
            stored_bytes=int(tags["stored_bytes"]),
        )
    except (KeyError, ValueError):
        return None


def _server(entries: Sequence[ArchivedBinlog]) -> str:
    identity = entries[-1].server
    return identity.server_uid or f"{identity.server_id}@{identity.hostname}:{identity.port}"


def _digest(entries: Sequence[ArchivedBinlog]) -> str:
    lines = "".join(f"{entry.stored_name} {entry.stored_sha256}\n" for entry in entries)
    return hashlib.sha256(lines.encode()).hexdigest()


def _behind(entries: Sequence[ArchivedBinlog], name: str, sha256: str) -> Sequence[ArchivedBinlog]:
    """Return the logs behind one; all where the archive does not have that one."""
    known = [(entry.name, entry.stored_sha256) for entry in entries]
    return entries[known.index((name, sha256)) + 1 :] if (name, sha256) in known else entries


@contextmanager
def _empty_folder(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
