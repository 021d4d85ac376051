"""The check of what was accepted: an acceptance ends on its day, and is then a finding itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from ..acceptance import ACCEPTANCE_CHECK_ID, days_expired
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import Host


@check(
    ACCEPTANCE_CHECK_ID,
    "acceptance.expired",
    title="Accepted findings that are no longer accepted",
    subject="host",
    target=Host,
    measures="days since an accepted finding's acceptance expired; 0 before",
    source="the option accepted",
    unit="count",
    warning="0",
    impact="low",
    remediation=Remediation("Mend the finding, or have its owner accept it again until another day."),
    reference="own proposal",
)
def acceptance_expired(host: Host) -> Iterator[Measurement]:
    """Tell how long each acceptance has been over."""
    acceptances = host.surroundings.acceptances
    if not acceptances:
        raise NotApplicableError("no finding is accepted")
    today = datetime.fromtimestamp(host.now_seconds, timezone.utc).date()
    for acceptance in acceptances:
        days = days_expired(acceptance, today)
        item = " ".join(filter(None, (acceptance.id, acceptance.target)))
        state = f"expired {days} days ago" if days else f"is valid until {acceptance.expires}"
        yield Measurement(days, item, f"the acceptance of {item} by {acceptance.owner} {state}: {acceptance.reason}")
