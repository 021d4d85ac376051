"""Known errors: how to recognise one, and what a person is told about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._system.errors import LifeboatError

# What of a text is searched for patterns: the lines of a traceback that are not code, and of its places the innermost.
SEARCHED_CHARACTERS = 4000
SEARCHED_PLACES = 8
_PLACE = "  File "


@dataclass(frozen=True)
class KnownError:
    """An error that is known: its patterns, and what to do.

    Attributes:
        id: Its stable name.
        title: What it is, in a few words.
        patterns: Any of these is found in its text.
        causes: What it comes from, the likeliest first.
        steps: What to do, in this order.
        prevention: How to be spared next time.
        playbook: The playbook that mends it or finds out more, else empty.
    """

    id: str
    title: str
    patterns: tuple[re.Pattern[str], ...]
    causes: tuple[str, ...]
    steps: tuple[str, ...]
    prevention: str
    playbook: str

    def advice(self) -> dict[str, Any]:
        """Return what a person is told, as JSON values."""
        return {
            "id": self.id,
            "title": self.title,
            "causes": list(self.causes),
            "steps": list(self.steps),
            "prevention": self.prevention,
            "playbook": self.playbook,
        }


def read_knowledge(entries: Iterable[Mapping[str, Any]]) -> list[KnownError]:
    """Read a knowledge base.

    Args:
        entries: Each with ``id``, ``title`` and ``patterns``; the rest may be missing.

    Raises:
        LifeboatError: ``knowledge_invalid`` for a pattern that is no regular expression.
    """
    return [
        KnownError(
            id=str(entry["id"]),
            title=str(entry["title"]),
            patterns=tuple(_pattern(str(entry["id"]), text) for text in entry["patterns"]),
            causes=tuple(entry.get("causes") or ()),
            steps=tuple(entry.get("steps") or ()),
            prevention=str(entry.get("prevention") or ""),
            playbook=str(entry.get("playbook") or ""),
        )
        for entry in entries
    ]


def recognise(text: str, knowledge: Sequence[KnownError]) -> KnownError | None:
    """Return the first known error that a text tells of, None where none does."""
    searched = _telling_part(text)
    return next((known for known in knowledge if any(pattern.search(searched) for pattern in known.patterns)), None)


def _telling_part(text: str) -> str:
    lines = text.splitlines()
    places = [position for position, line in enumerate(lines) if line.startswith(_PLACE)][-SEARCHED_PLACES:]
    kept = [line for position, line in enumerate(lines) if position in places or not (places and line.startswith("  "))]
    # A long text tells at its end what went wrong.
    return "\n".join(kept)[-SEARCHED_CHARACTERS:]


def _pattern(entry_id: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise LifeboatError(
            f"Cannot use the known error {entry_id}: its pattern {text!r} is no regular expression ({error.msg}). "
            "Correct the pattern.",
            "knowledge_invalid",
            {"id": entry_id},
        ) from None
