"""The time zone in which a site writes its times."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# What Frappe takes for a site whose System Settings name none (frappe.utils.data).
DEFAULT_TIME_ZONE = "Asia/Kolkata"


def site_time_zone(setting: str | None) -> ZoneInfo | None:
    """Return the zone of a site by the ``time_zone`` of its System Settings; None where this host does not know it."""
    try:
        return ZoneInfo(setting or DEFAULT_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
