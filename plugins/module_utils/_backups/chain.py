"""The chain of a site's sets: which were made, and which were removed on purpose, so that a loss or a change is seen.

Each manifest names the set before it and the digest of that set's manifest; the file beside the sets remembers the
newest, and what retention took away. One line is one event; a line that a power cut damaged counts as not written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .._system.files import append_line_durably, make_private_folder
from .._system.json_lines import read_json_lines
from .manifest import PreviousSet

CHAIN_NAME = "chain.jsonl"
MADE, REMOVED = "made", "removed"
MISSING, CHANGED = "missing", "changed"


@dataclass(frozen=True)
class ChainEvent:
    """What happened to a set.

    Attributes:
        event: made or removed.
        set: The set's name.
        at: When, RFC 3339 in UTC.
        manifest_sha256: The digest of its manifest; "" for a removal.
        reason: Why it was removed; "" when it was made.
    """

    event: str
    set: str
    at: str
    manifest_sha256: str = ""
    reason: str = ""


@dataclass(frozen=True)
class ChainFinding:
    """A set that is not as it was left: ``missing`` or ``changed``, and that as a sentence."""

    set: str
    finding: str
    text: str


@dataclass(frozen=True)
class PresentSet:
    """A set that is there: the digest of its manifest, and what it says of the one before it."""

    manifest_sha256: str
    previous: PreviousSet | None


@dataclass(frozen=True)
class Chain:
    """The events of a site's folder, oldest first."""

    events: tuple[ChainEvent, ...]

    def newest(self) -> PreviousSet | None:
        """Return the set that was made last, also where it was removed since: the next manifest names it."""
        made = [event for event in self.events if event.event == MADE]
        return PreviousSet(made[-1].set, made[-1].manifest_sha256) if made else None

    def names(self) -> set[str]:
        """Return every name that a set of this site ever had."""
        return {event.set for event in self.events}

    def digests(self) -> dict[str, str]:
        """Return the digest of the manifest of each set that was ever made."""
        return {event.set: event.manifest_sha256 for event in self.events if event.event == MADE}

    def removed(self) -> set[str]:
        """Return the sets that were removed on purpose and not brought back."""
        last = {event.set: event.event for event in self.events}
        return {name for name, event in last.items() if event == REMOVED}

    def findings(self, present: Mapping[str, PresentSet]) -> list[ChainFinding]:
        """Return the sets that are missing without having been removed on purpose, or that were changed.

        Args:
            present: The sets that are there, by name.
        """
        # What a manifest says of the set before it counts where the file of the chain was lost or shortened.
        links = [held.previous for held in present.values() if held.previous is not None]
        digests = {**{link.name: link.manifest_sha256 for link in links}, **self.digests()}
        removed = self.removed()
        findings = []
        for name in sorted(digests):
            if name not in present:
                if name not in removed:
                    text = f"The set {name} is missing, and nothing says that it was removed on purpose."
                    findings.append(ChainFinding(name, MISSING, text))
            elif present[name].manifest_sha256 != digests[name]:
                findings.append(ChainFinding(name, CHANGED, changed_text(name)))
        return findings


def changed_text(name: str) -> str:
    """Say of a set that its manifest is another one."""
    return f"The manifest of {name} is not the one that was written when the set was made: it was changed."


def read_chain(site_folder: Path) -> Chain:
    """Return the chain of a site's folder; an empty one where nothing was ever recorded."""
    events = []
    for values in read_json_lines(site_folder / CHAIN_NAME):
        known = {name: str(values.get(name, "")) for name in ChainEvent.__dataclass_fields__}
        if known["event"] in (MADE, REMOVED) and known["set"]:
            events.append(ChainEvent(**known))
    return Chain(tuple(events))


def record_made(site_folder: Path, name: str, manifest_sha256: str, at: str) -> None:
    """Remember that a set is there under its name; saying it again is harmless."""
    _record(site_folder, [ChainEvent(MADE, name, at, manifest_sha256=manifest_sha256)])


def record_removed(site_folder: Path, names: Iterable[str], reason: str, at: str) -> None:
    """Remember that sets are removed on purpose, before that is done."""
    _record(site_folder, [ChainEvent(REMOVED, name, at, reason=reason) for name in names])


def _record(site_folder: Path, events: Iterable[ChainEvent]) -> None:
    make_private_folder(site_folder)
    path = site_folder / CHAIN_NAME
    for event in events:
        line = json.dumps({name: value for name, value in asdict(event).items() if value}, sort_keys=True)
        # A line that a power cut left without its end must not take this one with it.
        append_line_durably(path, line if _ends_with_line(path) else f"\n{line}")


def _ends_with_line(path: Path) -> bool:
    return not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
