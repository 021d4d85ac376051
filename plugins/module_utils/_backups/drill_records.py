"""The records of a site's drills: which set was recovered in a scratch place, what was proven, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._system.files import make_private_folder
from .._system.json_lines import append_json_line, read_json_lines
from .manifest import PHYSICAL

DRILL_RECORDS_NAME = "drills.jsonl"
# A record has some 6 kB: more than a hundred drills are kept, and as many in the old generation.
DRILL_RECORDS_LIMIT_BYTES = 1024 * 1024

PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True)
class LastDrill:
    """The newest drill of a set, as the catalogue shows it.

    Attributes:
        drill: The identifier of the drill.
        at: When it ended, RFC 3339 in UTC.
        outcome: passed or failed.
        reason: Why it failed; "" when it passed.
        seconds: How long it took until all was proven.
    """

    drill: str
    at: str
    outcome: str
    reason: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def append_drill_record(
    state_path: Path, record: Mapping[str, Any], limit_bytes: int = DRILL_RECORDS_LIMIT_BYTES
) -> None:
    """Append the record of a drill, durably; a full file becomes the one old generation ``drills.jsonl.1``.

    Args:
        state_path: The folder of the collection's state; it is made where it is missing.
        record: In the shape of ``docs/drill-record.schema.json``; no secret, no row.
        limit_bytes: The size at which the file is full.
    """
    folder = state_path / str(record["site"])
    make_private_folder(folder)
    append_json_line(folder / DRILL_RECORDS_NAME, dict(record), limit_bytes)


def read_drill_records(state_path: Path, site: str) -> list[dict[str, Any]]:
    """Return the records of a site's drills that are still there, oldest first; none where no drill ever ran."""
    return read_json_lines(state_path / site / DRILL_RECORDS_NAME)


def imported_manifests(records: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the digests of the manifests whose tables, as files, a server imported in a drill that passed.

    Args:
        records: The records of the site's drills. A set whose recovery was not from its files proves nothing of them.
    """
    return {
        str(record["set"]["manifest_sha256"])
        for record in records
        if record["outcome"] == PASSED
        and str(record["kind"]).startswith(PHYSICAL)
        and "manifest_sha256" in record["set"]
    }


def last_drill(records: Iterable[Mapping[str, Any]], set_name: str, set_bytes: int) -> LastDrill | None:
    """Return the newest drill of a set; None when it was never drilled, or is not what it was then.

    Args:
        records: The records of the site's drills, oldest first.
        set_name: The set's name.
        set_bytes: The size of all its artifacts now. A set of another size was changed since the drill.
    """
    newest = None
    for record in records:
        drilled = record.get("set") or {}
        if (drilled.get("name"), drilled.get("size_bytes")) == (set_name, set_bytes):
            newest = record
    if newest is None:
        return None
    return LastDrill(
        drill=str(newest["drill"]),
        at=str(newest["ended_at"]),
        outcome=str(newest["outcome"]),
        reason=str((newest.get("error") or {}).get("reason", "")),
        seconds=float(newest["seconds"]),
    )
