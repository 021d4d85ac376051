"""An archive of a server's binary logs: what is in it, what of it a recovery needs, and what may go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from .._mariadb.binlog.events import FIRST_OFFSET
from .._mariadb.binlog.gtids import parse_gtid_list
from .._mariadb.binlog.live import LiveBinlogs
from .._mariadb.binlog.logs import LogFile, check_follows, file_number, missing_file, name_after, open_transactions
from .._mariadb.binlog.position import BinlogPosition
from .._system.digests import file_digest
from .._system.errors import LifeboatError
from .._system.files import fsync_folder
from .._system.times import parse_rfc3339
from .binlog_index import ArchivedBinlog, index_path, read_entries
from .repository import Repository

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class BinlogArchive:
    """The archive of one server in its folder, which need not exist yet."""

    folder: Path

    def entries(self) -> tuple[ArchivedBinlog, ...]:
        """Return its logs, oldest first.

        Raises:
            LifeboatError: ``binlog_archive_invalid``.
        """
        return read_entries(self.folder)

    def log_file(self, entry: ArchivedBinlog) -> LogFile:
        """Return one of its logs as what reads it takes it."""
        return LogFile(entry.name, self.folder / entry.stored_name, entry.size_bytes, is_archived=True)

    def older_than(self, oldest: BinlogPosition) -> tuple[ArchivedBinlog, ...]:
        """Return the logs that no recovery from a position on needs; never the newest: the next run goes on from it.

        Args:
            oldest: The oldest position of any set that is kept.
        """
        entries = self.entries()
        return tuple(entry for entry in entries[:-1] if file_number(entry.name) < file_number(oldest.file))

    def remove(self, entries: Iterable[ArchivedBinlog]) -> int:
        """Remove logs, oldest first, so that what is left has no gap whenever this ends; return their bytes."""
        removed_bytes = 0
        for entry in sorted(entries, key=lambda entry: file_number(entry.name)):
            index_path(self.folder, entry.name).unlink(missing_ok=True)
            fsync_folder(self.folder)
            (self.folder / entry.stored_name).unlink(missing_ok=True)
            removed_bytes += entry.stored_bytes
        return removed_bytes

    def damaged(self, entries: Iterable[ArchivedBinlog]) -> list[str]:
        """Return the names of logs whose stored bytes are not those that were archived; reads all of them."""
        return [entry.name for entry in entries if not self._is_whole(entry)]

    def _is_whole(self, entry: ArchivedBinlog) -> bool:
        path = self.folder / entry.stored_name
        try:
            return path.stat().st_size == entry.stored_bytes and file_digest(path) == entry.stored_sha256
        except OSError:
            return False


def archive_name(hostname: str, port: int) -> str:
    """Return the name of the folder of a server's archive."""
    return f"{_UNSAFE.sub('_', hostname)}-{port}"


def archive_of(repository: Repository, hostname: str, port: int) -> BinlogArchive:
    """Return the archive of a server, as its own variables or the manifest of a set name it."""
    return BinlogArchive(repository.binlog_folder(archive_name(hostname, port)))


def named_archive(repository: Repository, name: str) -> BinlogArchive:
    """Return the archive that somebody named.

    Raises:
        LifeboatError: ``path_unsafe`` when the name could lead out of the repository.
    """
    if _UNSAFE.search(name) or name.startswith("."):
        raise LifeboatError(
            f"Refused {name!a} as the name of an archive of binary logs: it is one folder, with letters, digits, dots, "
            "hyphens and underscores in its name.",
            "path_unsafe",
        )
    return BinlogArchive(repository.binlog_folder(name))


def covering_logs(archive: BinlogArchive, live: LiveBinlogs | None, since: BinlogPosition) -> tuple[LogFile, ...]:
    """Return the logs that hold all that was written since a position, without a gap: archived ones, then the server's.

    Args:
        archive: The archive of the server.
        live: What the server has now; None where it cannot be reached: then the archive alone has to do.
        since: Where to begin.

    Raises:
        LifeboatError: ``binlog_gap``, which names the file that is missing, or the two that do not follow each other;
            ``binlog_missing`` when only the server has the first one; ``binlog_restarted`` when the server has begun
            its logs anew since; ``binlog_archive_invalid``.
    """
    entries = {entry.name: entry for entry in archive.entries()}
    own = {log.name: log for log in (live.log_files() if live is not None else ())}
    if live is not None:
        check_not_restarted(live, max([since.file, *entries], key=file_number))
    last = live.active if live is not None and own else max(entries, key=file_number, default=since.file)
    if live is not None and not own and since.file in {*dict(live.files)} - {*entries}:
        raise LifeboatError(
            f"The binary log {since.file}, which comes after the backup set, is on {live.identity} alone, where it "
            "cannot be read from this host. Archive the server's logs first, with lifeboat.frappe.binlog_archive.",
            "binlog_missing",
            {"file": since.file},
        )
    names = names_without_gap(since.file, last, {*entries, *own})
    logs = tuple(archive.log_file(entries[name]) if name in entries else own[name] for name in names)
    check_contiguous([entries[name] for name in names if name in entries])
    _check_joint(entries, logs)
    return logs


