# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changed since the last audit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .hosts import ANSWERED, BREACHES, RANK, UNKNOWN, HostAudit, finding_key

NEW, WORSE, BETTER, SAME = "new", "worse", "better", "same"
CHANGES = (NEW, WORSE, BETTER, SAME)
# What is remembered of earlier audits for the line of the score: about half a year of weekly ones.
TREND_LENGTH = 26
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class EarlierAudit:
    """What the last audit saw, as far as it is compared.

    Attributes:
        generated_at: When it was written.
        hosts: The hosts that answered it.
        breaches: Its warnings and critical findings, accepted or not.
        titles: By check id, the title.
        trend: Score and coverage of it and of those before it, oldest first.
    """

    generated_at: str
    hosts: frozenset[str] = frozenset()
    breaches: dict[Key, dict[str, Any]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    trend: list[dict[str, Any]] = field(default_factory=list)


def earlier_audit(document: Mapping[str, Any]) -> EarlierAudit:
    """Return from a report's document what the next audit compares with."""
    point = {
        "at": document["generated_at"],
        "score": document["summary"]["score"],
        "coverage": document["summary"]["coverage"],
    }
    return EarlierAudit(
        generated_at=document["generated_at"],
        hosts=frozenset(host["name"] for host in document["hosts"] if host["state"] == ANSWERED),
        breaches={finding_key(one): one for one in document["findings"] if one["severity"] in BREACHES},
        titles={name: check["title"] for name, check in document["checks"].items()},
        trend=[*document["trend"], point][-TREND_LENGTH:],
    )


def mark_changes(hosts: Iterable[HostAudit], earlier: EarlierAudit | None, now: str) -> list[dict[str, Any]]:
    """Say of each finding how it compares with the last audit, and since when it is there.

    Sets ``change`` (``new``, ``worse``, ``better``, ``same``, or nothing where there is nothing to compare) and
    ``since`` in the findings.

    Returns:
        What was a breach and no longer is. What cannot be seen any more (its host did not answer, its check is unknown
        now) is not among it: nobody knows that it was mended.
    """
    answered: set[str] = set()
    still: set[Key] = set()
    unknown: set[tuple[str, str, str]] = set()
    for host in hosts:
        if host.state == ANSWERED:
            answered.add(host.name)
        for finding in host.findings:
            before = earlier.breaches.get(finding_key(finding)) if earlier else None
            finding["change"], finding["since"] = _change(finding, before, earlier, now)
            if finding["severity"] in BREACHES:
                still.add(finding_key(finding))
            elif finding["severity"] == UNKNOWN:
                unknown.add(finding_key(finding)[:3])
    if earlier is None:
        return []
    return [
        {
            **{name: before[name] for name in ("host", "id", "target", "item", "severity", "text", "since")},
            "title": earlier.titles.get(before["id"], before["id"]),
        }
        for key, before in earlier.breaches.items()
        if before["host"] in answered and key not in still and key[:3] not in unknown
    ]


def _change(
    finding: Mapping[str, Any], before: Mapping[str, Any] | None, earlier: EarlierAudit | None, now: str
) -> tuple[str, str]:
    if finding["severity"] not in BREACHES:
        return "", ""
    if before is None:
        # Of a host that did not answer then, nobody knows what is new.
        return (NEW if earlier and finding["host"] in earlier.hosts else ""), now
    difference = RANK[finding["severity"]] - RANK[before["severity"]]
    return (WORSE if difference < 0 else BETTER if difference > 0 else SAME), before["since"]
