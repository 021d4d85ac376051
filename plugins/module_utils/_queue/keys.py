"""How RQ and Frappe write what they keep in Redis: texts, times, and the site in the id of a job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

# The queues that every bench has; more come from what workers listen to and from RQ's list of queues.
STANDARD_QUEUES = ("short", "default", "long")
# What follows the site in a job's id: of Frappe 15, and of Frappe 16, whose RQ forbids colons.
SITE_SEPARATORS = ("::", "||")


def texts(values: Iterable[bytes | None]) -> list[str]:
    """Return replies of Redis as texts; one that is not there is empty."""
    return [(value or b"").decode(errors="replace") for value in values]


def utc_time(text: str) -> datetime | None:
    """Return a time as RQ writes it; None where it wrote none."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def site_of(job_id: str) -> str:
    """Return the site that a job's id begins with; empty where it names none."""
    found = [job_id.partition(separator)[0] for separator in SITE_SEPARATORS if separator in job_id]
    return min(found, key=len, default="")
