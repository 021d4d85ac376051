"""What could be better about the schema of a site, as a plan: nothing of it is applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..._bench.layout import Site
from ..._cleanup.site_database import site_login
from ..._mariadb.indexes import Query
from .definitions import Definitions
from .doctypes import read_doctypes
from .drift import Drift, find_drift
from .facts import SchemaFacts
from .ghosts import Ghost, find_ghosts
from .index_findings import IndexFinding, index_lines
from .orphans import Budget, OrphanReport, count_orphans
from .statements import dump_command

DRIFT = "drift"
INDEXES = "indexes"
ORPHANS = "orphans"
GHOSTS = "ghosts"
SECTIONS = (DRIFT, INDEXES, ORPHANS, GHOSTS)
LINES_SHOWN = 10
LOST = (
    "it, or tabDocField, lacks rows that every site has, so most tables would look as if they belonged to nothing, and "
    "neither ghosts nor orphaned rows are told: look at what became of them before anything is deleted"
)


@dataclass
class Advice:
    """What was found in one site.

    Attributes:
        indexes: The indexes that could go.
        usage: What is known of how indexes are used; empty where indexes were not looked at.
        drift: What is not as Frappe makes it.
        ghosts: What no DocType knows.
        orphans: Rows that belong to nothing.
        backup_command: What backs up exactly the tables from which something would go; empty where nothing would.
    """

    indexes: list[IndexFinding] = field(default_factory=list)
    usage: str = ""
    drift: list[Drift] = field(default_factory=list)
    ghosts: list[Ghost] = field(default_factory=list)
    orphans: OrphanReport = field(default_factory=OrphanReport)
    backup_command: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            INDEXES: [finding.as_dict() for finding in self.indexes],
            "usage": self.usage,
            DRIFT: [drift.as_dict() for drift in self.drift],
            GHOSTS: [ghost.as_dict() for ghost in self.ghosts],
            ORPHANS: [orphans.as_dict() for orphans in self.orphans.found],
            "unfinished": self.orphans.unfinished,
            "backup_command": self.backup_command,
        }

    def lines(self) -> list[str]:
        """Say it for people, the first few of each kind."""
        lines = [self.usage] if self.usage else []
        for kind, texts in (
            ("indexes", index_lines(self.indexes)),
            ("drift", [drift.text for drift in self.drift]),
            ("ghosts", [ghost.text for ghost in self.ghosts]),
            ("orphans", [orphans.text for orphans in self.orphans.found]),
        ):
            lines += texts[:LINES_SHOWN]
            if len(texts) > LINES_SHOWN:
                lines.append(f"{kind}: {len(texts) - LINES_SHOWN:,} more are in the result")
        lines += [f"{table}: not looked at to the end: {why}" for table, why in self.orphans.unfinished.items()]
        if self.backup_command:
            lines.append(f"before anything of that is deleted or dropped: {self.backup_command}")
        return lines


def advise(
    advice: Advice,
    query: Query,
    facts: SchemaFacts,
    definitions: Definitions,
    sections: Collection[str],
    site: Site,
    budget: Budget,
) -> None:
    """Add to advice about indexes what else there is to say.

    Args:
        advice: What gets it, also where a later look fails.
        query: Runs a statement in the site's database.
        facts: Its schema.
        definitions: How its tables define their columns.
        sections: What to look at.
        site: The site.
        budget: For how long orphans are counted.
    """
    if DRIFT in sections:
        advice.drift = find_drift(facts, definitions)
    if GHOSTS in sections or ORPHANS in sections:
        doctypes = read_doctypes(query, facts)
        if not doctypes.are_whole:
            advice.orphans.unfinished["tabDocType"] = LOST
            return
        if GHOSTS in sections:
            advice.ghosts = find_ghosts(facts, doctypes.fields, site.name)
        if ORPHANS in sections:
            advice.orphans = count_orphans(query, facts, doctypes, budget)
    tables = _touched(advice.ghosts, advice.orphans)
    if tables:
        advice.backup_command = dump_command(site_login(site)[1], facts.database, tables)


def _touched(ghosts: Iterable[Ghost], orphans: OrphanReport) -> list[str]:
    return sorted({*(ghost.name for ghost in ghosts), *(found.table for found in orphans.found)})
