"""Check of failed logins and of sessions that nobody removed, in proportion to the site's users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS, count_text
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

WINDOW_DAYS = 30
# What Frappe takes where System Settings say nothing: a week in recent versions, six hours in old ones.
DEFAULT_SESSION_SECONDS = 7 * DAY_SECONDS
# Frappe removes expired sessions once a day; their times may be in the zone of the server or of the site.
REMOVED_WITHIN_DAYS = 2
_EXPIRY = re.compile(r"(?P<hours>\d+):(?P<minutes>\d+)")


@check(
    "F10",
    "logins.failed",
    title="Failed logins and old sessions",
    subject="site",
    target=SiteTarget,
    measures="For each enabled user, failed logins of 30 days, and sessions that expired and are still there",
    source="tabActivity Log, tabUser and tabSessions",
    unit="ratio",
    warning="1",
    critical="5",
    impact="medium",
    remediation=Remediation(
        "Look into Activity Log from where the logins came; limit the attempts in System Settings, and the rate in "
        "nginx. Old sessions go with the daily job frappe.sessions.clear_expired_sessions."
    ),
    reference="Frappe's System Health Report (more failed logins than users); five times: own proposal",
)
def logins(site: SiteTarget) -> Iterator[Measurement]:
    """Count failed logins and expired sessions."""
    since = site.local_now - timedelta(days=WINDOW_DAYS)
    ((users,),) = site.query("SELECT COUNT(*) FROM tabUser WHERE enabled = 1")
    ((failed,),) = site.query(
        "SELECT COUNT(*) FROM `tabActivity Log` WHERE operation = 'Login' AND status = 'Failed'"
        " AND creation > %s AND modified > %s",
        (since, since),
    )
    people = count_text(int(users), "enabled user")
    yield Measurement(
        ratio(int(failed), int(users)), "failed logins", f"{failed} failed logins in {WINDOW_DAYS} days, {people}"
    )
    lifetime = session_seconds(site.system_settings.get("session_expiry", ""))
    limit = site.local_now - timedelta(days=REMOVED_WITHIN_DAYS, seconds=lifetime)
    ((sessions, expired),) = site.query(
        "SELECT COUNT(*), COALESCE(SUM(user <> 'Guest' AND lastupdate < %s), 0) FROM tabSessions", (limit,)
    )
    text = f"{count_text(int(sessions), 'session')}, {expired} of them expired long ago, {people}"
    yield Measurement(ratio(int(expired), int(users)), "expired sessions", text)


def ratio(count: int, users: int) -> float:
    """Return how many there are for each user."""
    return round(count / max(users, 1), 2)


def session_seconds(expiry: str) -> int:
    """Return after how many seconds a session expires, as System Settings write it: ``170:00`` or ``170:00:00``."""
    match = _EXPIRY.match(expiry)
    if match is None:
        return DEFAULT_SESSION_SECONDS
    return int(match["hours"]) * HOUR_SECONDS + int(match["minutes"]) * MINUTE_SECONDS
