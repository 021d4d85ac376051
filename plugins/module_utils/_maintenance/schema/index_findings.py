"""Indexes that cost writes and room and seem to serve nobody, as advice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ..._mariadb.indexes import PRIMARY, Index, redundant_indexes
from ..._system.quantities import DAY_SECONDS, bytes_text
from .facts import INNODB, SchemaFacts
from .month import watch_end
from .usage import HOW_TO_COUNT, IndexKey, Watch

BTREE = "BTREE"
REDUNDANT = "redundant"
UNUSED = "unused"
UNKNOWN_DECLARED = "which indexes DocTypes declare is unknown, as the site lacks tables that every site has"
# What Frappe makes again at the next migration is of no use to drop in the database alone.
COMES_BACK = (
    "Frappe makes it again at the next migration: take the check mark of Index off its field (Customize Form), or have "
    "the app that declares it changed"
)


@dataclass(frozen=True)
class IndexFinding:
    """An index that another one, or nobody at all, makes superfluous.

    Attributes:
        kind: ``redundant`` or ``unused``.
        index: The index.
        kept: The index that does its work; empty where nothing uses it.
        bytes: About what it takes.
        is_declared: Whether Frappe would make it again.
        reason: Why it is here.
    """

    kind: str
    index: Index
    kept: str
    bytes: int
    is_declared: bool
    reason: str

    @property
    def key(self) -> IndexKey:
        """Table and name of the index."""
        return self.index.table, self.index.name

    @property
    def is_candidate(self) -> bool:
        """Whether it may be put to the test of being ignored."""
        return not self.is_declared

    @property
    def text(self) -> str:
        """Say it in one line."""
        size = f"about {bytes_text(self.bytes)}"
        what = f"{self.index.table}: {self.index.name} {self.reason} ({size})"
        return f"{what}; see what the site is like without it: state=ignored"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "kind": self.kind,
            "table": self.index.table,
            "index": self.index.name,
            "columns": list(self.index.columns),
            "kept": self.kept,
            "bytes": self.bytes,
            "is_declared": self.is_declared,
            "is_candidate": self.is_candidate,
            "reason": self.reason,
        }


def why_never(index: Index, facts: SchemaFacts) -> str:
    """Say why an index must never go, whatever it is used for; "" where it may."""
    if index.name == PRIMARY:
        return "it is the primary key"
    if index.is_unique:
        return "it is unique, which is a rule about the data"
    if index.kind != BTREE:
        return f"it is of the kind {index.kind}, which serves searches that no other index can"
    if (index.table, index.columns[0]) in facts.foreign:
        return "a foreign key needs it"
    if facts.tables[index.table].engine != INNODB:
        return f"its table is not {INNODB}, so that nobody could use the table while the index is made again"
    return ""


def find_indexes(
    facts: SchemaFacts, watch: Watch | None, used_elsewhere: Iterable[IndexKey], now: float, watch_days: int
) -> list[IndexFinding]:
    """Return the indexes that could go, the largest first; none that must never go, and none that is ignored.

    Args:
        facts: The schema.
        watch: What is known of how indexes are used; None where the server counts nothing.
        used_elsewhere: Indexes that other sites of the bench use: they share their apps.
        now: Seconds since the epoch.
        watch_days: For how long an index must not have been used.
    """
    if facts.declared is None:
        return []
    found = list(_redundant(facts))
    known = {finding.key for finding in found}
    if watch is not None and now >= watch_end(watch.since, watch_days):
        unused = _unused(facts, watch, frozenset(used_elsewhere), now)
        found += [finding for finding in unused if finding.key not in known]
    return sorted(found, key=lambda finding: finding.bytes, reverse=True)


def usage_text(facts: SchemaFacts, watch: Watch | None, now: float, watch_days: int) -> str:
    """Say what is known of how indexes are used, and what would tell more."""
    if facts.declared is None:
        return f"{UNKNOWN_DECLARED[0].upper()}{UNKNOWN_DECLARED[1:]}, so none is advised."
    if watch is None:
        return (
            f"Whether indexes are used is unknown: the server does not count it. {HOW_TO_COUNT}, and {watch_days} days "
            "with the end of a month, would tell."
        )
    days = (now - watch.since) / DAY_SECONDS
    left_days = ceil((watch_end(watch.since, watch_days) - now) / DAY_SECONDS)
    more = f"; {left_days} more tell what is not used" if left_days > 0 else ""
    return f"The use of indexes was watched for {days:.0f} days by {watch.last.source}{more}."


def index_lines(findings: Sequence[IndexFinding]) -> list[str]:
    """Say for people which indexes could go; what Frappe declares and nobody uses is for the authors of apps alone."""
    lines = [finding.text for finding in findings if finding.is_candidate]
    declared = [finding for finding in findings if finding.is_declared]
    if declared:
        size = bytes_text(sum(finding.bytes for finding in declared))
        begun = sum(finding.kind == REDUNDANT for finding in declared)
        lines.append(
            f"superfluous, but declared by DocTypes, so in the result alone: {begun:,} that begin another index, "
            f"{len(declared) - begun:,} that nobody used (about {size}). {COMES_BACK}"
        )
    return lines


def _redundant(facts: SchemaFacts) -> Iterator[IndexFinding]:
    for table in facts.tables:
        for pair in redundant_indexes(facts.indexes_of(table)):
            if not why_never(pair.index, facts):
                yield IndexFinding(
                    REDUNDANT,
                    pair.index,
                    pair.kept.name,
                    facts.bytes_of(pair.index),
                    facts.declares(pair.index),
                    f"begins {pair.kept.name}, which finds all that it finds",
                )


def _unused(
    facts: SchemaFacts, watch: Watch, used_elsewhere: frozenset[IndexKey], now: float
) -> Iterator[IndexFinding]:
    days = (now - watch.since) / DAY_SECONDS
    for index in facts.indexes:
        key = (index.table, index.name)
        if index.is_ignored or key in watch.used or key in used_elsewhere:
            continue
        if not why_never(index, facts):
            yield IndexFinding(
                UNUSED,
                index,
                "",
                facts.bytes_of(index),
                facts.declares(index),
                f"was not used in {days:.0f} days",
            )
