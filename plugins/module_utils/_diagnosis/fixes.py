"""What may be mended without asking: safe, reversible, and each with before and after. Planning is pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .._bench.service import RUNNING, STOPPED, Service
from .._checks.findings import Finding
from .._system.quantities import HOUR_SECONDS, count_text, duration_text
from .ownership import Correction
from .problems import DATABASE, REDIS, WEB, Diagnosis

START_SERVICE, RESUME, CLEAR_CACHE, PERMISSIONS = "start_service", "resume", "clear_cache", "permissions"
KINDS = (START_SERVICE, RESUME, CLEAR_CACHE, PERMISSIONS)
UNMANAGED = "process"
# A cache that was cleared and did not help is not cleared again and again.
CLEAR_AGAIN_SECONDS = HOUR_SECONDS
# Of the entries whose owner or permissions are corrected.
MOST_NAMED = 20


@dataclass(frozen=True)
class Fix:
    """One thing to mend.

    Attributes:
        kind: One of ``KINDS``.
        subject: What is changed.
        before: How it is.
        after: How it is to be; once applied, how it is.
        reason: Why.
        undo: How to take it back.
    """

    kind: str
    subject: str
    before: str
    after: str
    reason: str
    undo: str

    def as_dict(self) -> dict[str, str]:
        """Return the fix as JSON values."""
        return {
            "fix": self.kind,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "undo": self.undo,
        }

    def ended(self, after: str) -> Fix:
        """Return the fix with how it ended."""
        return replace(self, after=after)


@dataclass(frozen=True)
class Facts:
    """What the plan depends on, besides the diagnosis.

    Attributes:
        services: The bench's services.
        own_switches: Those of ``maintenance_mode`` and ``pause_scheduler`` that the site's own configuration turns on.
        held_by: Who holds the site in maintenance; empty for nobody.
        forgotten_seconds: For how long a switch must have been on to be taken for forgotten.
        cached_keys: How many keys the site has in the cache; None where Redis does not say.
        cleared_before_seconds: How long ago the cache was cleared by this; None where it never was.
        corrections: What does not belong to the bench.
    """

    services: Sequence[Service]
    own_switches: Sequence[str]
    held_by: str
    forgotten_seconds: float
    cached_keys: int | None
    cleared_before_seconds: float | None
    corrections: Sequence[Correction]


@dataclass(frozen=True)
class FixPlan:
    """What is to be mended, and what is not, with the reason."""

    fixes: Sequence[Fix]
    refused: Sequence[str]


def plan_fixes(
    diagnosis: Diagnosis, findings: Iterable[Finding], facts: Facts, kinds: Iterable[str] = KINDS
) -> FixPlan:
    """Work out what may be mended.

    Args:
        diagnosis: What is wrong.
        findings: Of the checks.
        facts: What else there is to know.
        kinds: The kinds of fixes that are wanted.
    """
    fixes: list[Fix] = []
    refused: list[str] = []
    fixes += _permission_fixes(facts)
    fixes += [_start(service) for service in facts.services if _may_start(service)]
    for finding in findings:
        if finding.id == "F12" and finding.value:
            _plan_resume(finding, facts, fixes, refused)
    fixes += _cache_fixes(diagnosis, facts)
    return FixPlan([fix for fix in fixes if fix.kind in set(kinds)], refused)


def _may_start(service: Service) -> bool:
    return service.state == STOPPED and service.manager != UNMANAGED


def _start(service: Service) -> Fix:
    client = "supervisorctl" if service.manager == "supervisor" else "systemctl"
    return Fix(
        START_SERVICE,
        service.name,
        service.state,
        RUNNING,
        f"{service.manager} has it for the bench ({service.kind}) and does not run it",
        f"{client} stop {service.name}",
    )


def _plan_resume(finding: Finding, facts: Facts, fixes: list[Fix], refused: list[str]) -> None:
    switch, on_seconds = finding.item, finding.value or 0.0
    lasting = f"{switch} has been on for {duration_text(on_seconds)}"
    if switch not in facts.own_switches:
        refused.append(f"{lasting}, for all sites of the bench: a person must decide.")
    elif facts.held_by:
        refused.append(f"{lasting}, and {facts.held_by} holds the site: end that first.")
    elif on_seconds < facts.forgotten_seconds:
        refused.append(
            f"{lasting}: somebody may be at work. It is forgotten after {duration_text(facts.forgotten_seconds)}."
        )
    else:
        fixes.append(Fix(RESUME, switch, "on", "off", f"{lasting} and nobody holds it", f"turn {switch} on again"))


def _cache_fixes(diagnosis: Diagnosis, facts: Facts) -> list[Fix]:
    first = diagnosis.first
    answers_wrongly = first is not None and first.stage == WEB and "status 500" in first.text
    is_again = facts.cleared_before_seconds is not None and facts.cleared_before_seconds < CLEAR_AGAIN_SECONDS
    if not answers_wrongly or is_again or not facts.cached_keys:
        return []
    reason = f"the site answers with an error though {DATABASE}, {REDIS} and apps are right"
    before = count_text(facts.cached_keys, "key")
    return [
        Fix(
            CLEAR_CACHE, "the site's cached keys", before, "0 keys", reason, "none is needed: the site makes them again"
        )
    ]


def _permission_fixes(facts: Facts) -> list[Fix]:
    fixes = [
        Fix(
            PERMISSIONS,
            correction.path,
            correction.before,
            correction.after,
            "the bench's user must be able to use it, and nobody else its secrets",
            "chown or chmod it back",
        )
        for correction in facts.corrections
    ]
    # Root may have left thousands of files behind: one entry then stands for those that are not named.
    rest = len(fixes) - MOST_NAMED
    if rest <= 0:
        return fixes
    last = fixes[MOST_NAMED - 1]
    return [*fixes[: MOST_NAMED - 1], replace(last, subject=f"{last.subject} and {rest} more")]
