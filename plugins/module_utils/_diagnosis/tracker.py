"""One look at all errors of a host's benches: in logs, in the sites' Error Log, of failed jobs, in the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from .._bench.layout import Bench
from .._checks.registry import UnmeasurableError
from .._checks.targets.bench import BenchTarget
from .._checks.targets.site import SiteTarget
from .._checks.targets.target import Surroundings
from .._queue.failed_jobs import read_failed_jobs
from .._system.errors import LifeboatError
from .._system.quantities import HOUR_SECONDS, bytes_text
from .cursor import Cursor, keep_cursor, read_cursor
from .events import ErrorEvent, events_of_log, since
from .groups import advice_for, group_events, group_lines
from .journal_entries import read_journal
from .knowledge import KnownError
from .log_files import Position, read_new_part

LOGS, ERROR_LOG, JOBS, JOURNAL = "logs", "error_log", "jobs", "journal"
SOURCES = (LOGS, ERROR_LOG, JOBS, JOURNAL)
# Logs of the servers that a bench lives from, as the distributions' packages name them.
SYSTEM_LOGS = (
    "/var/log/nginx/error.log",
    "/var/log/mysql/error.log",
    "/var/log/mariadb/mariadb.log",
    "/var/log/redis/redis-server.log",
    "/var/log/supervisor/supervisord.log",
)
MOST_ROWS = 500
MOST_ROW_CHARACTERS = 20_000


@dataclass(frozen=True)
class TrackerOptions:
    """What to look at.

    Attributes:
        benches: The benches.
        site: The one site to look at; empty for all.
        sources: Some of ``SOURCES``.
        log_paths: Further logs.
        hours: How far back to look where no earlier look was kept.
        most_bytes: How much of each log is read, from its end.
        most_errors: How many errors are returned, those that happened most often.
        state_path: Where the collection keeps its state.
        keeps_cursor: Whether to go on where the last look ended, and to keep where this one ends.
    """

    benches: Sequence[Bench]
    site: str = ""
    sources: Sequence[str] = SOURCES
    log_paths: Sequence[str] = SYSTEM_LOGS
    hours: float = 24
    most_bytes: int = 1024 * 1024
    most_errors: int = 50
    state_path: Path = Path("/var/lib/lifeboat")
    keeps_cursor: bool = False


@dataclass
class _Look:
    """What one look found, and how far it came."""

    options: TrackerOptions
    surroundings: Surroundings
    before: Cursor
    now_seconds: float
    notes: list[str] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    journal: str = ""

    @property
    def from_seconds(self) -> float:
        """The moment from which on errors count."""
        if self.before.at_seconds is not None:
            return self.before.at_seconds
        return self.now_seconds - self.options.hours * HOUR_SECONDS


def track_errors(
    options: TrackerOptions, knowledge: Sequence[KnownError], surroundings: Surroundings, may_write: bool
) -> dict[str, Any]:
    """Find, group and explain the errors.

    Args:
        options: What to look at.
        knowledge: The known errors.
        surroundings: The I/O.
        may_write: Whether where the look ended may be kept, if the options ask for it.

    Returns:
        ``errors``, ``known_errors``, ``counts``, ``since``, ``lines`` and ``notes``, as JSON values.
    """
    before = read_cursor(options.state_path) if options.keeps_cursor else Cursor()
    look = _Look(options, surroundings, before, surroundings.now(), journal=before.journal)
    groups = group_events(_events(look), knowledge, look.now_seconds)
    if options.keeps_cursor and may_write:
        positions = {**before.positions, **look.positions}
        keep_cursor(options.state_path, Cursor(look.now_seconds, positions, look.journal))
    return {
        "errors": [group.as_dict() for group in groups[: options.most_errors]],
        "known_errors": advice_for(groups),
        "counts": {
            "events": sum(group.count for group in groups),
            "errors": len(groups),
            "known": sum(group.known is not None for group in groups),
        },
        "since": datetime.fromtimestamp(look.from_seconds).astimezone().isoformat(timespec="seconds"),
        "lines": group_lines(groups, options.most_errors),
        "notes": look.notes,
    }


def _events(look: _Look) -> Iterator[ErrorEvent]:
    sources = look.options.sources
    for bench in look.options.benches:
        yield from _events_of_bench(look, BenchTarget(bench, look.surroundings))
    if LOGS in sources:
        for path in look.options.log_paths:
            yield from _events_of_log(look, look.surroundings.root / path.lstrip("/"), "")
    if JOURNAL in sources:
        yield from _events_of_journal(look)


def _events_of_bench(look: _Look, bench: BenchTarget) -> Iterator[ErrorEvent]:
    sources, wanted = look.options.sources, look.options.site
    sites = [site for site in _sites(look, bench.bench) if not wanted or site.name == wanted]
    if LOGS in sources:
        for path in _logs(bench.bench.path / "logs"):
            yield from _events_of_log(look, path, "")
        for site in sites:
            for path in _logs(site.site.path / "logs"):
                yield from _events_of_log(look, path, site.name)
    if ERROR_LOG in sources:
        for site in sites:
            yield from _events_of_error_log(look, site)
    if JOBS in sources:
        yield from _events_of_jobs(look, bench)


def _sites(look: _Look, bench: Bench) -> list[SiteTarget]:
    target = BenchTarget(bench, look.surroundings)
    try:
        return [SiteTarget(site, target, look.surroundings) for site in bench.sites()]
    except OSError as error:
        look.notes.append(f"The sites of {bench.path} cannot be listed: {error.strerror}.")
        return []


def _logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def _events_of_log(look: _Look, path: Path, site: str) -> Iterator[ErrorEvent]:
    before = look.before.positions.get(str(path))
    try:
        part = read_new_part(path, before, look.options.most_bytes)
    except OSError as error:
        look.notes.append(f"{path} cannot be read: {error.strerror}.")
        return
    if part is None:
        return
    look.positions[str(path)] = part.position
    if part.skipped_bytes:
        look.notes.append(f"{bytes_text(part.skipped_bytes)} of {path} were passed over: they are more than is read.")
    events = events_of_log(part.text, path.name, _local_zone(), site)
    # What is after the position is new, whatever its time.
    yield from since(events, 0 if before else look.from_seconds, part.written_seconds)


def _events_of_error_log(look: _Look, site: SiteTarget) -> Iterator[ErrorEvent]:
    try:
        from_moment = site.local_now - timedelta(seconds=look.now_seconds - look.from_seconds)
        rows = site.query(
            "SELECT creation, method, LEFT(error, %s) FROM `tabError Log` WHERE modified > %s AND creation > %s"
            " ORDER BY modified DESC LIMIT %s",
            (MOST_ROW_CHARACTERS, from_moment, from_moment, MOST_ROWS),
        )
        zone = site.time_zone
    except UnmeasurableError as error:
        look.notes.append(f"The Error Log of {site.name} cannot be read: {error}")
        return
    finally:
        site.close()
    if len(rows) == MOST_ROWS:
        look.notes.append(f"Only the newest {MOST_ROWS} rows of the Error Log of {site.name} were read.")
    for creation, method, error_text in rows:
        text = "\n".join(str(part) for part in (method, error_text) if part)
        yield ErrorEvent(text, "Error Log", creation.replace(tzinfo=zone).timestamp(), site.name)


def _events_of_jobs(look: _Look, bench: BenchTarget) -> Iterator[ErrorEvent]:
    try:
        names = [queue.name for queue in bench.queues.queues]
        jobs = read_failed_jobs(bench.queue_url, bench.queue_prefix, names, look.from_seconds)
    except (LifeboatError, UnmeasurableError) as error:
        look.notes.append(f"The failed jobs of {bench.name} cannot be read: {error}")
        return
    for job in jobs:
        if job.site in ("", look.options.site) or not look.options.site:
            yield ErrorEvent(job.text, f"failed jobs of {job.queue}", job.ended_at_seconds, job.site)


def _events_of_journal(look: _Look) -> Iterator[ErrorEvent]:
    try:
        part = read_journal(look.surroundings.run, look.before.journal, look.from_seconds)
    except LifeboatError as error:
        look.notes.append(error.message)
        return
    look.journal = part.cursor
    yield from part.events


def _local_zone() -> tzinfo | None:
    return datetime.now().astimezone().tzinfo
