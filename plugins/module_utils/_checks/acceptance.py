"""Findings that somebody decided to live with, for a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from .._system.errors import LifeboatError
from .findings import CRITICAL, UNKNOWN, WARNING, Acceptance, Finding
from .selection import require_known

# The check that tells when an acceptance has expired; it cannot be accepted itself.
ACCEPTANCE_CHECK_ID = "A01"
ACCEPTABLE = (CRITICAL, WARNING, UNKNOWN)


def read_acceptances(given: Iterable[Mapping[str, str | None]], check_ids: Collection[str]) -> tuple[Acceptance, ...]:
    """Read what the user accepts: ``id``, ``reason``, ``owner``, ``expires`` and maybe ``target`` of each.

    Args:
        given: The acceptances.
        check_ids: The ids of all checks.

    Raises:
        LifeboatError: ``check_unknown`` or ``acceptance_invalid``.
    """
    acceptances = tuple(Acceptance(**{name: (value or "").strip() for name, value in each.items()}) for each in given)
    require_known((acceptance.id for acceptance in acceptances), check_ids)
    for acceptance in acceptances:
        problem = _problem(acceptance)
        if problem:
            raise LifeboatError(f"Cannot accept {acceptance.id}: {problem}.", "acceptance_invalid")
    return acceptances


def apply_acceptances(findings: Iterable[Finding], acceptances: Sequence[Acceptance], today: date) -> list[Finding]:
    """Mark the findings that an acceptance covers today, by the first that does; what has expired covers nothing."""
    marked = []
    for finding in findings:
        covering = [acceptance for acceptance in acceptances if _covers(acceptance, finding, today)]
        marked.append(replace(finding, accepted=covering[0]) if covering else finding)
    return marked


def days_expired(acceptance: Acceptance, today: date) -> int:
    """Return for how many days an acceptance has covered nothing any more; 0 while it does."""
    return max(0, (today - date.fromisoformat(acceptance.expires)).days)


def _covers(acceptance: Acceptance, finding: Finding, today: date) -> bool:
    is_meant = acceptance.id == finding.id and acceptance.target in ("", finding.target)
    return is_meant and finding.severity in ACCEPTABLE and not days_expired(acceptance, today)


def _problem(acceptance: Acceptance) -> str:
    if acceptance.id == ACCEPTANCE_CHECK_ID:
        return "that an acceptance expired cannot be accepted; accept the finding itself for longer"
    if not acceptance.reason or not acceptance.owner:
        return "it needs a reason and an owner"
    try:
        date.fromisoformat(acceptance.expires)
    except ValueError:
        return f"{acceptance.expires!r} is no day on which it expires; write it as 2027-01-31"
    return ""
