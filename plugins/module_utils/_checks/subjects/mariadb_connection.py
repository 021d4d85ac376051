"""The check of each site's way to its database."""

from __future__ import annotations

from collections.abc import Iterator

from ..._mariadb.stages import Attempt, attempt_login
from ..findings import CRITICAL
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

# Frappe reads this table at the start of every request.
FIRST_TABLE = "tabSingles"


def attempt_of(site: SiteTarget) -> Attempt:
    """Log in as the site does, as far as it goes."""
    seconds = site.surroundings.patience.wait_seconds
    return attempt_login(site.login, site.address.db_name, FIRST_TABLE, timeout_seconds=seconds)


@check(
    "D01",
    "connection.staged",
    title="The site's way to its database",
    subject="mariadb",
    target=SiteTarget,
    measures="seconds from the name of the server to the first row, and the stage that failed",
    source="a login with the account of site_config.json",
    unit="seconds",
    warning="0.5",
    impact="critical",
    remediation=Remediation("Mend the stage that the finding names, as it says."),
    reference="own proposal; frappe/press mariadb_monitor dials with a deadline of 3 seconds",
)
def connection_staged(site: SiteTarget) -> Iterator[Measurement]:
    """Take the steps of a login one by one."""
    attempt = attempt_of(site)
    times = tuple(f"{stage.name}: {1000 * stage.seconds:.1f} ms" for stage in attempt.stages)
    if not attempt.failed_stage:
        slowest = max(attempt.stages, key=lambda stage: stage.seconds)
        text = f"the database answers after {1000 * attempt.seconds:.0f} ms, most of it for the {slowest.name}"
        yield Measurement(attempt.seconds, text=text, evidence=times)
        return
    failed_after = 1000 * attempt.stages[-1].seconds
    yield Measurement(
        attempt.seconds,
        text=f"the {attempt.failed_stage} failed after {failed_after:.0f} ms: {attempt.reason}; {attempt.advice}",
        evidence=(f"server: {site.login.address}, account: {site.login.login_user}", *times),
        severity=CRITICAL,
    )
