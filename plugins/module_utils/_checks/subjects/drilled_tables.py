"""Damage of a site's tables, as drills saw it in a copy of their files: a live server would not survive the look."""

from __future__ import annotations

from collections.abc import Iterator

from ..._backups.drill_records import read_drill_records
from ..._backups.manifest import PHYSICAL
from ..._system.quantities import duration_text
from ..._system.times import parse_rfc3339
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.site import SiteTarget

TABLES_FINDING = "tables"


@check(
    "D16",
    "tables.undamaged",
    title="Tables without damage, as the last drill saw them",
    subject="mariadb",
    target=SiteTarget,
    measures="1 where CHECK TABLE EXTENDED found damage in a copy of the tables' files",
    source="the record of the last drill of a physical set; a dump does not copy the files",
    unit="bool",
    critical="0",
    impact="critical",
    remediation=Remediation(
        "See whether older sets have the damage, too (drill them with -e recover_to=SET), and which tables are damaged "
        "now: -e procedure=database_corruption.",
        "lifeboat.frappe.recover",
    ),
    reference="on a live server CHECK TABLE locks tables, and a damaged page stops the server",
)
def tables_undamaged(target: SiteTarget) -> Iterator[Measurement]:
    """Judge the last drill that read every row and key of files that were copied from the live server."""
    drills = [
        (drill, finding)
        for drill in read_drill_records(target.surroundings.state_path, target.name)
        if str(drill["kind"]).startswith(PHYSICAL)
        for finding in drill["findings"]
        if finding["name"] == TABLES_FINDING
    ]
    if not drills:
        raise NotApplicableError("no physical set of the site was drilled yet")
    drill, finding = drills[-1]
    age = duration_text(target.now_seconds - parse_rfc3339(drill["ended_at"]).timestamp())
    yield Measurement(int(finding["outcome"] == "failed"), text=f"{finding['text']} That was {age} ago.")
