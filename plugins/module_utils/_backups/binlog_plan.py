"""What an archive of binary logs lacks, and whether it can be continued at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._mariadb.binlog.gtids import parse_gtid_list
from .._mariadb.binlog.live import LiveBinlogs
from .._mariadb.binlog.logs import base_name, file_number, missing_file, name_after
from .._system.errors import LifeboatError
from .binlog_archive import check_not_restarted, restarted
from .binlog_index import ArchivedBinlog


@dataclass(frozen=True)
class ArchivePlan:
    """What a run has to do.

    Attributes:
        flushes: Whether the server is made to begin a new file first, since the archive lacks what is in the one that
            it writes.
        files: The files to archive, in their order, with their lengths; where the server is flushed, the one that it
            writes is among them, as long as it is now.
    """

    flushes: bool
    files: tuple[tuple[str, int], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"flush": self.flushes, "files": [name for name, _size_bytes in self.files]}


def plan_archiving(
    entries: Sequence[ArchivedBinlog], live: LiveBinlogs, *, flush: bool, accept_gap: bool = False
) -> ArchivePlan:
    """Work out what an archive lacks.

    Args:
        entries: What is in it, oldest first.
        live: What the server has.
        flush: Whether the file that the server writes may be ended, so that it can be archived.
        accept_gap: Whether to go on behind files that were deleted before they were archived.

    Raises:
        LifeboatError: ``binlog_archive_foreign`` when the archive is of another server; ``binlog_restarted`` when the
            server began its logs anew; ``binlog_gap`` when a file was deleted before it was archived.
    """
    missing = _missing_files(entries, live)
    if entries and missing[0][0] != name_after(entries[-1].name) and not accept_gap:
        raise missing_file(name_after(entries[-1].name), entries[-1].name)
    archived = parse_gtid_list(entries[-1].gtids_after if entries else "")
    flushes = flush and parse_gtid_list(live.gtid_state) != archived
    return ArchivePlan(flushes, missing if flushes else missing[:-1])


def _missing_files(entries: Sequence[ArchivedBinlog], live: LiveBinlogs) -> tuple[tuple[str, int], ...]:
    if not entries:
        return live.files
    newest = entries[-1]
    if not newest.server.is_same(live.identity):
        raise LifeboatError(
            f"The archive of binary logs is of the server {newest.server}, not of {live.identity}. One archive holds "
            "the logs of one server: give this one another name (archive: NAME), or move the old archive away and "
            "make new backup sets.",
            "binlog_archive_foreign",
            {"archived": newest.server.as_dict(), "server": live.identity.as_dict()},
        )
    if base_name(newest.name) != base_name(live.active):
        raise restarted(live, f"it calls them {live.active}, and had called them {newest.name}")
    following = name_after(newest.name)
    check_not_restarted(live, following)
    sizes = {entry.name: entry.size_bytes for entry in entries}
    for name, size_bytes in live.files[:-1]:
        if sizes.get(name, size_bytes) != size_bytes:
            raise restarted(live, f"its {name} has {size_bytes} bytes, the archived one {sizes[name]}")
    return tuple(file for file in live.files if file_number(file[0]) >= file_number(following))
