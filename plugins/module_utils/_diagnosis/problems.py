"""The order in which a site comes up, and what of it is broken first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._checks.findings import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING, Finding

CONFIGURATION, DATABASE, REDIS, APPS, MIGRATIONS, SERVICES, WEB = (
    "configuration",
    "database",
    "redis",
    "apps",
    "migrations",
    "services",
    "web",
)
# What each stage stands on is in the stages before it. In a stage, the check that says most comes first.
STAGES: Mapping[str, tuple[str, ...]] = {
    CONFIGURATION: ("F01",),
    DATABASE: ("D01",),
    REDIS: ("R01", "R05"),
    APPS: ("F03",),
    MIGRATIONS: ("F04",),
    SERVICES: ("Q01", "F12", "F05"),
    WEB: ("W01",),
}
# These say that something does not do its work from a warning on; the others when they are critical.
BREAKS_BY_WARNING = ("Q01", "F12")
# What else a person wants to know who was called: it does not keep the site from coming up, or not by itself.
ALSO_SEEN = (
    *("H01", "H03", "H04", "H10", "H14", "D03", "D06", "D07", "D15", "R02", "R04", "Q02", "Q04", "Q05", "Q08"),
    *("F02", "F06", "F09", "F11", "F15", "F17", "W02", "W03", "W04"),
)
_ORDER = {check_id: position for position, check_id in enumerate(i for ids in STAGES.values() for i in ids)}
_STAGE_OF = {check_id: stage for stage, ids in STAGES.items() for check_id in ids}
BROKEN = "broken"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        stage: One of ``STAGES``; empty for what does not keep the site from coming up.
        check: The id of the check that saw it; empty where none did.
        severity: ``critical``, ``warning`` or ``unknown``.
        target: What it is wrong with.
        item: Which of several, or empty.
        text: What was seen.
        command: What mends it, on the host, or where to look.
        playbook: The playbook that mends it, or empty.
    """

    stage: str
    check: str
    severity: str
    target: str
    item: str
    text: str
    command: str
    playbook: str

    def as_dict(self) -> dict[str, str]:
        """Return the problem as JSON values."""
        return {
            "stage": self.stage,
            "check": self.check,
            "severity": self.severity,
            "target": self.target,
            "item": self.item,
            "text": self.text,
            "command": self.command,
            "playbook": self.playbook,
        }


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a site.

    Attributes:
        states: Each stage and its state: ``ok``, ``broken``, ``unknown`` or ``skipped``.
        broken: What is broken, in the order in which a site comes up: the first is to be mended first.
        also: What else was seen, the worst first.
    """

    states: Mapping[str, str]
    broken: Sequence[Problem]
    also: Sequence[Problem]

    @property
    def is_healthy(self) -> bool:
        """Whether each stage that was wanted was looked at and stands."""
        return set(self.states.values()) <= {OK, SKIPPED}

    @property
    def first(self) -> Problem | None:
        """What is broken first."""
        return self.broken[0] if self.broken else None

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return {
            "healthy": self.is_healthy,
            "stages": dict(self.states),
            "broken": self.first.as_dict() if self.first else {},
            "also_broken": [problem.as_dict() for problem in self.broken[1:]],
            "also_seen": [problem.as_dict() for problem in self.also],
        }


def is_broken(finding: Finding) -> bool:
    """Tell whether a finding of a stage means that the stage does not stand."""
    breaking = (CRITICAL, WARNING) if finding.id in BREAKS_BY_WARNING else (CRITICAL,)
    return finding.id in _STAGE_OF and finding.severity in breaking


def diagnose(
    findings: Iterable[Finding],
    commands: Mapping[str, str],
    more: Collection[Problem] = (),
    skip: Collection[str] = (),
) -> Diagnosis:
    """Put what was found into the order in which a site comes up.

    Args:
        findings: Of the checks of ``STAGES`` and of ``ALSO_SEEN``.
        commands: What mends a finding, by its key; without one, the check's own remedy is told.
        more: Problems that no check sees.
        skip: The ids of checks that were left out on purpose.
    """
    findings = list(findings)
    broken = [_problem(each, _STAGE_OF[each.id], commands) for each in findings if is_broken(each)]
    ordered = sorted([*more, *broken], key=_place)
    seen = [each for each in findings if each.severity in (CRITICAL, WARNING, UNKNOWN) and not is_broken(each)]
    # What could not be looked at because of what is broken tells nothing new.
    told = [each for each in seen if each.severity != UNKNOWN or not ordered]
    also = sorted((_problem(each, "", commands) for each in told), key=lambda each: (_worst(each), each.check))
    return Diagnosis({stage: _state(stage, findings, ordered, skip) for stage in STAGES}, ordered, also)


def _problem(finding: Finding, stage: str, commands: Mapping[str, str]) -> Problem:
    return Problem(
        stage=stage,
        check=finding.id,
        severity=finding.severity,
        target=finding.target,
        item=finding.item,
        text=finding.text,
        command=commands.get(finding.key, finding.remediation),
        playbook=finding.playbook,
    )


def _place(problem: Problem) -> tuple[int, int, int]:
    stage = list(STAGES).index(problem.stage)
    return stage, _ORDER.get(problem.check, -1), _worst(problem)


def _worst(problem: Problem) -> int:
    return (CRITICAL, WARNING, UNKNOWN).index(problem.severity)


def _state(stage: str, findings: Sequence[Finding], broken: Sequence[Problem], skip: Collection[str]) -> str:
    if any(problem.stage == stage for problem in broken):
        return BROKEN
    if set(STAGES[stage]) <= set(skip):
        return SKIPPED
    states = {finding.severity for finding in findings if finding.id in STAGES[stage]} - {SKIPPED}
    return OK if states and UNKNOWN not in states else UNKNOWN
