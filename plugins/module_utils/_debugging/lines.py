"""Debug mode as people read it: what is on, until when, what it gathered, and how to look at that. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._system.quantities import bytes_text, duration_text
from .state import DebugState, Ended
from .variables import LONG_QUERY_TIME

END_COMMAND = "ansible-playbook lifeboat.frappe.debug -e state=absent"


def state_lines(state: DebugState, now: float, files: Sequence[Mapping[str, Any]], *, has_timer: bool) -> list[str]:
    """Return what is on, until when, what it gathered, and how to look at that.

    Args:
        state: What is, or would be, on.
        now: Seconds since the epoch.
        files: What was gathered: ``path`` and ``bytes`` of each file.
        has_timer: Whether a timer ends it.
    """
    lines = []
    for site in state.sites:
        keys = ", ".join(f"{name}: {value}" for name, value in site.values.items()) or "its keys were on already"
        left = duration_text(max(0.0, site.until - now))
        lines.append(f"{site.site}: debug mode until {moment(site.until)} (for {left}): {keys}")
    for server in state.servers:
        change = server.changes.get(LONG_QUERY_TIME)
        what = f"statements from {float(change.wanted):g} s on" if change else "slow statements"
        place = server.log_path or "a log that lies on another host, which is not kept small from here"
        lines.append(f"{server.address}: {what} are logged to {place}")
    lines += [f"gathered: {file_text(file)}" for file in files]
    lines.append(
        f"The timer lifeboat-debug.timer puts everything back by itself; at once: {END_COMMAND}"
        if has_timer
        else f"NOTHING PUTS THIS BACK BY ITSELF. When you are done: {END_COMMAND}"
    )
    names = {site.site for site in state.sites}
    lines += [f"to look at it: ansible-playbook lifeboat.frappe.diagnose -e site={name}" for name in sorted(names)[:1]]
    lines += [f"to look at it: module lifeboat.frappe.slow_query_info with path: {path}" for path in _logs(state)]
    return lines


def ended_lines(ended: Ended | None) -> list[str]:
    """Return how debug mode ended, and what it left behind."""
    if ended is None:
        return ["debug mode is off, and was not on before"]
    return [
        f"debug mode is off since {moment(ended.at)}: {ended.reason}",
        *ended.notes,
        *(f"left behind: {file_text(file)}" for file in ended.files),
    ]


def file_text(file: Mapping[str, Any]) -> str:
    """Name a file with its size."""
    return f"{file['path']} ({bytes_text(file['bytes'])})"


def moment(seconds: float) -> str:
    """Write a moment with its offset."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _logs(state: DebugState) -> list[str]:
    return [server.log_path for server in state.servers if server.log_path]
