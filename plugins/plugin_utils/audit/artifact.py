# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit publishes to the job that ran it: small enough for AWX's artifacts and its notifications. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .hosts import ANSWERED
from .query import selected_line
from .words import names_text

# What a job's artifact should stay below (awx issue 7605 lets notifications use it, and shows it in one page).
MOST_BYTES = 8 * 1024
GROUPS_SHOWN = 10
SELECTED_SHOWN = 10
LONGEST_LINE = 200


def audit_artifact(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the counts, score, coverage, changes and the ten worst groups, at most 8 KiB as JSON.

    Args:
        document: The audit's document.
        path: The folder of its report.
    """
    summary = document["summary"]
    silent = [host["name"] for host in document["hosts"] if host["state"] != ANSWERED]
    artifact = {
        "headline": summary["headline"],
        "tone": summary["tone"],
        **{name: summary[name] for name in ("score", "coverage", "hosts", "counts", "changes")},
        "path": path,
        "selected_count": len(document["selected"]),
        "selected": [selected_line(one)[:LONGEST_LINE] for one in document["selected"][:SELECTED_SHOWN]],
        "silent": names_text(silent)[:LONGEST_LINE],
        "worst": [
            {
                "id": group["id"],
                "severity": group["severity"],
                "title": group["title"][:LONGEST_LINE],
                "hosts": len(group["hosts"]),
                "where": names_text(group["worst_hosts"])[:LONGEST_LINE],
            }
            for group in document["groups"][:GROUPS_SHOWN]
        ],
    }
    while _size(artifact) > MOST_BYTES and (artifact["worst"] or artifact["selected"]):
        (artifact["selected"] or artifact["worst"]).pop()
    return artifact


def artifact_lines(artifact: Mapping[str, Any]) -> list[str]:
    """Return what an artifact says of the worst findings and of silent hosts, a line each, for a terminal."""
    lines = [
        f"{group['severity']:<8}  {group['id']} {group['title']} ({group['where']})" for group in artifact["worst"]
    ]
    return [*lines, *([f"did not answer: {artifact['silent']}"] if artifact["silent"] else [])]


def _size(value: Any) -> int:
    return len(json.dumps(value).encode())
