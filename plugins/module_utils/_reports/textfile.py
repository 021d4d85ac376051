"""A run as metrics for the textfile collector of the node_exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._checks.findings import CRITICAL, OK, SEVERITIES, SKIPPED, UNKNOWN, WARNING, Finding
from .._system.files import write_atomically

STATUS = {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3}
# A check with more items than this (mounts, queues, tables, sites) loses its best ones: every item is a series of its
# own in Prometheus, for ever.
MOST_ITEMS = 50
PERCENT = 100
_READABLE_BY_ALL = 0o644


def write_textfile(path: Path, content: str) -> None:
    """Replace the file at once, readable by the exporter, which never sees a part of it.

    Raises:
        OSError: The folder is missing or may not be written.
    """
    write_atomically(path, content.encode(), _READABLE_BY_ALL)


def textfile(findings: Sequence[Finding], summary: Mapping[str, Any], at_seconds: float, seconds: float) -> str:
    """Return the metrics of a run in the text format of Prometheus. No text of a finding is in them.

    Args:
        findings: Those of the run; what was skipped is left out.
        summary: What ``summarise`` made of them.
        at_seconds: When the run began, in Unix time.
        seconds: How long it took.
    """
    shown, dropped = _bounded(findings)
    families = (
        family(
            "lifeboat_check_status",
            "What each check says: 0 is ok, 1 warning, 2 critical, 3 unknown.",
            ((_labels(finding), STATUS[finding.severity]) for finding in shown),
        ),
        family(
            "lifeboat_check_accepted",
            "1 for each finding that somebody accepted; its status is told as if it were not.",
            ((_labels(finding), 1) for finding in shown if finding.accepted),
        ),
        family(
            "lifeboat_check_value",
            "What each check measured, in the base unit of its label.",
            ((_labels(finding, unit=_base_unit(finding)), _base_value(finding)) for finding in shown if _has(finding)),
        ),
        family(
            "lifeboat_check_items_dropped",
            f"How many items of a check are left out here, beyond its {MOST_ITEMS} worst.",
            (({"check": check_id}, count) for check_id, count in sorted(dropped.items())),
        ),
        family(
            "lifeboat_health_findings",
            "How many findings there are by severity; accepted ones are counted apart.",
            (({"severity": name}, summary["counts"][name]) for name in (*SEVERITIES, "accepted")),
        ),
        family("lifeboat_health_score", "How healthy the host is, from 0 to 100.", [({}, summary["score"])]),
        family(
            "lifeboat_health_coverage_ratio",
            "How much of what applies to the host could be judged.",
            [({}, summary["coverage"] / PERCENT)],
        ),
        family("lifeboat_health_run_seconds", "How long the last run took.", [({}, seconds)]),
        family(
            "lifeboat_health_last_run_timestamp_seconds", "When the last run began, in Unix time.", [({}, at_seconds)]
        ),
    )
    return "".join(line + "\n" for family in families for line in family)


def _bounded(findings: Iterable[Finding]) -> tuple[list[Finding], Counter[str]]:
    kept: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    shown: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)):
        if finding.severity == SKIPPED or finding.key in shown:
            continue  # the exporter refuses a file that has the same series twice
        if kept[finding.id] < MOST_ITEMS:
            kept[finding.id] += 1
            shown[finding.key] = finding
        else:
            dropped[finding.id] += 1
    return [shown[key] for key in sorted(shown)], dropped


def family(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    """Yield the lines of one metric: what it means, that it is a gauge, and its labelled samples."""
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{pairs}}} {value:.15g}" if pairs else f"{name} {value:.15g}"


def _labels(finding: Finding, **more: str) -> dict[str, str]:
    return {
        "check": finding.id,
        "name": finding.name,
        "subject": finding.subject,
        "target": finding.target,
        "item": finding.item,
        **more,
    }


def _has(finding: Finding) -> bool:
    return finding.value is not None


def _base_unit(finding: Finding) -> str:
    return "ratio" if finding.unit == "percent" else finding.unit


def _base_value(finding: Finding) -> float:
    value = finding.value or 0.0
    return value / PERCENT if finding.unit == "percent" else value


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
