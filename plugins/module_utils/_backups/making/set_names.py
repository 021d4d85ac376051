"""The names of sets: unique and in the order in which the sets were made, whatever the clock does. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from ..names import site_slug

_TIMESTAMP_FORMAT = "%Y%m%d_%H%M%S"
_NAME = re.compile(r"(?P<timestamp>\d{8}_\d{6})-.+")


def next_set_name(site: str, now: datetime, taken: Iterable[str]) -> str:
    """Return the name of a set that begins now: ``20261121_031522-erp_example_com``, the time in UTC.

    Args:
        site: The site's name.
        now: The time, with its offset.
        taken: Names that there are or were, of sets that were removed as well. When the clock was set back, or two
            sets begin in one second, the name is of the second after the newest of them.
    """
    moments = (_parsed(match["timestamp"]) for match in map(_NAME.fullmatch, taken) if match)
    newest = max(filter(None, moments), default=None)
    moment = now.astimezone(timezone.utc).replace(microsecond=0, tzinfo=None)
    if newest is not None:
        moment = max(moment, newest + timedelta(seconds=1))
    return f"{moment.strftime(_TIMESTAMP_FORMAT)}-{site_slug(site)}"


def _parsed(timestamp: str) -> datetime | None:
    try:
        return datetime.strptime(timestamp, _TIMESTAMP_FORMAT)  # noqa: DTZ007 (names hold UTC without saying so)
    except ValueError:
        return None  # somebody else's folder
