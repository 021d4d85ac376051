"""What a check is, and the registry that every check of the subject files enters by its decorator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

SUBJECTS = ("host", "mariadb", "redis", "queue", "site", "backup", "web", "security")
# What a breach costs the business, and what it therefore takes from the score.
IMPACT_WEIGHTS = {"info": 0, "low": 1, "medium": 3, "high": 6, "critical": 10}


class UnmeasurableError(Exception):
    """The value cannot be known: the check's finding is ``unknown`` with this reason."""


class NotApplicableError(Exception):
    """There is nothing to check here: the finding is ``skipped`` with this reason."""


@dataclass(frozen=True)
class Remediation:
    """What mends a breach: a sentence and, where there is one, the playbook (and its tags) that does it."""

    text: str
    playbook: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One value that a check saw.

    Attributes:
        value: The number that the thresholds judge, in the check's unit.
        item: Which one of several, as a mount point or a queue; empty where the target has just one.
        text: What was seen, for people: one short sentence without a secret or a row of a customer.
        evidence: Further lines of the same kind, the most telling first.
        severity: Set only where a number cannot say it; empty lets the thresholds decide.
        fact: A text to compare with at the next run, as a fingerprint; it is kept in the history.
    """

    value: float | None
    item: str = ""
    text: str = ""
    evidence: tuple[str, ...] = ()
    severity: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Check:
    """A check: what it is about, how it is judged, and the function that measures.

    Attributes:
        id: The stable short id, as ``H01``.
        name: The stable name, as ``disk.available``.
        title: What it is about, for people, in a few words.
        subject: One of ``SUBJECTS``.
        target: The class of what it looks at (see targets.py); it runs once for each of these.
        measures: What the value is.
        source: From where the value comes.
        unit: The value's base unit: ``percent``, ``seconds``, ``bytes``, ``count``, ``per_second``, ``ratio``; ``bool``
            where 1 is wrong and 0 is right.
        warning: The range outside of which a value is a warning; empty for none.
        critical: The range outside of which it is critical; empty for none.
        impact: One of ``IMPACT_WEIGHTS``.
        remediation: What to do.
        reference: Where the rule or its threshold comes from.
        is_sampled: Whether it needs ``target.rates``, hence two samples.
        measure: Takes the target, gives the measurements; it only reads.
    """

    id: str
    name: str
    title: str
    subject: str
    target: type
    measures: str
    source: str
    unit: str
    warning: str
    critical: str
    impact: str
    remediation: Remediation
    reference: str
    is_sampled: bool
    measure: Callable[[Any], Iterable[Measurement]]


REGISTRY: dict[str, Check] = {}


def check(
    id: str,  # noqa: A002 (the word that reports, thresholds and acceptances use)
    name: str,
    *,
    title: str,
    subject: str,
    target: type,
    measures: str,
    source: str,
    unit: str,
    impact: str,
    remediation: Remediation,
    reference: str,
    warning: str = "",
    critical: str = "",
    is_sampled: bool = False,
) -> Callable[[Callable[[Any], Iterable[Measurement]]], Callable[[Any], Iterable[Measurement]]]:
    """Enter the decorated function into the registry as the check with these properties (see ``Check``)."""

    def enter(measure: Callable[[Any], Iterable[Measurement]]) -> Callable[[Any], Iterable[Measurement]]:
        if id in REGISTRY and REGISTRY[id].measure.__qualname__ != measure.__qualname__:
            raise ValueError(f"two checks have the id {id}")
        REGISTRY[id] = Check(
            id=id,
            name=name,
            title=title,
            subject=subject,
            target=target,
            measures=measures,
            source=source,
            unit=unit,
            warning=warning,
            critical=critical,
            impact=impact,
            remediation=remediation,
            reference=reference,
            is_sampled=is_sampled,
            measure=measure,
        )
        return measure

    return enter
