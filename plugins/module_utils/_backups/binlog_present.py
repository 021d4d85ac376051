"""The state that the module ``binlog_archive`` brings about, and what it says of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Callable

from .._mariadb.binlog.settings import judge_settings
from .._mariadb.connection import connect
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .binlog_archive import BinlogArchive, contiguous_parts
from .binlog_archiving import ArchiveRequest, ArchiveRun, archive_binlogs, preview_archiving
from .binlog_index import ArchivedBinlog


def bring_archive_up_to_date(
    request: ArchiveRequest,
    *,
    check_mode: bool,
    verify: bool,
    archive_interval_seconds: int,
    progress: ProgressReporter,
    now: Callable[[], float],
) -> dict[str, Any]:
    """Archive what is missing and return the module's result.

    Args:
        request: What is asked for.
        check_mode: Whether to change nothing and say what would be changed.
        verify: Whether to read all that is archived again.
        archive_interval_seconds: The time between two runs, against which the server's settings are judged.
        progress: Is told how far it is.
        now: Seconds since the epoch.

    Raises:
        LifeboatError: As ``archive_binlogs`` does; ``binlog_damaged`` when a file of the archive is not what it was.
    """
    with closing(connect(request.login)) as connection:
        if check_mode:
            run = preview_archiving(request, connection)
        else:
            run = archive_binlogs(request, connection, progress, now)
    if verify:
        _refuse_damaged(run.archive, run.entries)
    before = _names(run.entries[: len(run.entries) - len(run.added)])
    planned = [name for name, _size_bytes in run.plan.files]
    added = planned if check_mode else _names(run.added)
    return {
        "changed": bool(added or run.removed_leftovers),
        "plan": run.plan.as_dict(),
        "archived": added,
        "flushed": run.plan.flushes,
        "removed_leftovers": list(run.removed_leftovers),
        "archive": describe_archive(run.archive, run.entries),
        "findings": [finding.as_dict() for finding in judge_settings(run.live.variables, archive_interval_seconds)],
        "notes": _notes(run),
        "diff": {"before": {"files": before}, "after": {"files": [*before, *added]}},
    }


def describe_archive(archive: BinlogArchive, entries: Sequence[ArchivedBinlog]) -> dict[str, Any]:
    """Return what an archive holds, as JSON values."""
    parts = contiguous_parts(entries)
    newest_part = parts[-1] if parts else ()
    return {
        "folder": str(archive.folder),
        "server": entries[-1].server.as_dict() if entries else {},
        "files": len(entries),
        "first": entries[0].name if entries else "",
        "last": entries[-1].name if entries else "",
        "size_bytes": sum(entry.size_bytes for entry in entries),
        "stored_bytes": sum(entry.stored_bytes for entry in entries),
        "contiguous_from": newest_part[0].began_at if newest_part else "",
        "until": max((entry.latest_commit for entry in newest_part), default=""),
        "gtids": entries[-1].gtids_after if entries else "",
        "gaps": [{"after": earlier[-1].name, "before": later[0].name} for earlier, later in zip(parts, parts[1:])],
    }


def _names(entries: Sequence[ArchivedBinlog]) -> list[str]:
    return [entry.name for entry in entries]


def _notes(run: ArchiveRun) -> list[str]:
    """Say what stands in the way of a recovery over the logs that were added."""
    statements = sum(entry.row_statements for entry in run.added)
    partial = sum(entry.partial_images for entry in run.added)
    notes = []
    if statements:
        notes.append(
            f"{statements} of the archived transactions change rows by statements (binlog_format was not ROW): a "
            "recovery of a site that they concern is refused beyond the first of them."
        )
    if partial:
        notes.append(
            f"{partial} of the archived transactions have row images without all columns (binlog_row_image was not "
            "FULL): a recovery of a site that they concern is refused beyond the first of them."
        )
    return notes


def _refuse_damaged(archive: BinlogArchive, entries: Sequence[ArchivedBinlog]) -> None:
    damaged = archive.damaged(entries)
    if damaged:
        raise LifeboatError(
            f"Files of the archive of binary logs in {archive.folder} are not what was archived: {', '.join(damaged)}. "
            "Put them back from the off-site copy; where there is none, remove them with their .json files and make "
            "new backup sets now, since no recovery can go over them.",
            "binlog_damaged",
            {"files": damaged},
        )
