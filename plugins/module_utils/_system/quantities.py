"""Quantities as people read them. Pure; for the sentences of checks, reports and the controller alike."""

from __future__ import annotations

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
