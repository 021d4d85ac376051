"""Which of the files that were found may go. Pure, and in the memory of what is chosen, not of what is found."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from typing import Callable, Optional

from .._system.quantities import DAY_SECONDS
from .find import NANOSECONDS, FoundFile, line_of
from .items import FileIdentity, Item

KEPT_SHOWN = 100
OPEN, PROTECTED, NEWEST = "open", "protected", "one of the newest"
Look = Callable[[bytes], Optional[FoundFile]]


@dataclass(frozen=True)
class Caps:
    """How much one run takes away at most; the rest waits for the next run.

    Attributes:
        bytes: In all.
        items: In all: files, and things that go by other means.
        percent: Of the files that a rule finds in one folder.
    """

    bytes: int
    items: int
    percent: int = 100

    def less(self, size_bytes: int, items: int) -> Caps:
        """Return what is left after so much."""
        return Caps(self.bytes - size_bytes, self.items - items, self.percent)


@dataclass(frozen=True)
class Age:
    """From which age a file may go, and how many of the newest stay whatever their age."""

    older_than_seconds: int
    keep_newest: int = 0

    @property
    def reason(self) -> str:
        """Say why a file may go."""
        newest = f"; the newest {self.keep_newest} stay" if self.keep_newest else ""
        days = self.older_than_seconds / DAY_SECONDS
        return f"older than {days:g} day{'s' * (days != 1)}{newest}"


@dataclass(frozen=True)
class Protection:
    """What never goes, whatever a rule says.

    Attributes:
        patterns: Shell patterns of whole paths; ``*`` matches slashes as well.
        open_files: Device and inode of the files that a process has open.
    """

    patterns: tuple[str, ...] = ()
    open_files: Collection[tuple[int, int]] = ()

    def why(self, path: str, device: int, inode: int) -> str:
        """Return why a file stays; "" when nothing protects it."""
        if (device, inode) in self.open_files:
            return OPEN
        return PROTECTED if self.patterns and self._pattern.match(path) else ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(translate, self.patterns)))


@dataclass(frozen=True)
class Choice:
    """What a rule chose.

    Attributes:
        items: What goes, oldest first.
        left_items: How many may go as well, but exceed the caps.
        kept: Paths that are old enough and stay all the same, each with the reason; not more than ``KEPT_SHOWN``.
    """

    items: tuple[Item, ...]
    left_items: int
    kept: tuple[tuple[str, str], ...]


def choose_files(
    rule: str,
    root: Path,
    found: Iterable[Sequence[bytes]],
    look: Look,
    age: Age,
    now: float,
    protection: Protection,
    caps: Caps,
) -> Choice:
    """Choose the oldest files that may go.

    A file that was changed after ``now`` says that a clock is or was wrong: it counts as new.

    Args:
        rule: The id of the rule.
        root: The folder that was searched.
        found: The lines of ``find_files`` for all files that the rule is about, whatever their age.
        look: Returns the file of a line as it is now, None when it is gone.
        age: Which of them may go.
        now: Seconds since the epoch.
        protection: What never goes.
        caps: How much may go at most.
    """
    candidates = _Candidates(line_of(now - age.older_than_seconds), age.keep_newest, 2 * caps.items)
    for lines in found:
        candidates.add(lines)
    most_items = min(caps.items, candidates.total * caps.percent // 100)
    items: list[Item] = []
    kept: list[tuple[str, str]] = []
    total_bytes = gone = 0
    for line in candidates.oldest():
        file = look(line)
        if file is None:
            gone += 1
            continue
        path = f"{root}/{file.path}"
        reason = protection.why(path, file.device, file.inode)
        if reason:
            kept.append((path, reason))
        elif len(items) < most_items and total_bytes + file.freed_bytes <= caps.bytes:
            total_bytes += file.freed_bytes
            identity = FileIdentity(file.device, file.inode, file.size_bytes, file.modified_ns)
            age_seconds = int(now - file.modified_ns / NANOSECONDS)
            items.append(Item(rule, str(root), path, file.freed_bytes, age_seconds, age.reason, identity))
    left_items = candidates.count - len(items) - len(kept) - gone
    return Choice(tuple(items), left_items, tuple(kept[:KEPT_SHOWN]))


def newest_lines(found: Iterable[Sequence[bytes]], count: int) -> list[bytes]:
    """Return the lines of the newest files, newest first; arguments as those of ``choose_files``."""
    newest: list[bytes] = []
    for lines in found:
        newest = heapq.nlargest(count, [*newest, *lines])
    return newest


class _Candidates:
    """The lines of the oldest files, in not more than twice the memory of so many."""

    def __init__(self, limit: bytes, keep_newest: int, most: int) -> None:
        self._limit, self._keep_newest, self._most = limit, keep_newest, most
        self._newest: list[bytes] = []
        self._old: list[bytes] = []
        self.count = self.total = 0

    def add(self, lines: Sequence[bytes]) -> None:
        """Take some lines, but for those of the newest files and of new ones."""
        self.total += len(lines)
        if self._keep_newest:
            passed = [*self._newest, *lines]
            self._newest = heapq.nlargest(self._keep_newest, passed)
            oldest_kept = self._newest[-1] if len(self._newest) == self._keep_newest else b""
            lines = [line for line in passed if line < oldest_kept]
        limit = self._limit
        old = [line for line in lines if line < limit]
        self.count += len(old)
        self._old += old
        if len(self._old) > 2 * self._most:
            self._old = self.oldest()

    def oldest(self) -> list[bytes]:
        """Return the lines of the oldest files, as many as there is room for."""
        return heapq.nsmallest(self._most, self._old)
