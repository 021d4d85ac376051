"""The maintenance of tables in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ..._system.quantities import bytes_text, count_text, duration_text
from .choice import CHECK, REBUILD, Skip, Work
from .state import MaintenanceState
from .window import Window

DONE_TEXTS = {"analyze": "statistics made anew", "check": "checked", "rebuild": "rebuilt", "repair": "repaired"}


def window_line(window: Window, now: float, state: MaintenanceState) -> str:
    """Say until when there is time, and how fast this host is, or is taken to be until it was measured."""
    ends = datetime.fromtimestamp(window.ends_at).astimezone().strftime("%Y-%m-%d %H:%M %z")
    left = duration_text(max(window.ends_at - now, 0))
    speed = f"{bytes_text(state.bytes_per_second)} a second"
    if not state.is_measured:
        speed += " (assumed: none took long enough to measure it)"
    return f"window: until {ends}, {left} left; tables are rebuilt with {speed}"


def plan_lines(work: Sequence[Work]) -> list[str]:
    """Say what there is to do, one line each; checks, which change nothing, in one."""
    lines = [_plan_line(item) for item in work if item.action != CHECK]
    checks = [item for item in work if item.action == CHECK]
    return [*lines, *_rebuilds_line(work), *([f"{count_text(len(checks), 'table')} to check"] if checks else [])]


def _rebuilds_line(work: Sequence[Work]) -> Iterator[str]:
    """Sum up what rebuilds take and give back, where there are several."""
    rebuilds = [item for item in work if item.action == REBUILD]
    if len(rebuilds) > 1:
        seconds = duration_text(sum(item.estimated_seconds for item in rebuilds))
        gain = bytes_text(sum(item.gain_bytes for item in rebuilds))
        yield f"{len(rebuilds)} tables to rebuild: about {seconds} in all, for {gain} of the disk"


def _plan_line(item: Work) -> str:
    line = f"{item.site}: {item.table}: {item.action}: {item.reason}"
    return f"{line}; about {duration_text(item.estimated_seconds)}" if item.action == REBUILD else line


def stop_lines(stop: Path) -> list[str]:
    """Say that nothing is begun where somebody wants that."""
    return [f"STOPPED: nothing is begun while {stop} is there; remove it to let the maintenance go on"] * stop.exists()


def done_lines(done: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was done, one line each; checks that found nothing in one, and what several rebuilds gave back."""
    lines = [_done_line(item) for item in done if item["action"] != CHECK]
    checked = sum(item["action"] == CHECK for item in done)
    rebuilt = [item for item in done if item["action"] == REBUILD]
    if len(rebuilt) > 1:
        seconds = duration_text(sum(item["seconds"] for item in rebuilt))
        gain = bytes_text(sum(item["before_bytes"] - item["after_bytes"] for item in rebuilt))
        lines.append(f"{len(rebuilt)} tables rebuilt in {seconds}: the disk has {gain} back")
    return [*lines, *([f"{count_text(checked, 'table')} checked: no damage"] if checked else [])]


def _done_line(item: Mapping[str, Any]) -> str:
    line = f"{item['site']}: {item['table']}: {DONE_TEXTS[item['action']]} in {duration_text(item['seconds'])}"
    if item["action"] == REBUILD:
        line += f": {bytes_text(item['before_bytes'])} before, {bytes_text(item['after_bytes'])} after"
    return f"{line}. {item['note']}" if item["note"] else line


def copy_lines(folders: Sequence[str], keep_days: int) -> list[str]:
    """Say which copies of repaired tables are, or in check mode would be, removed."""
    return [f"older than {keep_days} days, and removed: {folder}" for folder in folders]


def skip_lines(skips: Sequence[Skip]) -> Iterator[str]:
    """Say what was left alone; many tables, or whole sites, for the same reason in one line."""
    of_tables = [skip for skip in skips if skip.table]
    for (site, action, reason), same in groupby(sorted(of_tables, key=_same), key=_same):
        tables = [skip.table for skip in same]
        named = tables[0] if len(tables) == 1 else count_text(len(tables), "table")
        yield f"{site}: not done ({action}): {named}: {reason}"
    of_sites: dict[tuple[str, str], list[str]] = {}
    for skip in skips:
        if not skip.table:
            of_sites.setdefault((skip.action, skip.reason), []).append(skip.site)
    for (action, reason), sites in of_sites.items():
        yield f"{sites[0] if len(sites) == 1 else count_text(len(sites), 'site')}: not done ({action}): {reason}"


def _same(skip: Skip) -> tuple[str, str, str]:
    return skip.site, skip.action, skip.reason
