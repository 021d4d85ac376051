"""A run as one line for Nagios, Icinga and Checkmk, as the Monitoring Plugins' development guidelines ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._checks.findings import CRITICAL, UNKNOWN, WARNING, Finding, one_line
from .._checks.summary import worst_first

EXIT_CODES = {CRITICAL: 2, WARNING: 1, UNKNOWN: 3}
# Nagios reads 8 KiB of a plugin's output in all, and Icinga's and Checkmk's agents less where they relay it.
MOST_BYTES = 4096
MOST_TEXT = 200
# Units that the guidelines know; the others are plain numbers.
UNITS = {"percent": "%", "seconds": "s", "bytes": "B"}


def nagios_line(findings: Sequence[Finding], summary: Mapping[str, Any]) -> tuple[str, int]:
    """Return the line and its exit code: 0 ok, 1 warning, 2 critical, 3 unknown.

    Args:
        findings: Those of the run.
        summary: What ``summarise`` made of them.
    """
    counts = summary["counts"]
    # A run that judged nothing knows nothing.
    severity = next((name for name in EXIT_CODES if counts[name]), "ok" if summary["coverage"] else UNKNOWN)
    numbers = ", ".join(f"{counts[name]} {name}" for name in (*EXIT_CODES, "ok", "accepted") if counts[name])
    head = f"LIFEBOAT {severity.upper()}: {numbers or 'nothing was checked'}, score {summary['score']}"
    worst = worst_first(findings)
    # The worst come first in both halves: a reader may cut the line anywhere.
    text = _joined(head, (f"; {_plain(_sentence(finding), MOST_TEXT)}" for finding in worst), MOST_BYTES // 2)
    others = [finding for finding in findings if finding not in worst]
    performance = [
        f"score={summary['score']};;;0;100",
        f"coverage={summary['coverage']:g}%;;;0;100",
        *(_performance(finding) for finding in (*worst, *others) if finding.value is not None),
    ]
    return _joined(f"{text} |", (f" {each}" for each in performance), MOST_BYTES), EXIT_CODES.get(severity, 0)


def _sentence(finding: Finding) -> str:
    return f"{finding.id} {' '.join(filter(None, (finding.target, finding.item)))}: {finding.text}"


def _performance(finding: Finding) -> str:
    label = _plain(" ".join(filter(None, (finding.id, finding.target, finding.item))), MOST_TEXT)
    for character in "'=":
        label = label.replace(character, "_")
    return f"'{label}'={finding.value:.10g}{UNITS.get(finding.unit, '')};{finding.warning};{finding.critical}"


def _plain(text: str, most: int) -> str:
    return one_line(text, most).replace("|", "/")


def _joined(start: str, parts: Iterator[str], most_bytes: int) -> str:
    line = start
    for part in parts:
        if len((line + part).encode()) > most_bytes:
            break
        line += part
    return line
