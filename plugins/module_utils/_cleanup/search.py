"""Searching one place after another, each while the files of the one before are still being looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from .find import find_files
from .registry import Place

# Two at the lowest priority: what one waits for, a disk or a processor, the other rarely needs as well.
SEARCHES_AT_ONCE = 2


def found_in(places: Iterable[Place]) -> Iterator[tuple[Place, Iterator[list[bytes]]]]:
    """Yield each place with its files, as ``find_files`` does.

    Args:
        places: Where to look.

    Raises:
        LifeboatError: ``command_missing``; the iterators of files raise ``command_failed``.
    """
    running: deque[tuple[Place, Iterator[list[bytes]]]] = deque()
    for place in places:
        found = find_files(place.root, place.names, place.depth)
        next(found, None)  # from now on it runs
        running.append((place, found))
        if len(running) == SEARCHES_AT_ONCE:
            yield running.popleft()
    yield from running