def names_without_gap(first: str, last: str, known: AbstractSet[str]) -> list[str]:
    """Return the names of all logs from one to another.

    Args:
        first: The oldest, which is needed in any case.
        last: The newest.
        known: Those that there are.

    Raises:
        LifeboatError: ``binlog_gap`` when one of them is not known.
    """
    names: list[str] = []
    name = first
    while not names or file_number(name) <= file_number(last):
        if name not in known:
            raise missing_file(name, names[-1] if names else "the backup set")
        names.append(name)
        name = name_after(name)
    return names


def check_not_restarted(live: LiveBinlogs, newest: str) -> None:
    """Check that a server did not begin its logs anew after it had written a file that is known.

    Args:
        live: What the server has now.
        newest: The newest file that is known to have been written, and ended unless it is still there.

    Raises:
        LifeboatError: ``binlog_restarted``.
    """
    if file_number(live.active) < file_number(newest):
        raise restarted(live, f"it now writes {live.active}, and had written {newest} before")


def has_begun_anew(entries: Sequence[ArchivedBinlog], live: LiveBinlogs) -> bool:
    """Tell whether a server writes other logs than those that an archive holds, and does not go on behind them.

    That is so when it was installed anew after a disaster, and after RESET MASTER: both look the same.

    Args:
        entries: What the archive holds, oldest first.
        live: What the server has; read after the archive, which another run may continue.
    """
    if not entries:
        return False
    if file_number(live.active) < file_number(entries[-1].name):
        return True
    archived, logged = parse_gtid_list(entries[-1].gtids_after), parse_gtid_list(live.gtid_state)
    numbers = {(gtid.domain, gtid.server_id): gtid.sequence for gtid in logged.gtids}
    # FLUSH BINARY LOGS DELETE_DOMAIN_ID lets whole domains go, but never all that there are.
    domains = {gtid.domain for gtid in logged.gtids} or {gtid.domain for gtid in archived.gtids}
    known = [gtid for gtid in archived.gtids if gtid.domain in domains]
    return any(numbers.get((gtid.domain, gtid.server_id), 0) < gtid.sequence for gtid in known)


def restarted(live: LiveBinlogs, what: str) -> LifeboatError:
    """Return the error that says that a server's logs are no longer those that are archived."""
    return LifeboatError(
        f"The server {live.identity} has begun its binary logs anew (RESET MASTER, or another log_bin): {what}. What "
        "it wrote since cannot be added to this archive. The old sets can be recovered to any moment up to the end of "
        "the archive while it lies where it is: do that first. Then make new backup sets of all sites of the server, "
        "move the archive's folder away, and archive again.",
        "binlog_restarted",
        {"active": live.active},
    )


@dataclass(frozen=True)
class ReachableLogs:
    """The logs that lead to now without a gap.

    Attributes:
        logs: They, oldest first.
        began_at_seconds: When the first of them was begun; None where there are none.
        problem: Why older logs of the archive do not count; "" where they do, or there are none.
    """

    logs: tuple[LogFile, ...]
    began_at_seconds: float | None
    problem: str


def reachable_logs(archive: BinlogArchive, live: LiveBinlogs | None) -> ReachableLogs:
    """Return the logs that lead to now without a gap: of the archive what is behind its last gap, then the server's.

    Args:
        archive: The archive of the server.
        live: What the server has now; None where it cannot be reached.

    Raises:
        LifeboatError: ``binlog_archive_invalid``; others when the server's logs cannot be read.
    """
    parts = contiguous_parts(archive.entries())
    problem = ""
    if parts:
        first = parts[-1][0]
        try:
            logs = covering_logs(archive, live, BinlogPosition("", first.name, FIRST_OFFSET))
            return ReachableLogs(logs, parse_rfc3339(first.began_at).timestamp(), "")
        except LifeboatError as error:
            problem = error.message
    own = live.log_files() if live is not None else ()
    if not own:
        return ReachableLogs((), None, problem)
    with open_transactions(own[0]) as (_transactions, events):
        return ReachableLogs(own, events.format.written_at_seconds, problem)


def check_contiguous(entries: Sequence[ArchivedBinlog]) -> None:
    """Check that archived logs follow each other, in number and in transactions.

    Raises:
        LifeboatError: ``binlog_gap``.
    """
    for earlier, later in zip(entries, entries[1:]):
        if later.name != name_after(earlier.name):
            raise missing_file(name_after(earlier.name), earlier.name)
        check_follows(
            earlier.name, parse_gtid_list(earlier.gtids_after), later.name, parse_gtid_list(later.gtids_before)
        )


def contiguous_parts(entries: Sequence[ArchivedBinlog]) -> list[tuple[ArchivedBinlog, ...]]:
    """Return archived logs, cut where there is a gap between two of them."""
    parts: list[list[ArchivedBinlog]] = []
    for entry in entries:
        if parts and _follows(parts[-1][-1], entry):
            parts[-1].append(entry)
        else:
            parts.append([entry])
    return [tuple(part) for part in parts]


def _follows(earlier: ArchivedBinlog, later: ArchivedBinlog) -> bool:
    try:
        check_contiguous((earlier, later))
    except LifeboatError:
        return False
    return True


def _check_joint(entries: dict[str, ArchivedBinlog], logs: Sequence[LogFile]) -> None:
    """Check that the server's own first log begins where the archive ends."""
    for earlier, later in zip(logs, logs[1:]):
        if earlier.is_archived and not later.is_archived:
            with open_transactions(later) as (transactions, _events):
                check_follows(
                    earlier.name, parse_gtid_list(entries[earlier.name].gtids_after), later.name, transactions.before
                )
