# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quantities and progress as people read them. Pure; used by the action plugins, the filters and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.quantities import (
    MINUTE_SECONDS,
    bytes_text,
    count_text,
    duration_text,
)

__all__ = ["bytes_text", "clock_text", "count_text", "duration_text", "progress_text"]


def clock_text(seconds: float) -> str:
    """Write a duration as a clock does, for example ``0:14`` or ``1:02:03``."""
    minutes, second = divmod(round(seconds), MINUTE_SECONDS)
    hour, minute = divmod(minutes, MINUTE_SECONDS)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def progress_text(subject: str, items: str, progress: Mapping[str, Any]) -> str:
    """Write one line that says how far a step is.

    Args:
        subject: What is worked on, usually the site.
        items: What the step counts, in the plural: ``tables``, ``files``.
        progress: What the module's ProgressReporter wrote.
    """
    parts = [
        _of(bytes_text(progress["done_bytes"]), progress["total_bytes"] and bytes_text(progress["total_bytes"]))
        if progress["done_bytes"] or progress["total_bytes"]
        else "",
        f"{_of(str(progress['done_items']), progress['total_items'])} {items}"
        if progress["done_items"] or progress["total_items"]
        else "",
        progress["item_name"],
        f"{clock_text(progress['elapsed_seconds'])} elapsed"
        if progress["remaining_seconds"] is None
        else f"{clock_text(progress['remaining_seconds'])} left",
    ]
    return f"{subject}: {progress['step']}  {', '.join(part for part in parts if part)}"


def _of(done: str, total: Any) -> str:
    return f"{done} of {total}" if total else done
