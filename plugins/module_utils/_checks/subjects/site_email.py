"""Check of a site's email: what could not be sent, what waits, and what came in and nobody handled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..._bench.configuration import is_on
from ..._system.quantities import DAY_SECONDS, duration_text
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

WINDOW_DAYS = 7
# Fewer are not judged, as in Frappe's report.
JUDGED_FROM = 4
PENDING_PERCENT = 10
OLDEST_SECONDS = DAY_SECONDS
SENDING_MINUTES = 15


@check(
    "F09",
    "email.delivery",
    title="Email that gets through",
    subject="site",
    target=SiteTarget,
    measures="Of 7 days, the shares of emails that failed, that wait, and that came in unhandled",
    source="tabEmail Queue, tabUnhandled Email and tabCommunication",
    unit="percent",
    warning="5",
    impact="high",
    remediation=Remediation(
        "Look into Email Queue and at the Email Account; then bench --site SITE execute frappe.email.queue.flush. Take "
        "mute_emails out of the configuration, or resume sending in Email Queue, where sending is switched off."
    ),
    reference="Frappe's System Health Report (5 % failed or unhandled, 10 % waiting); 24 hours: own proposal",
)
def email(site: SiteTarget) -> Iterator[Measurement]:
    """Judge outgoing and incoming email, and whether sending is switched off."""
    since = site.local_now - timedelta(days=WINDOW_DAYS)
    counts = {
        str(status): int(count)
        for status, count in site.query(
            "SELECT status, COUNT(*) FROM `tabEmail Queue` WHERE creation > %s AND modified > %s GROUP BY status",
            (since, since),
        )
    }
    total = sum(counts.values())
    failed = counts.get("Error", 0)
    yield Measurement(
        judged_percent(failed, total), "failed", f"{failed} of {total} emails of {WINDOW_DAYS} days could not be sent"
    )
    yield _waiting(site, counts.get("Not Sent", 0), total)
    yield _sending(site)
    yield _unhandled(site, since)
    yield _switches(site)


def judged_percent(part: int, total: int) -> float:
    """Return the share that a part has, 0 where there are too few to judge."""
    return round(100 * part / total, 1) if part >= JUDGED_FROM else 0


def _waiting(site: SiteTarget, waiting: int, total: int) -> Measurement:
    ((oldest,),) = site.query(
        "SELECT MIN(COALESCE(send_after, creation)) FROM `tabEmail Queue` WHERE status = 'Not Sent'"
    )
    percent = judged_percent(waiting, total)
    age_seconds = (site.local_now - oldest).total_seconds() if isinstance(oldest, datetime) else 0
    age = f"; the oldest has waited for {duration_text(age_seconds)}" if age_seconds > 0 else ""
    is_slow = percent > PENDING_PERCENT
    return Measurement(
        percent,
        "waiting",
        f"{waiting} of {total} emails of {WINDOW_DAYS} days wait{age}",
        severity="critical" if age_seconds > OLDEST_SECONDS else "warning" if is_slow else "ok",
    )


def _sending(site: SiteTarget) -> Measurement:
    limit = site.local_now - timedelta(minutes=SENDING_MINUTES)
    ((count,),) = site.query(
        "SELECT COUNT(*) FROM `tabEmail Queue` WHERE status = 'Sending' AND modified < %s", (limit,)
    )
    text = f"{count} emails have been in sending for more than {SENDING_MINUTES} minutes"
    return Measurement(0, "sending", text, severity="warning" if count else "ok")


def _unhandled(site: SiteTarget, since: datetime) -> Measurement:
    if not site.columns("tabUnhandled Email"):
        return Measurement(0, "unhandled", "the site keeps no unhandled email")
    ((unhandled,),) = site.query(
        "SELECT COUNT(*) FROM `tabUnhandled Email` WHERE creation > %s AND modified > %s", (since, since)
    )
    ((handled,),) = site.query(
        "SELECT COUNT(*) FROM tabCommunication WHERE sent_or_received = 'Received' AND creation > %s AND modified > %s",
        (since, since),
    )
    percent = judged_percent(int(unhandled), int(handled)) if handled >= JUDGED_FROM else 0
    return Measurement(percent, "unhandled", f"{unhandled} emails came in unhandled, {handled} were handled")


def _switches(site: SiteTarget) -> Measurement:
    suspended = site.query(
        "SELECT 1 FROM tabDefaultValue WHERE defkey = 'suspend_email_queue' AND defvalue = '1' LIMIT 1"
    )
    off = [
        *(["mute_emails is on"] if is_on(site.merged, "mute_emails") else []),
        *(["sending is suspended"] if suspended else []),
    ]
    text = f"no email leaves: {' and '.join(off)}" if off else "sending is switched on"
    return Measurement(0, "switches", text, severity="warning" if off else "ok")
