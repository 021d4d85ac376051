"""The check of what the database server wrote into its error log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..._mariadb.digest.slow_log import read_log_part
from ..._mariadb.error_log import lines_since, summarise_log
from ..._system.quantities import DAY_SECONDS, bytes_text, count_text
from ..findings import CRITICAL, OK, WARNING
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.database_server import DatabaseServer

# A crash writes some 20 KiB; what is more than this since the last run is read from its end.
LIMIT_BYTES = 4 * 1024 * 1024
JOURNAL_LINES = 5000


@dataclass(frozen=True)
class NewLines:
    """What the log gained, where to go on the next time, and what was passed over."""

    lines: Iterable[str]
    cursor: dict[str, float]
    note: str = ""


@check(
    "D14",
    "error_log.damage",
    title="Damage and distress in the server's error log",
    subject="mariadb",
    target=DatabaseServer,
    measures="lines since the last run, or of the last day, that tell of crashes, damaged data or a lack of memory, "
    "files or disk",
    source="the file that log_error names, or the journal",
    unit="count",
    impact="critical",
    remediation=Remediation(
        "Stop all maintenance and keep the newest backup sets. CHECK TABLE what the evidence names on a restored copy; "
        "recover the site from a backup set where data is damaged; never REPAIR an InnoDB table.",
        "lifeboat.frappe.recover",
    ),
    reference="MySQLTuner's patterns of the error log, without those that clients can write",
)
def error_log_damage(server: DatabaseServer) -> Iterator[Measurement]:
    """Read what the log gained since the last run, and count what matters in it."""
    server.require_local()
    new = _new_lines(server, _cursor(server))
    summary = summarise_log(new.lines)
    severity = CRITICAL if summary.has_damage else WARNING if summary.lines else OK
    text = f"{count_text(summary.lines, 'line')} of the error log matter"
    if summary.texts:
        text = f"{text}: {summary.texts[0]}"
    yield Measurement(
        summary.lines,
        text=text,
        evidence=tuple(filter(None, (*summary.texts, new.note))),
        severity=severity,
        fact=json.dumps(new.cursor),
    )


def _cursor(server: DatabaseServer) -> dict[str, float]:
    with suppress(ValueError):
        cursor = json.loads(server.surroundings.history.fact("D14", server.name))
        if isinstance(cursor, dict):
            return cursor
    return {}


def _new_lines(server: DatabaseServer, cursor: dict[str, float]) -> NewLines:
    name = server.variables.get("log_error", "")
    if name and name != "stderr":
        return _of_file(server, Path(server.variables["datadir"]) / name, cursor)
    return _of_journal(server, cursor)


def _of_file(server: DatabaseServer, path: Path, cursor: dict[str, float]) -> NewLines:
    place = server.surroundings.root / str(path).lstrip("/")
    try:
        part = read_log_part(place, LIMIT_BYTES, int(cursor.get("inode", 0)), int(cursor.get("end_bytes", 0)))
    except OSError as error:
        reason = f"the error log {path} cannot be read: {error.strerror}; run the checks as root or in its group"
        raise UnmeasurableError(reason) from None
    lines: Iterable[str] = part.text.splitlines()
    if "end_bytes" not in cursor:
        day_ago = datetime.fromtimestamp(server.now_seconds - DAY_SECONDS)  # noqa: DTZ006 (as the log is written)
        lines = lines_since(lines, day_ago)
    note = f"the log grew by more than {bytes_text(LIMIT_BYTES)}: only its end was read" if part.is_cut else ""
    return NewLines(lines, {"inode": part.inode, "end_bytes": part.end_bytes}, note)


def _of_journal(server: DatabaseServer, cursor: dict[str, float]) -> NewLines:
    now = server.now_seconds
    since = cursor.get("at_seconds", now - DAY_SECONDS)
    result = server.surroundings.run(
        (
            "journalctl",
            "_COMM=mariadbd",
            "_COMM=mysqld",
            f"--since=@{since:.0f}",
            f"--lines={JOURNAL_LINES}",
            "--output=cat",
            "--no-pager",
            "--quiet",
        )
    )
    if result.exit_code or result.error_output.strip():
        raise UnmeasurableError("the server has no error log of its own, and the journal cannot be read: run as root")
    return NewLines(result.output.splitlines(), {"at_seconds": now})
