"""Statements grouped by fingerprint, ranked by the time that they took, and compared with an earlier digest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .fingerprint import fingerprint, fingerprint_id, shown
from .slow_log import SlowStatement

# As pt-query-digest's review: three times as slow is not noise.
WORSE_FACTOR = 3.0
PERCENTILE = 0.95


@dataclass(frozen=True)
class Baseline:
    """What an earlier digest knew of a fingerprint."""

    typical_seconds: float
    first_seen_seconds: float


@dataclass(frozen=True)
class StatementClass:
    """All statements of one schema with the same fingerprint.

    Attributes:
        id: The stable name of schema and fingerprint.
        schema: The database that was in use.
        fingerprint: The statement without its values.
        calls: How many there were.
        total_seconds: The time that they took together.
        p95_seconds: 95 of 100 were at least as quick; None where only sums are known.
        max_seconds: The slowest one.
        rows_examined: Rows that all of them looked at.
        rows_sent: Rows that all of them returned.
        variance_to_mean: Of their times: high where the same statement is sometimes much slower; None as for p95.
        first_seen_seconds: Unix time.
        last_seen_seconds: Unix time.
        share_percent: Of the time of the whole digest.
        full_scans: How many read a whole table; None where the log does not tell (log_slow_verbosity).
        slowest: The slowest one with its values, which never leaves the host; empty where none is known.
        is_new: Whether no earlier digest knew it; None without an earlier digest.
        is_worse: Whether it is typically three times as slow as before; None without an earlier digest.
    """

    id: str
    schema: str
    fingerprint: str
    calls: int
    total_seconds: float
    p95_seconds: float | None
    max_seconds: float
    rows_examined: int
    rows_sent: int
    variance_to_mean: float | None
    first_seen_seconds: float
    last_seen_seconds: float
    share_percent: float = 0.0
    full_scans: int | None = None
    slowest: str = ""
    is_new: bool | None = None
    is_worse: bool | None = None

    @property
    def average_seconds(self) -> float:
        """The mean time of one statement."""
        return self.total_seconds / self.calls

    @property
    def typical_seconds(self) -> float:
        """What digests are compared by: p95 where it is known, else the average."""
        return self.average_seconds if self.p95_seconds is None else self.p95_seconds

    @property
    def examined_per_sent(self) -> float:
        """Rows looked at for each row returned; a statement that returned none counts as one row."""
        return self.rows_examined / max(self.rows_sent, 1)

    def as_dict(self, rank: int) -> dict[str, Any]:
        """Return it as JSON can hold it, without a value of any row."""
        return {
            "rank": rank,
            "id": self.id,
            "schema": self.schema,
            "calls": self.calls,
            "total_seconds": round(self.total_seconds, 6),
            "average_seconds": round(self.average_seconds, 6),
            "p95_seconds": None if self.p95_seconds is None else round(self.p95_seconds, 6),
            "max_seconds": round(self.max_seconds, 6),
            "share_percent": round(self.share_percent, 1),
            "rows_examined": self.rows_examined,
            "rows_sent": self.rows_sent,
            "rows_examined_per_sent": round(self.examined_per_sent, 1),
            "variance_to_mean": None if self.variance_to_mean is None else round(self.variance_to_mean, 3),
            "first_seen_seconds": self.first_seen_seconds,
            "last_seen_seconds": self.last_seen_seconds,
            "full_scans": self.full_scans,
            "is_new": self.is_new,
            "is_worse": self.is_worse,
            "sample": shown(self.fingerprint),
        }


def class_id(schema: str, fingerprint_text: str) -> str:
    """Return the stable name of a fingerprint in a schema."""
    return fingerprint_id(f"{schema}\0{fingerprint_text}")


def summarise(statements: Iterable[SlowStatement]) -> list[StatementClass]:
    """Group statements by schema and fingerprint; what took most time comes first."""
    groups: dict[tuple[str, str], list[SlowStatement]] = {}
    for statement in statements:
        groups.setdefault((statement.schema, fingerprint(statement.statement)), []).append(statement)
    return ranked(_class_of(schema, text, members) for (schema, text), members in groups.items())


def ranked(classes: Iterable[StatementClass]) -> list[StatementClass]:
    """Order classes by the time that they took, and give each its share of it."""
    ordered = sorted(classes, key=lambda kind: (-kind.total_seconds, kind.id))
    total_seconds = sum(kind.total_seconds for kind in ordered)
    return [
        replace(kind, share_percent=100 * kind.total_seconds / total_seconds if total_seconds else 0.0)
        for kind in ordered
    ]


def compare(classes: Iterable[StatementClass], earlier: Mapping[str, Baseline]) -> list[StatementClass]:
    """Say of each class whether it is new or worse than in an earlier digest, by its id."""
    compared = []
    for kind in classes:
        known = earlier.get(kind.id)
        is_worse = known is not None and kind.typical_seconds >= WORSE_FACTOR * known.typical_seconds > 0
        first_seen_seconds = (
            kind.first_seen_seconds if known is None else min(kind.first_seen_seconds, known.first_seen_seconds)
        )
        compared.append(replace(kind, is_new=known is None, is_worse=is_worse, first_seen_seconds=first_seen_seconds))
    return compared


def percentile(values: Sequence[float], share: float = PERCENTILE) -> float:
    """Return the value that a share of all values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _class_of(schema: str, text: str, members: Sequence[SlowStatement]) -> StatementClass:
    times = [member.query_seconds for member in members]
    mean = sum(times) / len(times)
    scans = [member.is_full_scan for member in members if member.is_full_scan is not None]
    variance = sum((time - mean) ** 2 for time in times) / len(times)
    return StatementClass(
        id=class_id(schema, text),
        schema=schema,
        fingerprint=text,
        calls=len(members),
        total_seconds=sum(times),
        p95_seconds=percentile(times),
        max_seconds=max(times),
        rows_examined=sum(member.rows_examined for member in members),
        rows_sent=sum(member.rows_sent for member in members),
        variance_to_mean=variance / mean if mean else 0.0,
        first_seen_seconds=min(member.at_seconds for member in members),
        last_seen_seconds=max(member.at_seconds for member in members),
        full_scans=sum(scans) if scans else None,
        slowest=max(members, key=lambda member: member.query_seconds).statement,
    )
