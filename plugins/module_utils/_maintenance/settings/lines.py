"""Advice and what became of it, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..._system.quantities import bytes_text
from .advice import Advice
from .load import POOL_VARIABLE
from .plan import SettingsPlan, texts
from .variables import VARIABLES


def advice_lines(advised: Sequence[Advice]) -> list[str]:
    """Return each change with its formula, then what stays, together where the reason is the same."""
    staying: dict[str, list[str]] = {}
    for advice in advised:
        if not advice.is_change:
            kept = f"{advice.variable} {VARIABLES[advice.variable].text(advice.now)}"
            staying.setdefault(f"({advice.action}): {advice.why}", []).append(kept)
    changes = [line for advice in advised if advice.is_change for line in _change_lines(advice)]
    return [*changes, *(f"stays {reason}: {', '.join(kept)}" for reason, kept in staying.items())]


def change_lines(plan: SettingsPlan, overridden: Mapping[str, str], is_planned: bool) -> list[str]:
    """Return what was set, what waits for a restart, and what a restart will not bring.

    Args:
        plan: What was, or would be, done.
        overridden: Why the server will not have a variable of the file after a restart, by its name.
        is_planned: Whether this is what would be done only.
    """
    verb = "would be" if is_planned else "is"
    return [
        *([f"the file of options {verb} {'removed' if plan.after is None else 'written'}"] * plan.writes_file),
        *(f"{name} = {value} {verb} set now" for name, value in texts(plan.live).items()),
        *(f"{name} = {value} waits for the next restart" for name, value in texts(plan.pending).items()),
        *(f"{name} will be another after a restart: {reason}" for name, reason in overridden.items()),
    ]


def shrink_lines(plan: SettingsPlan, used_bytes: float) -> list[str]:
    """Return what a buffer pool costs that becomes smaller than what is in it."""
    lost_bytes = used_bytes - int(plan.live.get(POOL_VARIABLE, used_bytes))
    if lost_bytes <= 0:
        return []
    return [
        f"{POOL_VARIABLE}: {bytes_text(lost_bytes)} of the pages in it have to go, which takes a while; what is needed "
        "of them is read again from the disk"
    ]


def _change_lines(advice: Advice) -> Iterator[str]:
    variable = VARIABLES[advice.variable]
    yield f"{advice.variable}: {variable.text(advice.now)} -> {variable.text(advice.advised)}: {advice.why}"
    yield f"  formula: {advice.formula}"
    yield from (f"  note: {caveat}" for caveat in advice.caveats)
