"""The smallest changes that would help a bench, each with its reason in numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._checks.findings import CRITICAL, WARNING, Finding
from .count_plan import CountProposal, proposal_line
from .redis_plan import RedisChange, redis_line
from .rolling_plan import RestartStep

# The checks that say something of speed; their thresholds are those of a health check.
CHECKS = (
    *("H05", "H06", "H07", "H08", "H09", "H10", "H11", "H12", "H25"),
    *("D03", "D04", "D06", "D07", "D10", "D12", "D17", "D18", "D20", "D21", "D28"),
    *("R02", "R03", "R04", "R05", "R06", "R07", "Q01", "Q02", "Q03", "Q04", "Q05", "Q07", "W05", "W06"),
)
# What is done by whom: the words of lifeboat_performance_apply in the role.
REDIS, KERNEL, COUNTS, RESTART, ADVICE = "redis", "kernel", "workers", "restart", "advice"
KERNEL_CHECKS = ("H25",)
# What these find wrong is mended by these settings of Redis.
REDIS_CHECKS = {"R02": ("maxmemory", "maxmemory-policy"), "R05": ("save", "appendonly")}
# A restart for which there is a reason and no way.
REFUSED = "refused"


@dataclass(frozen=True)
class Advice:
    """One step: who does it (a word of the role's list, or ``advice`` for a person), and why."""

    action: str
    reason: str


def work_out(
    findings: Iterable[Finding],
    redis_changes: Iterable[RedisChange],
    proposals: Iterable[CountProposal],
    restarts: Iterable[RestartStep],
) -> list[Advice]:
    """Return the steps that help, from the smallest to the one that touches most; none where nothing is wrong.

    Args:
        findings: Of the checks in ``CHECKS``.
        redis_changes: What the Redis servers should be set to otherwise.
        proposals: The numbers of workers.
        restarts: What runs old code or takes too much memory.
    """
    changes = list(redis_changes)
    wrong = [each for each in findings if each.severity in (CRITICAL, WARNING) and each.accepted is None]
    return [
        *(Advice(REDIS, redis_line(change)) for change in changes),
        *(Advice(KERNEL, _finding_line(each)) for each in wrong if each.id in KERNEL_CHECKS),
        *(Advice(COUNTS, proposal_line(each)) for each in proposals if each.proposed != each.present),
        *(_restart(step) for step in restarts),
        *(
            Advice(ADVICE, f"{_finding_line(each)} {each.remediation}")
            for each in wrong
            if each.id not in {*KERNEL_CHECKS, *_mended(changes)}
        ),
    ]


def _mended(changes: Iterable[RedisChange]) -> set[str]:
    """Return the checks that find nothing any more once Redis is set otherwise."""
    return {check for change in changes for check, settings in REDIS_CHECKS.items() if change.name in settings}


def _restart(step: RestartStep) -> Advice:
    if step.kind == REFUSED:
        return Advice(ADVICE, f"{step.reason}.")
    return Advice(RESTART, f"{step.kind} {step.subject}: {step.reason}.")


def advice_lines(advice: Sequence[Advice]) -> list[str]:
    """Say the steps for people."""
    if not advice:
        return ["Nothing that was measured is slow or wrong: nothing is to be changed."]
    lines = [f"{each.action}: {each.reason}" for each in advice]
    words = [word for word in (REDIS, KERNEL, COUNTS, RESTART) if any(each.action == word for each in advice)]
    if words and words != [RESTART]:
        lines.append(f"To have it done: -e apply={','.join(words)}   (only restarts need no asking)")
    return lines


def _finding_line(finding: Finding) -> str:
    return f"{finding.id} {finding.target}: {finding.text}."
