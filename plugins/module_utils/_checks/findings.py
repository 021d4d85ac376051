"""A finding: what a check says about one item of one target, judged by its thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .ranges import parse_range
from .registry import Check, Measurement

OK = "ok"
WARNING = "warning"
CRITICAL = "critical"
UNKNOWN = "unknown"
SKIPPED = "skipped"
# From the worst to the best, which is the order of every report.
SEVERITIES = (CRITICAL, WARNING, UNKNOWN, OK, SKIPPED)

# A check may quote what it found on a host, and a host may hold anything.
MOST_TEXT = 400
MOST_EVIDENCE_LINES = 10


@dataclass(frozen=True)
class Thresholds:
    """The ranges that judge a check: its own, or the user's; an empty one judges nothing."""

    warning: str
    critical: str


@dataclass(frozen=True)
class Acceptance:
    """Somebody's decision to live with a finding: why, who, and until when (a date, YYYY-MM-DD)."""

    id: str
    reason: str
    owner: str
    expires: str
    target: str = ""


@dataclass(frozen=True)
class Finding:
    """One line of a report; ``accepted`` is the acceptance that covers it, if one does."""

    id: str
    name: str
    title: str
    subject: str
    target: str
    item: str
    severity: str
    value: float | None
    unit: str
    warning: str
    critical: str
    text: str
    evidence: tuple[str, ...]
    impact: str
    remediation: str
    playbook: str
    accepted: Acceptance | None = None
    fact: str = ""

    @property
    def key(self) -> str:
        """What names the same finding in every run: check, target and item."""
        return f"{self.id}|{self.target}|{self.item}"

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON can hold it; the fact stays on the host."""
        values = asdict(self)
        del values["fact"]
        return {**values, "evidence": list(self.evidence)}


def thresholds_of(check: Check, overrides: Mapping[str, Mapping[str, str]]) -> Thresholds:
    """Return the ranges of a check: its own, each replaced where the user set another.

    Args:
        check: The check.
        overrides: By check id, ``warning`` and ``critical``; an empty text switches that range off.
    """
    given = overrides.get(check.id, {})
    return Thresholds(given.get("warning", check.warning), given.get("critical", check.critical))


def judge(check: Check, target_name: str, measurement: Measurement, thresholds: Thresholds) -> Finding:
    """Turn a measurement into a finding."""
    return _finding(
        check,
        target_name,
        thresholds,
        measurement,
        measurement.severity or _severity(measurement.value, thresholds),
    )


def finding_without_value(
    check: Check, target_name: str, severity: str, reason: str, thresholds: Thresholds
) -> Finding:
    """Return the finding of a check that could not be measured (``unknown``) or had nothing to do (``skipped``)."""
    return _finding(check, target_name, thresholds, Measurement(None, text=reason), severity)


def one_line(text: str, most: int = MOST_TEXT) -> str:
    """Return a text on one line, without control characters, cut where it is longer than ``most`` characters."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= most else line[: most - 1] + "…"


def _severity(value: float | None, thresholds: Thresholds) -> str:
    if value is None:
        return UNKNOWN
    if thresholds.critical and parse_range(thresholds.critical).is_breached_by(value):
        return CRITICAL
    if thresholds.warning and parse_range(thresholds.warning).is_breached_by(value):
        return WARNING
    return OK


def _finding(
    check: Check, target_name: str, thresholds: Thresholds, measurement: Measurement, severity: str
) -> Finding:
    return Finding(
        id=check.id,
        name=check.name,
        title=check.title,
        subject=check.subject,
        target=target_name,
        item=one_line(measurement.item),
        severity=severity,
        # JSON knows no infinity; the text says it.
        value=None if measurement.value is None or not math.isfinite(measurement.value) else measurement.value,
        unit=check.unit,
        warning=thresholds.warning,
        critical=thresholds.critical,
        text=one_line(measurement.text),
        evidence=tuple(one_line(line) for line in measurement.evidence[:MOST_EVIDENCE_LINES]),
        impact=check.impact,
        remediation=check.remediation.text,
        playbook=check.remediation.playbook,
        fact=measurement.fact,
    )
