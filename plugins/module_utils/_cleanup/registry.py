"""What a rule of the cleanup is, and the list that every file of ``rules/`` enters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Callable

from .._bench.layout import Bench
from .choice import Age


@dataclass(frozen=True)
class Place:
    """A folder that a rule looks after: the names of the files that it is about, and how deep they lie."""

    root: Path
    names: tuple[str, ...] = ()
    depth: int | None = None

    def is_about(self, path: str) -> bool:
        """Tell whether a file with this path would be looked at. Pure."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        is_named = not self.names or any(fnmatchcase(parts[-1], name) for name in self.names)
        return is_named and ".." not in parts and (self.depth is None or len(parts) <= self.depth)


@dataclass(frozen=True)
class Rule:
    """A class of files that nobody needs after some time.

    Attributes:
        id: The stable name, as in the options.
        title: What it is about, for people.
        never_touches: What it leaves alone, for the documentation.
        age: Which files may go, unless the options say otherwise.
        places: Gives the folders of the benches of the host.
    """

    id: str
    title: str
    never_touches: str
    age: Age
    places: Callable[[Sequence[Bench]], Iterable[Place]]


def places_of(rule: Rule, benches: Sequence[Bench]) -> Iterator[Place]:
    """Yield the places of a rule that are there, each real folder once."""
    seen = set()
    for place in rule.places(benches):
        real = place.root.resolve()
        if real.is_dir() and (real, place.names) not in seen:
            seen.add((real, place.names))
            yield Place(real, place.names, place.depth)
