"""Errors of the system's journal: of the kernel, and of the programs that a bench lives from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .events import ErrorEvent

MOST_ENTRIES = 500
SOURCE = "journal"
# What else a host logs as an error is not about a bench.
_CONCERNED = re.compile(r"kernel|systemd|mariadb|mysql|redis|nginx|supervisor|frappe|bench|gunicorn|node|cron|oom")


@dataclass(frozen=True)
class JournalPart:
    """What was read of the journal; ``cursor`` is where to go on, as it was where there was nothing new."""

    events: tuple[ErrorEvent, ...]
    cursor: str


def read_journal(run: CommandRunner, cursor: str, from_seconds: float) -> JournalPart:
    """Read the errors of the journal.

    Args:
        run: Runs ``journalctl``.
        cursor: Where to go on; empty to begin at ``from_seconds``, in Unix time.
        from_seconds: The oldest entry that is read without a cursor.

    Raises:
        LifeboatError: ``command_missing`` or ``command_failed``.
    """
    place = f"--after-cursor={cursor}" if cursor else f"--since=@{int(from_seconds)}"
    fields = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT"
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", "--priority=err", f"--lines={MOST_ENTRIES}"]
    answer = run([*command, fields, place])
    if answer.exit_code != 0:
        raise LifeboatError(
            f"Cannot read the journal: journalctl ended with {answer.exit_code}. Run this as root.", "command_failed"
        )
    entries = list(_entries(answer.output))
    events = (_event(entry) for entry in entries)
    last = str(entries[-1].get("__CURSOR", cursor)) if entries else cursor
    return JournalPart(tuple(event for event in events if event is not None), last)


def _entries(output: str) -> Iterator[dict[str, object]]:
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # its last line may be cut
        if isinstance(entry, dict):
            yield entry


def _event(entry: dict[str, object]) -> ErrorEvent | None:
    unit = str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_SYSTEMD_UNIT") or "")
    message = entry.get("MESSAGE")
    if not isinstance(message, str) or not _CONCERNED.search(f"{unit} {entry.get('_SYSTEMD_UNIT') or ''}"):
        return None
    stamp = str(entry.get("__REALTIME_TIMESTAMP", ""))
    at_seconds = int(stamp) / 1e6 if stamp.isdigit() else None
    return ErrorEvent(f"{unit}: {message}", f"{SOURCE} of {unit}", at_seconds)
