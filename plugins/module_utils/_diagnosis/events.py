"""An error as it was found in a log, a table, a queue or the journal; and which lines of a log are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone, tzinfo

# What is kept of one error: a traceback's innermost end says the most, so its start and its end are.
MOST_LINES = 200
TRACEBACK = "Traceback (most recent call last):"

_TIMES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Frappe, RQ of some versions, MariaDB: 2026-11-21 14:45:08,123
    (
        re.compile(r"\[?(?P<time>\d{4}-\d\d-\d\d[ T]\d\d?:\d\d:\d\d)(?:[.,]\d{1,6})?(?P<zone> ?[+-]\d\d:?\d\d|Z)?"),
        "%Y-%m-%d %H:%M:%S",
    ),
    # nginx
    (re.compile(r"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(?P<zone>)"), "%Y/%m/%d %H:%M:%S"),
    # Redis: 812:M 21 Nov 2026 14:45:08.123 #
    (
        re.compile(r"\d+:[A-Z] (?P<time>\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>)"),
        "%d %b %Y %H:%M:%S",
    ),
    # RQ: 14:45:08 Moving job ...; its day is not told
    (re.compile(r"(?P<clock>\d\d:\d\d:\d\d) "), ""),
)
# Not the # of Redis, which it also writes when it starts.
_LEVEL = re.compile(r"\b(?:ERROR|CRITICAL|FATAL)\b|\[(?:error|crit|alert|emerg)\]")
_CALM_LEVEL = re.compile(r"\b(?:INFO|DEBUG|Note|WARNING|Warning)\b|\[(?:notice|info|warn|debug)\]")
# Without a level or a traceback, a line may still tell of an error.
_TELLING = re.compile(
    r"\b(?:\w*Error|\w*Exception)\b[:(]|terminated unexpectedly|refused|killed process|cannot |can't |failed|invalid\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ErrorEvent:
    """An error as it was found.

    Attributes:
        text: Its whole text, not masked: it never leaves the host so.
        source: Where it was found, for people: a file, ``Error Log``, ``failed jobs`` or ``journal``.
        at_seconds: When it happened, in Unix time; None where the source does not tell.
        site: The site, where the source tells.
    """

    text: str
    source: str
    at_seconds: float | None = None
    site: str = ""


def events_of_log(text: str, source: str, zone: tzinfo | None, site: str = "") -> Iterator[ErrorEvent]:
    """Yield the errors of a part of a log, each with its traceback.

    Args:
        text: Whole lines of the log.
        source: The log, for people.
        zone: In which the log's times are, where it does not say.
        site: The site that the log belongs to, if it is of one.
    """
    at_seconds: float | None = None
    for block in _blocks(text.splitlines()):
        at_seconds = _time_of(block[0], zone) or at_seconds
        if _is_error(block):
            yield ErrorEvent("\n".join(_shortened(block)), source, at_seconds, site)


def since(events: Iterable[ErrorEvent], from_seconds: float, default_seconds: float) -> Iterator[ErrorEvent]:
    """Yield the events from a moment on; one without a time is taken to be of ``default_seconds``."""
    for event in events:
        at_seconds = default_seconds if event.at_seconds is None else event.at_seconds
        if at_seconds >= from_seconds:
            yield replace(event, at_seconds=at_seconds)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield what belongs together: a line with its time, the traceback after it, and what caused that one."""
    block: list[str] = []
    has_traceback = in_traceback = is_linked = False
    for line in lines:
        starts_traceback = line.startswith(TRACEBACK)
        is_inner = not line.strip() or line.startswith((" ", "\t")) or _links(line)
        if starts_traceback:
            belongs = is_linked or not has_traceback
        else:
            belongs = not _has_time(line) and (in_traceback or is_inner)
        if block and not belongs:
            yield block
            block, has_traceback, is_linked = [], False, False
        block.append(line)
        has_traceback |= starts_traceback
        # The line of the exception is the first that is not indented.
        in_traceback = starts_traceback or (in_traceback and is_inner)
        is_linked = _links(line) or (is_linked and not starts_traceback)
    if block:
        yield block


def _has_time(line: str) -> bool:
    return any(pattern.match(line) for pattern, _format in _TIMES)


def _links(line: str) -> bool:
    return line.startswith(("During handling of the above exception", "The above exception was the direct cause"))


def _time_of(line: str, zone: tzinfo | None) -> float | None:
    for pattern, form in _TIMES:
        found = pattern.match(line)
        if found and form:
            try:
                moment = datetime.strptime(found["time"].replace("T", " "), form).replace(tzinfo=zone)
                offset = (found["zone"] or "").strip().replace("Z", "+0000")
                if offset:
                    moment = moment.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo or timezone.utc)
                return moment.timestamp()
            except ValueError:
                return None
    return None


def _is_error(block: list[str]) -> bool:
    first = block[0]
    if any(TRACEBACK in line for line in block) or _LEVEL.search(first):
        return True
    return not _CALM_LEVEL.search(first) and bool(_TELLING.search(first))


def _shortened(block: list[str]) -> list[str]:
    lines = [line for line in block if line.strip()]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES // 2], *lines[-MOST_LINES // 2 :]]
