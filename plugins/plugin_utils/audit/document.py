# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The document of an audit: everything that the reports of all formats say, as JSON can hold it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .cleaning import clean_text
from .comparison import BETTER, NEW, WORSE, EarlierAudit, mark_changes
from .drift import find_drift
from .groups import group_findings
from .hosts import ACCEPTED, ANSWERED, BREACHES, FAILED, RANK, SEVERITIES, UNREACHABLE, HostAudit, is_open
from .overview import backup_rows, certificate_rows, version_rows
from .words import headline, sentences

SCHEMA_VERSION = 1


def build_document(
    hosts: Sequence[HostAudit], earlier: EarlierAudit | None, *, title: str, now: str, collection_version: str
) -> dict[str, Any]:
    """Return the document of an audit (``docs/audit-report.schema.json``).

    Args:
        hosts: Every host that was to be audited, also those that did not answer.
        earlier: The last audit, or None where this is the first.
        title: What was audited, for people.
        now: The moment of the audit, RFC 3339 in UTC.
        collection_version: The collection's own version.
    """
    hosts = sorted(hosts, key=_host_order)
    checks = {check_id: check for host in hosts for check_id, check in host.checks.items()}
    fixed = mark_changes(hosts, earlier, now)
    groups, unknown = group_findings(hosts, checks)
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "title": clean_text(title),
        "generated_at": now,
        "collection_version": collection_version,
        "compared_with": earlier.generated_at if earlier else "",
        "summary": _summary(hosts, len(fixed)),
        "trend": earlier.trend if earlier else [],
        "groups": groups,
        "unknown": unknown,
        "fixed": fixed,
        "drift": find_drift(hosts),
        "versions": version_rows(hosts, now),
        "backups": backup_rows(hosts, now),
        "certificates": certificate_rows(hosts),
        "selected": [],
        "checks": dict(sorted(checks.items())),
        "hosts": [_host_entry(host) for host in hosts],
        "findings": [finding for host in hosts for finding in host.findings],
    }
    tone, said = headline(document["summary"])
    document["summary"].update(tone=tone, headline=said, sentences=list(sentences(document)))
    return document


def _host_order(host: HostAudit) -> tuple[Any, ...]:
    """Order hosts by what matters: those that did not answer, then by what they have most of, the worst first."""
    counts = host.counts
    return (host.state == ANSWERED, *(-counts[severity] for severity in SEVERITIES[:3]), host.name)


def _host_entry(host: HostAudit) -> dict[str, Any]:
    return {
        "name": host.name,
        "state": host.state,
        "reason": host.reason,
        "score": host.score,
        "coverage": host.coverage,
        "counts": host.counts,
        "problems": host.problems,
        "facts": host.facts,
    }


def _summary(hosts: Sequence[HostAudit], fixed: int) -> dict[str, Any]:
    scored = [host for host in hosts if host.score is not None]
    lowest = min(scored, key=lambda host: host.score or 0, default=None)
    states = [host.state for host in hosts]
    counts = dict.fromkeys((*SEVERITIES, ACCEPTED), 0)
    changes = {NEW: 0, WORSE: 0, BETTER: 0, "fixed": fixed}
    hosts_with = dict.fromkeys(BREACHES, 0)
    for host in hosts:
        for severity, count in host.counts.items():
            counts[severity] += count
        opened = [finding for finding in host.findings if is_open(finding)]
        for finding in opened:
            if finding["change"] in changes:
                changes[finding["change"]] += 1
        if opened:
            hosts_with[min((finding["severity"] for finding in opened), key=RANK.__getitem__)] += 1
    return {
        "score": _floor(sum(host.score or 0 for host in scored) / len(scored)) if scored else None,
        # A host that did not answer covers nothing.
        "coverage": _floor(10 * sum(host.coverage for host in hosts) / len(hosts)) / 10 if hosts else 0.0,
        "lowest": {"host": lowest.name, "score": lowest.score} if lowest else None,
        "hosts": {"total": len(hosts), **{state: states.count(state) for state in (ANSWERED, UNREACHABLE, FAILED)}},
        "hosts_with": hosts_with,
        "counts": counts,
        "changes": changes,
    }


def _floor(number: float) -> int:
    """Round down: 100 is said of what is whole alone."""
    return math.floor(number + 1e-9)
