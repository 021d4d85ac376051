# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quantities and progress as people read them. Pure; used by the action plugins, the filters and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BYTES_PER_STEP = 1024
MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86400
# Below these, fractions are what people look at.
SHORT_SECONDS = 10
MOMENT_SECONDS = 0.1


def bytes_text(count: float) -> str:
    """Write a number of bytes with three or four significant digits, for example ``412.0 MiB``."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(size) < BYTES_PER_STEP:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= BYTES_PER_STEP
    return f"{size:.1f} TiB"


def count_text(count: int, noun: str) -> str:
    """Write a number of things: ``1 table``, ``1,204 tables``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration_text(seconds: float) -> str:
    """Write a duration in its two largest units, for example ``57 ms``, ``0.42 s``, ``2 min 3 s``, ``5 days 2 h``."""
    if seconds < 0:
        return f"-{duration_text(-seconds)}"
    if seconds < MOMENT_SECONDS:
        return f"{seconds * 1000:.0f} ms"
    if seconds < SHORT_SECONDS:
        return f"{round(seconds, 2):g} s"
    whole = round(seconds)
    for unit_seconds, unit, smaller_seconds, smaller in (
        (DAY_SECONDS, "day", HOUR_SECONDS, "h"),
        (HOUR_SECONDS, "h", MINUTE_SECONDS, "min"),
        (MINUTE_SECONDS, "min", 1, "s"),
    ):
        if whole >= unit_seconds:
            large, rest = divmod(whole, unit_seconds)
            large_text = count_text(large, unit) if unit == "day" else f"{large} {unit}"
            small = rest // smaller_seconds
            return f"{large_text} {small} {smaller}" if small else large_text
    return f"{whole} s"


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
