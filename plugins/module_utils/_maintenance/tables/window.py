"""Until when the maintenance may go on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..._system.errors import LifeboatError
from ..._system.times import parse_rfc3339

_TIME_OF_DAY = re.compile(r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)")
# A run that begins after its time of day must not take it for that of tomorrow.
FARTHEST = timedelta(hours=12)


@dataclass(frozen=True)
class Window:
    """From when to when, in seconds since the epoch."""

    began_at: float
    ends_at: float

    def fits(self, now: float, seconds: float) -> bool:
        """Tell whether what takes so many seconds is over in time."""
        return now + seconds <= self.ends_at


def window_of(now: float, minutes: float, until: str, earlier: Window | None) -> Window:
    """Return the window of a run that begins now.

    Args:
        now: Seconds since the epoch.
        minutes: How long it is, where ``until`` is empty.
        until: HH:MM of the host's clock, or a time with its offset.
        earlier: That of the run before; while it is open, this run is its continuation.

    Raises:
        LifeboatError: ``window_invalid``.
    """
    ends_at = _moment(now, until) if until else now + minutes * 60
    goes_on = earlier is not None and earlier.began_at <= now < earlier.ends_at
    return Window(earlier.began_at if earlier is not None and goes_on else now, ends_at)


def _moment(now: float, until: str) -> float:
    match = _TIME_OF_DAY.fullmatch(until)
    if match is None:
        return _time_with_offset(until)
    here = datetime.fromtimestamp(now).astimezone()
    moment = here.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0, microsecond=0)
    if moment < here:
        moment += timedelta(days=1)
    if moment - here > FARTHEST:
        moment -= timedelta(days=1)
    return moment.timestamp()


def _time_with_offset(until: str) -> float:
    try:
        moment = parse_rfc3339(until)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise LifeboatError(
            f"Cannot tell until when to work: {until!r} is neither a time of day (04:00) nor a time with its offset "
            "(2026-11-22T04:00:00+01:00). Correct until, or leave it out and set window_minutes.",
            "window_invalid",
        )
    return moment.timestamp()
