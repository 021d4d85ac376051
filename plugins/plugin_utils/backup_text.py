# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups as a person reads them at night, and as the artifact of a job. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .texts import bytes_text, duration_text

Result = Mapping[str, Any]
VERIFIED = {
    "content": "every file read again and looked into",
    "structure": "every file read again, its key is elsewhere",
    "": "not made now",
}


def backup_lines(results: Iterable[Result]) -> list[str]:
    """Write what became of each site: those without a new backup first.

    Args:
        results: What ``site_backup`` returned, or its error, each with ``site``.
    """
    ordered = sorted(results, key=lambda result: (not _has_failed(result), result["site"]))
    return [line for result in ordered for line in _lines(result)]


def backup_stats(results: Iterable[tuple[str, Sequence[Result]]]) -> dict[str, Any]:
    """Put the backups of many hosts into one document.

    Args:
        results: The host's name and the results of its sites.

    Returns:
        ``failed``, the sites without a backup, each as ``host``, ``site`` and ``error_code``, and ``sets``, each with
        its host, site, name, size, seconds, recovery point and how it was verified.
    """
    pairs = [(host, result) for host, of_host in results for result in of_host]
    return {
        "failed": [
            {"host": host, "site": result["site"], "error_code": result.get("error_code", "")}
            for host, result in pairs
            if _has_failed(result)
        ],
        "sets": [
            {
                "host": host,
                "site": result["site"],
                **{name: result["set"].get(name) for name in ("name", "size_bytes", "recovery_point", "position")},
                **{name: result[name] for name in ("changed", "seconds", "verified")},
            }
            for host, result in pairs
            if not _has_failed(result)
        ],
    }


def _has_failed(result: Result) -> bool:
    return bool(result.get("failed"))


def _lines(result: Result) -> list[str]:
    site, made = result["site"], result.get("set", {})
    if _has_failed(result):
        return [f"{site}: FAILED. {result['msg']}"]
    if not made or (result["plan"]["needed"] and not result["verified"]):
        return [f"{site}: would be backed up. {result['plan']['reason']}"]
    if not result["changed"]:
        return [f"{site}: nothing to do. {result['plan']['reason']}"]
    what = f"{' and '.join(made['kinds'])}, {made['encryption'] or 'not'} encrypted"
    return [
        f"{site}: {made['name']}, {bytes_text(made['size_bytes'])} in {duration_text(result['seconds'])}, {what}",
        f"  of {made['recovery_point']}, {_position_text(made['position'])}; {VERIFIED[result['verified']]}",
        *_inexact_lines(made["inexact_tables"]),
        *(f"  Note: {note}" for note in result["notes"]),
    ]


def _position_text(position: Mapping[str, Any] | None) -> str:
    if position is None:
        return "the server writes no binary log"
    return f"GTID {position['gtid'] or 'none'} at {position['file']}:{position['offset']}"


def _inexact_lines(tables: Sequence[str]) -> list[str]:
    if not tables:
        return []
    return [f"  Of a later moment, as they have no transactions: {', '.join(tables)}."]
