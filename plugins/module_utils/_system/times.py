"""Moments as texts."""

from __future__ import annotations

from datetime import datetime


def parse_rfc3339(text: str) -> datetime:
    """Read a time with its offset, as the collection writes it (``2026-11-21T03:15:22Z``, ``...+00:00``).

    Raises:
        ValueError: It is no such time.
    """
    # Python 3.9 and 3.10 read an offset, but not the letter for UTC.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
