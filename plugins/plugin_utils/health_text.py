# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health of hosts as a person reads it at night, and as the artifact of a job. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import SEVERITIES, one_line
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import WORST_COUNT, fitted

MOST_HOSTS_NAMED = 10
MOST_HOST_NAME = 80
# By how far a line that continues another is indented.
INDENT = 10


def health_lines(result: Mapping[str, Any], host: str) -> list[str]:
    """Write what a run found as lines: the verdict, the worst with what mends them, what could not be looked at.

    Args:
        result: What ``health_check`` returned.
        host: The host's name in the inventory.
    """
    summary = result["summary"]
    counts = summary["counts"]
    verdict = next((name for name in ("critical", "warning", "unknown") if counts[name]), "ok")
    numbers = ", ".join(f"{counts[name]} {name}" for name in (*SEVERITIES, "accepted") if counts[name])
    lines = [
        f"{host}: {verdict.upper()}. {numbers or 'Nothing was checked'}.",
        f"Score {summary['score']} of 100; {summary['coverage']:g} % of what applies here could be judged.",
    ]
    for finding in summary["worst"]:
        lines += _finding_lines(finding)
    left_out = counts["critical"] + counts["warning"] + counts["unknown"] - len(summary["worst"])
    if left_out > 0:
        lines.append(f"{left_out} more are in the result of the task and in the report of lifeboat.frappe.audit.")
    return [*lines, *(f"Note: {note}" for note in result["notes"])]


def health_stats(summaries: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Put the summaries of many hosts into one of at most 8 KiB.

    Args:
        summaries: The host's name and its summary, which is empty for a host that did not answer.

    Returns:
        ``hosts``, ``unreachable`` (the number) and ``unreachable_hosts`` (some names), the sums of ``counts``, the
        lowest ``score``, the mean ``coverage`` (a host that did not answer has 0), and the ten ``worst`` findings, each
        with its host.
    """
    by_host = dict(summaries)
    answered = {host: summary for host, summary in by_host.items() if summary}
    silent = sorted(set(by_host) - set(answered))
    worst = [
        {"host": one_line(host, MOST_HOST_NAME), **finding}
        for host, summary in answered.items()
        for finding in summary["worst"]
    ]
    worst.sort(key=lambda finding: SEVERITIES.index(finding["severity"]))
    return fitted(
        {
            "hosts": len(by_host),
            "unreachable": len(silent),
            "unreachable_hosts": [one_line(host, MOST_HOST_NAME) for host in silent[:MOST_HOSTS_NAMED]],
            "counts": {
                name: sum(summary["counts"][name] for summary in answered.values())
                for name in (*SEVERITIES, "accepted")
            },
            "score": min((summary["score"] for summary in answered.values()), default=0),
            "coverage": round(sum(summary["coverage"] for summary in answered.values()) / max(1, len(by_host)), 1),
            "worst": worst[:WORST_COUNT],
        }
    )


def _finding_lines(finding: Mapping[str, Any]) -> Iterator[str]:
    place = " ".join(filter(None, (finding["target"], finding["item"])))
    yield f"{finding['severity'].upper():<{INDENT}}{finding['id']} {finding['title']} ({place}): {finding['text']}"
    mend = f" Or run {finding['playbook']}." if finding["playbook"] else ""
    yield f"{'':<{INDENT}}{finding['remediation']}{mend}"
