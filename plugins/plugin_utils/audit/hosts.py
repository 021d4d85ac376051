# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of each host of an audit: its answer, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .cleaning import clean_text, clean_value
from .shapes import ACCEPTANCE, FINDING, SUMMARY, fits, usable_facts

CRITICAL, WARNING, UNKNOWN, OK, SKIPPED = "critical", "warning", "unknown", "ok", "skipped"
ACCEPTED = "accepted"
# From the worst to the best, which is the order of every list.
SEVERITIES = (CRITICAL, WARNING, UNKNOWN, OK, SKIPPED)
BREACHES = (CRITICAL, WARNING)
# What a breach costs the business, from the most to the least.
IMPACTS = ("critical", "high", "medium", "low", "info")
RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}

ANSWERED, UNREACHABLE, FAILED = "answered", "unreachable", "failed"

# What a finding says by itself; the rest of what the module returns is the same for all findings of a check.
FINDING_FIELDS = (
    *("id", "subject", "impact", "severity", "target", "item", "value", "unit", "warning", "critical", "text"),
    *("evidence", "accepted"),
)
CHECK_FIELDS = ("id", "name", "title", "subject", "impact", "unit", "remediation", "playbook")


@dataclass(frozen=True)
class HostAudit:
    """One host of the audit.

    Attributes:
        name: Its name in the inventory.
        state: ``answered``, ``unreachable`` or ``failed``.
        reason: Why it did not answer, or the empty text.
        score: 0 to 100, None where it did not answer.
        coverage: How much of what there was to check could be checked, in percent; 0 where it did not answer.
        findings: What the checks found, each with the fields ``host`` and ``FINDING_FIELDS``.
        checks: By id, what is the same for all findings of a check (``CHECK_FIELDS``).
        facts: What ``audit_info`` returned.
        problems: What of the facts could not be read, and why.
    """

    name: str
    state: str
    reason: str = ""
    score: int | None = None
    coverage: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings have each severity; accepted ones are counted as such alone."""
        return count_states(self.findings)


def silent_host(name: str, state: str, reason: str) -> HostAudit:
    """Return a host that did not answer."""
    return HostAudit(clean_text(name), state, clean_text(reason) or "no reason was given")


def answered_host(name: str, health: Mapping[str, Any], info: Mapping[str, Any]) -> HostAudit:
    """Return a host from what its two modules returned.

    Args:
        name: Its name in the inventory.
        health: The result of ``health_check``; without it a host has not answered.
        info: The result of ``audit_info``; where that failed, the facts are empty and the reason is a problem.
    """
    name = clean_text(name)
    if health.get("failed") or "findings" not in health:
        return silent_host(name, FAILED, str(health.get("msg", "health_check returned no findings")))
    raw_findings, summary = clean_value(health["findings"]), clean_value(health.get("summary"))
    if not fits(raw_findings, [FINDING]) or not all(map(_is_sound, raw_findings)) or not fits(summary, SUMMARY):
        return silent_host(name, FAILED, "its answer cannot be used: it is not what health_check returns")
    facts, problems = usable_facts(clean_value(info.get("facts", {})))
    problems += [f"{problem['part']}: {problem['reason']}" for problem in facts.pop("problems", [])]
    if info.get("failed"):
        problems.append(f"The facts could not be read: {clean_text(str(info.get('msg', '')))}")
    findings = [{"host": name, **{field: raw[field] for field in FINDING_FIELDS}} for raw in raw_findings]
    return HostAudit(
        name=name,
        state=ANSWERED,
        score=summary["score"],
        coverage=float(summary["coverage"]),
        findings=sorted(findings, key=finding_order),
        checks={raw["id"]: {field: raw[field] for field in CHECK_FIELDS} for raw in raw_findings},
        facts=facts,
        problems=problems,
    )


def _is_sound(raw: Mapping[str, Any]) -> bool:
    accepted = raw.get("accepted", ())
    is_acceptance = accepted is None or fits(accepted, ACCEPTANCE)
    return raw["severity"] in SEVERITIES and raw["impact"] in IMPACTS and is_acceptance


def state_of(finding: Mapping[str, Any]) -> str:
    """Return the finding's severity, or ``accepted`` for a breach that somebody decided to live with."""
    is_accepted = finding["accepted"] and finding["severity"] in (*BREACHES, UNKNOWN)
    return ACCEPTED if is_accepted else finding["severity"]


def is_open(finding: Mapping[str, Any]) -> bool:
    """Tell whether a finding is a breach that nobody accepted."""
    return state_of(finding) in BREACHES


def count_states(findings: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count findings by severity; accepted ones are counted as such alone."""
    counts = dict.fromkeys((*SEVERITIES, ACCEPTED), 0)
    for finding in findings:
        counts[state_of(finding)] += 1
    return counts


def finding_key(finding: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return what names the same finding in every audit."""
    return finding["host"], finding["id"], finding["target"], finding["item"]


def finding_order(finding: Mapping[str, Any]) -> tuple[int, str, str, str]:
    """Return by what the findings of a host are ordered: the worst first."""
    return RANK[finding["severity"]], finding["id"], finding["target"], finding["item"]
