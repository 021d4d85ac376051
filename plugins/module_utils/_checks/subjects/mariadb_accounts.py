"""The check of what each site's account may do."""

from __future__ import annotations

from collections.abc import Iterator

from ..._mariadb.connection import ERROR_ACCESS_DENIED
from ..._mariadb.grants import grants_beyond
from ..._mariadb.stages import LOGIN
from ..._system.quantities import count_text
from ..findings import CRITICAL
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget
from .mariadb_connection import attempt_of


@check(
    "D02",
    "account.grants",
    title="What the site's account may do beyond its own database",
    subject="mariadb",
    target=SiteTarget,
    measures="grants of the site's account outside of the site's own database",
    source="SHOW GRANTS and SHOW DATABASES with the account of site_config.json",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "REVOKE what goes beyond the site's own database (write _ as \\_ in the name); where the login fails, ALTER "
        "USER with the password of site_config.json."
    ),
    reference="own proposal",
)
def account_grants(site: SiteTarget) -> Iterator[Measurement]:
    """Read the account's grants as the account itself sees them."""
    attempt = attempt_of(site)
    if attempt.failed_stage == LOGIN and attempt.error_number in ERROR_ACCESS_DENIED:
        text = f"the account {site.login.login_user} cannot log in: {attempt.reason}; {attempt.advice}"
        yield Measurement(None, text=text, severity=CRITICAL)
        return
    lines = [str(row[0]) for row in site.query("SHOW GRANTS")]
    databases = [str(row[0]) for row in site.query("SHOW DATABASES")]
    beyond = grants_beyond(lines, site.address.db_name, databases)
    if not beyond:
        yield Measurement(0, text="the account reaches its own database and nothing else")
        return
    text = f"the account has {count_text(len(beyond), 'grant')} beyond its own database: {beyond[0]}"
    yield Measurement(len(beyond), text=text, evidence=tuple(beyond))
