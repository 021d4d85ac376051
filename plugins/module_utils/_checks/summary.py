"""What a run comes to: how many findings of which severity, a score, how much could be judged, and the worst."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .findings import CRITICAL, OK, SEVERITIES, SKIPPED, UNKNOWN, WARNING, Finding, one_line
from .registry import IMPACT_WEIGHTS

BEST_SCORE = 100
# What a finding takes from the score is the weight of its impact, all of it where it is critical.
SEVERITY_FACTORS = {CRITICAL: 1.0, WARNING: 0.5}
# What all findings of one subject together take at most, so that a single dead server leaves the rest visible.
MOST_TAKEN_PER_SUBJECT = 40.0

WORST_COUNT = 10
MOST_NAME = 80
MOST_TEXT = 160
# What the artifacts of a job, and the notifications made of them, should have at most.
MOST_BYTES = 8 * 1024


def summarise(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the counts, the score, the coverage and the worst findings of a run, as JSON can hold them."""
    counts = Counter("accepted" if finding.accepted else finding.severity for finding in findings)
    summary = {
        "counts": {name: counts[name] for name in (*SEVERITIES, "accepted")},
        "score": score(findings),
        "coverage": coverage_percent(findings),
        "worst": [_short(finding) for finding in worst_first(findings)[:WORST_COUNT]],
    }
    return fitted(summary)


def fitted(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary whose JSON has at most 8 KiB: its list ``worst`` loses as many of its last as it takes."""
    worst = list(summary["worst"])
    while worst and len(json.dumps({**summary, "worst": worst})) > MOST_BYTES:
        worst.pop()
    return {**summary, "worst": worst}


def score(findings: Iterable[Finding]) -> int:
    """Return 0 to 100: 100 less what each check takes by its worst finding, at most 40 a subject.

    A check counts once, however many items or sites it found. What is accepted, unknown or skipped takes nothing: what
    is not known lowers the coverage.
    """
    taken: dict[str, dict[str, float]] = {}
    for finding in findings:
        if finding.severity in SEVERITY_FACTORS and not finding.accepted:
            points = IMPACT_WEIGHTS[finding.impact] * SEVERITY_FACTORS[finding.severity]
            by_check = taken.setdefault(finding.subject, {})
            by_check[finding.id] = max(points, by_check.get(finding.id, 0.0))
    total = sum(min(sum(by_check.values()), MOST_TAKEN_PER_SUBJECT) for by_check in taken.values())
    return max(0, round(BEST_SCORE - total))


def coverage_percent(findings: Iterable[Finding]) -> float:
    """Return how much of what applies to the host could be judged, in percent; 0 where nothing was."""
    counts = Counter(finding.severity for finding in findings)
    applicable = sum(counts.values()) - counts[SKIPPED]
    return round(100 * (applicable - counts[UNKNOWN]) / applicable, 1) if applicable else 0.0


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that somebody has to look at: by severity, then by impact, then by id."""
    open_findings = [finding for finding in findings if finding.severity not in (OK, SKIPPED) and not finding.accepted]
    return sorted(
        open_findings,
        key=lambda finding: (
            SEVERITIES.index(finding.severity),
            -IMPACT_WEIGHTS[finding.impact],
            finding.id,
            finding.target,
            finding.item,
        ),
    )


def _short(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "impact": finding.impact,
        "title": one_line(finding.title, MOST_NAME),
        "target": one_line(finding.target, MOST_NAME),
        "item": one_line(finding.item, MOST_NAME),
        "text": one_line(finding.text, MOST_TEXT),
        "remediation": one_line(finding.remediation, MOST_TEXT),
        "playbook": finding.playbook,
    }
