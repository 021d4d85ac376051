"""What is advised for one variable, with everything that led to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .load import rounded

# A value that is off by less stays: what follows every breath of the load is never settled.
TOLERANCE = 0.1

LEAVE = "leave"
RAISE = "raise"
LOWER = "lower"
SET = "set"
WAIT = "wait"
UNKNOWN = "unknown"
CHANGES = (RAISE, LOWER, SET)


@dataclass(frozen=True)
class Advice:
    """What is advised for one variable.

    Attributes:
        subject: What it is about: ``buffer pool``, ``redo log`` ...
        variable: Its name.
        now: Its value, as the server writes it; what awaits a restart counts.
        advised: The value that it should have; the same where it is to be left.
        action: ``raise``, ``lower``, ``set``, ``leave``, ``wait`` (the load that was seen is too short) or ``unknown``.
        why: One sentence.
        formula: How the value is worked out, in words.
        numbers: What went into the formula.
        source: Where the formula and the thresholds come from.
        caveats: What to know of this server's version and of the change.
    """

    subject: str
    variable: str
    now: str
    advised: str
    action: str
    why: str
    formula: str
    source: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether another value is advised."""
        return self.action in CHANGES

    def as_dict(self, is_dynamic: bool) -> dict[str, Any]:
        """Return it as JSON values, with whether the variable can be set while the server runs."""
        return {
            **vars(self),
            "numbers": rounded(self.numbers),
            "caveats": list(self.caveats),
            "dynamic": is_dynamic,
        }


def left(advice: Advice, why: str, action: str = LEAVE) -> Advice:
    """Return the advice to leave the variable as it is, and why."""
    return replace(advice, advised=advice.now, action=action, why=why)


def changed(advice: Advice, value: int, why: str) -> Advice:
    """Return the advice to change a number, or to leave it where it is within the tolerance."""
    present = int(float(advice.now))
    if abs(value - present) <= TOLERANCE * present:
        return left(advice, f"what would be advised is within {TOLERANCE:.0%} of it")
    return replace(advice, advised=str(value), action=RAISE if value > present else LOWER, why=why)
