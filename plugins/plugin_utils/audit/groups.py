# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings that many hosts share, put together: what one decision mends in many places. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from .comparison import NEW, WORSE
from .hosts import IMPACTS, RANK, SEVERITIES, UNKNOWN, HostAudit, count_states, is_open, state_of


def group_findings(
    hosts: Iterable[HostAudit], checks: Mapping[str, Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return one group for each check that is breached somewhere, and one for each that could not be made.

    Args:
        hosts: The hosts of the audit.
        checks: The checks by their id.

    Returns:
        The breached, what matters most first; the unknown, the most frequent first. Each group has ``id``, ``title``,
        ``subject``, ``impact``, ``severity`` (its worst), ``counts``, ``new``, ``worse``, ``hosts``, and the
        ``worst_hosts`` among them.
    """
    breached: dict[str, list[dict[str, Any]]] = defaultdict(list)
    unknown: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for host in hosts:
        for finding in host.findings:
            if is_open(finding):
                breached[finding["id"]].append(finding)
            elif state_of(finding) == UNKNOWN:
                unknown[finding["id"]].append(finding)
    return (
        sorted((_group(checks[check_id], found) for check_id, found in breached.items()), key=_order),
        sorted((_group(checks[check_id], found) for check_id, found in unknown.items()), key=_order),
    )


def _group(check: Mapping[str, Any], findings: list[dict[str, Any]]) -> dict[str, Any]:
    counts = count_states(findings)
    worst = next(severity for severity in SEVERITIES if counts[severity])
    return {
        **{name: check[name] for name in ("id", "title", "subject", "impact")},
        "severity": worst,
        "counts": {severity: count for severity, count in counts.items() if count},
        "new": sum(finding["change"] == NEW for finding in findings),
        "worse": sum(finding["change"] == WORSE for finding in findings),
        "hosts": sorted({finding["host"] for finding in findings}),
        "worst_hosts": sorted({finding["host"] for finding in findings if finding["severity"] == worst}),
    }


def _order(group: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return RANK[group["severity"]], IMPACTS.index(group["impact"]), -len(group["hosts"]), group["id"]
