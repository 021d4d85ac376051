"""The check of whether a server's snapshot isolation and the Frappe of a site go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..findings import CRITICAL
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

# ER_CHECKREAD: "Record has changed since last read in table".
_RETRIES_IT = re.compile(r"\bCHECKREAD\b|\b1020\b")
RECENT_ERRORS = 200


@check(
    "D34",
    "isolation.compatible",
    title="Snapshot isolation that Frappe does not know",
    subject="mariadb",
    target=SiteTarget,
    measures="1 where innodb_snapshot_isolation is on and this Frappe does not try again after error 1020",
    source="The server's variable, the source of the app frappe, and the newest 200 errors of the site",
    unit="bool",
    warning="0",
    impact="high",
    remediation=Remediation(
        "SET GLOBAL innodb_snapshot_isolation = OFF, and in the option file (it is on by default since 11.6.2), or "
        "update to a Frappe that tries again after error 1020. Do not switch it on because a tuning tool says so."
    ),
    reference="MariaDB's documentation of innodb_snapshot_isolation; Frappe tries again after 1205 and 1213 alone",
)
def isolation_compatible(site: SiteTarget) -> Iterator[Measurement]:
    """Compare what the server does with what the application expects."""
    rows = site.query("SHOW GLOBAL VARIABLES LIKE 'innodb_snapshot_isolation'")
    if not rows:
        raise NotApplicableError("the server has no innodb_snapshot_isolation")
    if rows[0][1] != "ON":
        yield Measurement(0, text="innodb_snapshot_isolation is off, as Frappe expects")
    elif _retries_changed_records(site.bench.bench.apps_path / "frappe" / "frappe" / "database"):
        yield Measurement(0, text="innodb_snapshot_isolation is on, and this Frappe tries again after error 1020")
    elif _has_failed(site):
        text = "innodb_snapshot_isolation is on, this Frappe does not know error 1020, and requests failed with it"
        yield Measurement(1, text=text, severity=CRITICAL)
    else:
        text = "innodb_snapshot_isolation is on, and this Frappe fails where two write the same document (error 1020)"
        yield Measurement(1, text=text)


def _retries_changed_records(source: Path) -> bool:
    """Tell whether the database layer of an app names error 1020.

    Raises:
        UnmeasurableError: The source is not there.
    """
    try:
        files = sorted(source.rglob("*.py"))
        texts = [path.read_text(errors="replace") for path in files]
    except OSError as error:
        raise UnmeasurableError(f"the source of Frappe cannot be read ({error.strerror})") from None
    if not files:
        raise UnmeasurableError(f"the source of Frappe is not in {source}")
    return any(_RETRIES_IT.search(text) for text in texts)


def _has_failed(site: SiteTarget) -> bool:
    rows = site.query(
        "SELECT 1 FROM (SELECT error FROM `tabError Log` ORDER BY modified DESC LIMIT %s) AS recent"
        " WHERE error LIKE '%%(1020,%%' LIMIT 1",
        (RECENT_ERRORS,),
    )
    return bool(rows)
