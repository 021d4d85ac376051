"""The maintenance of tables in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from ..._system.quantities import bytes_text, count_text, duration_text
from .choice import CHECK, REBUILD, Skip, Work
from .window import Window

DONE_TEXTS = {"analyze": "statistics made anew", "check": "checked", "rebuild": "rebuilt", "repair": "repaired"}


def window_line(window: Window, now: float, bytes_per_second: float) -> str:
    """Say until when there is time, and how fast this host is."""
    ends = datetime.fromtimestamp(window.ends_at).astimezone().strftime("%Y-%m-%d %H:%M %z")
    left = duration_text(max(window.ends_at - now, 0))
    return f"window: until {ends}, {left} left; tables are rebuilt with {bytes_text(bytes_per_second)} a second"


def plan_lines(work: Sequence[Work]) -> list[str]:
    """Say what there is to do, one line each; checks, which change nothing, in one."""
    lines = [_plan_line(item) for item in work if item.action != CHECK]
    checks = [item for item in work if item.action == CHECK]
    return [*lines, *([f"{count_text(len(checks), 'table')} to check"] if checks else [])]


def _plan_line(item: Work) -> str:
    line = f"{item.site}: {item.table}: {item.action}: {item.reason}"
    return f"{line}; about {duration_text(item.estimated_seconds)}" if item.action == REBUILD else line


def done_lines(done: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was done."""
    return [_done_line(item) for item in done if item["action"] != CHECK]


def _done_line(item: Mapping[str, Any]) -> str:
    line = f"{item['site']}: {item['table']}: {DONE_TEXTS[item['action']]} in {duration_text(item['seconds'])}"
    if item["action"] == REBUILD:
        line += f": {bytes_text(item['before_bytes'])} before, {bytes_text(item['after_bytes'])} after"
    return f"{line}. {item['note']}" if item["note"] else line


def skip_lines(skips: Sequence[Skip]) -> Iterator[str]:
    """Say what was left alone; many tables for the same reason in one line."""
    for (site, action, reason), same in groupby(sorted(skips, key=_same), key=_same):
        tables = [skip.table for skip in same if skip.table]
        named = tables[0] if len(tables) == 1 else count_text(len(tables), "table")
        yield f"{site}: not done ({action}): {f'{named}: ' if tables else ''}{reason}"


def _same(skip: Skip) -> tuple[str, str, str]:
    return skip.site, skip.action, skip.reason
