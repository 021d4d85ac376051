"""Advice and what became of it, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._system.quantities import bytes_text
from .advice import Advice
from .load import POOL_VARIABLE
from .plan import SettingsPlan, texts
from .variables import VARIABLES


def advice_lines(advised: Iterable[Advice]) -> list[str]:
    """Return each advice: changes with their formula, the others with the reason for which nothing is advised."""
    return [line for advice in advised for line in _advice_lines(advice)]


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


def _advice_lines(advice: Advice) -> Iterator[str]:
    now = VARIABLES[advice.variable].text(advice.now)
    if not advice.is_change:
        yield f"{advice.variable} stays {now} ({advice.action}): {advice.why}"
        return
    yield f"{advice.variable}: {now} -> {VARIABLES[advice.variable].text(advice.advised)}: {advice.why}"
    yield f"  formula: {advice.formula}"
    yield from (f"  note: {caveat}" for caveat in advice.caveats)
