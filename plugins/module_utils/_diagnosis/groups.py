"""Errors counted: many events, few errors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .._system.quantities import count_text
from .events import ErrorEvent
from .fingerprint import Fingerprint, fingerprint_of, sample_of
from .knowledge import KnownError, recognise

MOST_NAMES = 10


@dataclass
class ErrorGroup:
    """All events of one error; ``sample`` is of the first that was seen."""

    fingerprint: Fingerprint
    known: KnownError | None
    sample: str
    count: int = 0
    first_seen_seconds: float = 0.0
    last_seen_seconds: float = 0.0
    sources: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)

    def add(self, event: ErrorEvent, at_seconds: float) -> None:
        """Count one more event of it."""
        self.first_seen_seconds = min(self.first_seen_seconds, at_seconds) if self.count else at_seconds
        self.last_seen_seconds = max(self.last_seen_seconds, at_seconds)
        self.count += 1
        self.sources.add(event.source)
        if event.site:
            self.sites.add(event.site)

    def as_dict(self) -> dict[str, Any]:
        """Return the group as JSON values."""
        return {
            "fingerprint": self.fingerprint.id,
            "title": self.fingerprint.title,
            "exception": self.fingerprint.exception,
            "frames": list(self.fingerprint.frames),
            "count": self.count,
            "first_seen": _moment(self.first_seen_seconds),
            "last_seen": _moment(self.last_seen_seconds),
            "sources": sorted(self.sources)[:MOST_NAMES],
            "sites": sorted(self.sites)[:MOST_NAMES],
            "sample": self.sample,
            "known": self.known.id if self.known else "",
        }


def group_events(events: Iterable[ErrorEvent], knowledge: Sequence[KnownError], now_seconds: float) -> list[ErrorGroup]:
    """Group events by fingerprint, those that happened most often first.

    Args:
        events: The events.
        knowledge: The known errors, asked in their order.
        now_seconds: The time of an event whose source does not tell when it was.
    """
    groups: dict[str, ErrorGroup] = {}
    for event in events:
        fingerprint = fingerprint_of(event.text)
        group = groups.get(fingerprint.id)
        if group is None:
            group = groups[fingerprint.id] = ErrorGroup(
                fingerprint, recognise(event.text, knowledge), sample_of(event.text)
            )
        group.add(event, now_seconds if event.at_seconds is None else event.at_seconds)
    return sorted(groups.values(), key=lambda group: (-group.count, -group.last_seen_seconds, group.fingerprint.id))


def advice_for(groups: Iterable[ErrorGroup]) -> list[dict[str, Any]]:
    """Return what is known about the errors, each known error once, with how often it was seen."""
    found: dict[str, dict[str, Any]] = {}
    for group in groups:
        if group.known is not None:
            entry = found.setdefault(group.known.id, {**group.known.advice(), "count": 0})
            entry["count"] += group.count
    return sorted(found.values(), key=lambda entry: (-entry["count"], entry["id"]))


def group_lines(groups: Sequence[ErrorGroup], most: int) -> list[str]:
    """Return the errors in a few lines for people, each with the first thing to do."""
    if not groups:
        return ["Errors: none."]
    lines = [
        f"Errors: {count_text(sum(group.count for group in groups), 'event')} of {count_text(len(groups), 'kind')}"
    ]
    for group in groups[:most]:
        lines.append(f"  {group.count} x {group.fingerprint.title}")
        if group.known is not None:
            lines.append(f"      {group.known.title}: {'; '.join(group.known.steps[:1])} ({group.known.id})")
    return lines


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
