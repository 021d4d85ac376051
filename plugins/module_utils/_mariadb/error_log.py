"""What a server's error log says about damage. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

# The two forms of a line's time: that of the server, and that of its handler of crashes.
_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\d +\d?\d:\d\d:\d\d"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\d{6} +\d?\d:\d\d:\d\d"), "%y%m%d %H:%M:%S"),
)
# Lines that hold text of clients, who could write anything into the log by them; and those that tell of nothing wrong.
_NOT_OF_THE_SERVER = re.compile(r"\[Note\]|Access denied for user|Aborted connection|^Query \(")
_FILE = re.compile(r"\./[\w@$#./-]+")


@dataclass(frozen=True)
class Pattern:
    """What a line of the log may tell; ``is_damage`` where data or the server's life was at stake."""

    label: str
    is_damage: bool
    expression: re.Pattern[str]


PATTERNS = tuple(
    Pattern(label, is_damage, re.compile(expression, re.IGNORECASE))
    for label, is_damage, expression in (
        ("a table is marked as crashed", True, r"marked as crashed"),
        ("the server crashed", True, r"got signal \d+|got exception 0x|assertion failure|\[FATAL\]"),
        (
            "data is damaged",
            True,
            r"page corruption|corrupted page|is corrupt(ed)?\b|checksum mismatch|sequence number .* is in the future",
        ),
        ("memory ran out", True, r"out of memory|cannot allocate memory|errno: 12\b"),
        ("InnoDB waited long for itself", False, r"semaphore wait|long wait \("),
        ("too many files were open", False, r"too many open files|errno: 24\b"),
        ("the disk was full", False, r"no space left on device|disk is full|disk full|errno: 28\b"),
    )
)


@dataclass(frozen=True)
class LogSummary:
    """What the lines tell: how many of each pattern, the most serious first, each with the last file that it names."""

    counts: tuple[tuple[Pattern, int, str], ...]

    @property
    def lines(self) -> int:
        """How many lines tell of something."""
        return sum(count for _pattern, count, _file in self.counts)

    @property
    def has_damage(self) -> bool:
        """Whether one of them tells of damage."""
        return any(pattern.is_damage for pattern, _count, _file in self.counts)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return each in words; nothing of a line but the name of a file, since statements stand in the log too."""
        return tuple(
            f"{pattern.label} ({count} x{', last: ' + file if file else ''})" for pattern, count, file in self.counts
        )


def summarise_log(lines: Iterable[str]) -> LogSummary:
    """Count the lines that tell of damage or distress."""
    counts: Counter[Pattern] = Counter()
    files: dict[Pattern, str] = {}
    for line in lines:
        if _NOT_OF_THE_SERVER.search(line):
            continue
        pattern = next((pattern for pattern in PATTERNS if pattern.expression.search(line)), None)
        if pattern is not None:
            counts[pattern] += 1
            file = _FILE.search(line)
            files[pattern] = file[0] if file else files.get(pattern, "")
    return LogSummary(tuple((pattern, counts[pattern], files[pattern]) for pattern in PATTERNS if pattern in counts))


def lines_since(lines: Iterable[str], since: datetime) -> Iterator[str]:
    """Yield the lines from a moment on; one without a time is as old as that before it.

    Args:
        lines: Those of the log, in its order.
        since: The moment in the local time of the server, as in the log.
    """
    is_new = False
    for line in lines:
        written = _time_of(line)
        if written is not None:
            is_new = written >= since
        if is_new:
            yield line


def _time_of(line: str) -> datetime | None:
    for form, layout in _TIMES:
        match = form.match(line)
        if match:
            try:
                return datetime.strptime(match[0], layout)  # noqa: DTZ007 (the log names no time zone)
            except ValueError:
                return None
    return None
