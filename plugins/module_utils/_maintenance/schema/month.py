"""How long something has to be watched: what runs at the end of a month only has to have run once. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..._system.quantities import DAY_SECONDS


def watch_end(since: float, days: int) -> float:
    """Return when a watch may end, in seconds since the epoch.

    It lasts as many days as it should, and until a day after the turn of a month: on its last and first day books are
    closed and reports are made.

    Args:
        since: When it began, in seconds since the epoch.
        days: How long it lasts at least.
    """
    began = datetime.fromtimestamp(since, timezone.utc)
    first_of_next = (began.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return max(since + days * DAY_SECONDS, (first_of_next + timedelta(days=1)).timestamp())
