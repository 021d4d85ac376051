"""What is to be done to which table, and what is left alone for which reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..._system.quantities import bytes_text, duration_text
from .facts import ARIA, INNODB, MYISAM, TableFacts
from .window import Window

MEBIBYTE = 1024 * 1024
REPAIR, CHECK, ANALYZE, REBUILD = "repair", "check", "analyze", "rebuild"
# In this order: what is broken first, then what takes moments, then what takes long.
ACTIONS = (REPAIR, CHECK, ANALYZE, REBUILD)
CHANGING_ACTIONS = frozenset({REPAIR, ANALYZE, REBUILD})
# Statistics come from samples of fixed size, whatever the size of the table.
ANALYZE_SECONDS = 1.0
# The first releases of their series in which ANALYZE does not make those wait who come after it (MDEV-15101).
ONLINE_ANALYZE = ((10, 6, 16), (10, 10, 7), (10, 11, 6), (11, 0, 4), (11, 1, 3), (11, 2, 2))
UNREADABLE = "unreadable"
CHECKED_ELSEWHERE = (
    "InnoDB tables are not checked on a live server, which a check may stop: lifeboat.frappe.drill checks them in a "
    "recovered copy"
)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Thresholds:
    """From when on something is done, and from when on it is not.

    Attributes:
        analyze_changed_percent: Rows that changed since the statistics were made.
        analyze_min_rows: The same in rows: small tables are read as a whole anyway.
        rebuild_min_bytes: The least size of a table that is rebuilt.
        reclaim_min_bytes: The least that a rebuild must give back.
        reclaim_min_percent: The same, of the size of the table.
        check_max_bytes: The largest table that is checked, since that blocks its writers.
        free_reserve_percent: What must stay free of the file system with the data.
        max_transaction_seconds: The age of a transaction in the site's database.
        max_threads_running: Statements that run at once.
        max_history_length: Changes that InnoDB has yet to purge.
        max_io_pressure_percent: For which part of the time something waits for the disk.
        max_replica_lag_seconds: How far a replica may fall behind by a rebuild.
        max_backup_age_hours: The age of the newest complete backup of the site.
        blocked_seconds: For how long others may wait for a table because of a rebuild.
    """

    analyze_changed_percent: float = 10
    analyze_min_rows: int = 100
    rebuild_min_bytes: int = 100 * MEBIBYTE
    reclaim_min_bytes: int = 500 * MEBIBYTE
    reclaim_min_percent: float = 20
    check_max_bytes: int = 256 * MEBIBYTE
    free_reserve_percent: float = 20
    max_transaction_seconds: float = 60
    max_threads_running: int = 25
    max_history_length: int = 50_000
    max_io_pressure_percent: float = 20
    max_replica_lag_seconds: float = 60
    max_backup_age_hours: float = 26
    blocked_seconds: float = 2


@dataclass(frozen=True)
class Work:
    """One thing to do.

    Attributes:
        bench: The folder of the bench.
        site: The name of the site.
        table: The name of the table.
        action: One of ``ACTIONS``.
        bytes: The size of the table.
        gain_bytes: What the disk is expected to get back.
        estimated_seconds: How long it is expected to take.
        reason: Why, for people.
    """

    bench: str
    site: str
    table: str
    action: str
    bytes: int
    gain_bytes: int
    estimated_seconds: float
    reason: str


@dataclass(frozen=True)
class Skip:
    """What is not done.

    Attributes:
        site: The name of the site.
        table: The name of the table; "" for all of them.
        action: What would have been done.
        kind: The reason, for programs.
        reason: The reason, for people.
    """

    site: str
    table: str
    action: str
    kind: str
    reason: str


@dataclass(frozen=True)
class SiteTables:
    """The tables of a site.

    Attributes:
        bench: The folder of the bench.
        site: The name of the site.
        version: The version of its server.
        tables: Its tables.
        rebuilt: Those that were rebuilt in this window already.
    """

    bench: str
    site: str
    version: str
    tables: Sequence[TableFacts]
    rebuilt: Collection[str] = ()


def choose(site: SiteTables, limits: Thresholds, bytes_per_second: float) -> tuple[list[Work], list[Skip]]:
    """Return what there is to do, and what is left alone although it looks as if it needed something.

    Args:
        site: The site with its tables.
        limits: The thresholds.
        bytes_per_second: How fast tables were rebuilt so far.
    """
    found = [choice for table in site.tables for choice in _choose(site, table, limits)]
    work = [
        replace(choice, estimated_seconds=estimate_seconds(choice.action, choice.bytes, bytes_per_second))
        for choice in found
        if isinstance(choice, Work)
    ]
    skips = [choice for choice in found if isinstance(choice, Skip)]
    if any(table.engine == INNODB for table in site.tables):
        skips.append(Skip(site.site, "", CHECK, "checked_elsewhere", CHECKED_ELSEWHERE))
    return work, skips


def in_order(work: Iterable[Work]) -> list[Work]:
    """Order by action, and rebuilds by what a second of them gives back."""
    return sorted(
        work,
        key=lambda item: (
            ACTIONS.index(item.action),
            -item.gain_bytes / max(item.estimated_seconds, 1e-9),
            (item.bench, item.site, item.table),
        ),
    )


def beyond_window(work: Iterable[Work], now: float, window: Window) -> list[Skip]:
    """Return what is not expected to fit into the window, when everything is done in its order from now on."""
    skips = []
    for item in work:
        if window.fits(now, item.estimated_seconds):
            now += item.estimated_seconds
        else:
            skips.append(too_late(item))
    return skips


def too_late(item: Work) -> Skip:
    """Return the reason why something that takes longer than the window is not begun."""
    seconds = duration_text(item.estimated_seconds)
    return Skip(item.site, item.table, item.action, "window", f"it would take {seconds}, and the window ends before")


def estimate_seconds(action: str, size_bytes: int, bytes_per_second: float) -> float:
    """Return how long an action on a table of a size is expected to take."""
    return ANALYZE_SECONDS if action == ANALYZE else size_bytes / bytes_per_second


def is_analyze_online(version: str) -> bool:
    """Tell whether ANALYZE of a server blocks nobody; an older one makes all wait behind a long query."""
    match = _VERSION.match(version)
    if match is None:
        return False
    release = tuple(map(int, match.groups()))
    of_series = [first for first in ONLINE_ANALYZE if first[:2] == release[:2]]
    return release >= of_series[0] if of_series else release > ONLINE_ANALYZE[-1]


def _choose(site: SiteTables, table: TableFacts, limits: Thresholds) -> Iterator[Work | Skip]:
    if table.open_error:
        yield _broken(site, table)
    elif table.engine in (MYISAM, ARIA):
        if table.data_bytes <= limits.check_max_bytes:
            yield _work(site, table, CHECK, f"{table.engine} does not survive a crash unharmed")
        else:
            too_large = f"a check would block its writers: it has {bytes_text(table.data_bytes)}"
            yield _skip(site, table, CHECK, "too_large", too_large)
    elif table.engine == INNODB:
        yield from _statistics(site, table, limits)
        yield from _room(site, table, limits)


def _broken(site: SiteTables, table: TableFacts) -> Work | Skip:
    if table.is_crashed:
        return _work(site, table, REPAIR, "it is marked as crashed")
    return _skip(
        site,
        table,
        REPAIR,
        UNREADABLE,
        f"the server cannot open it (error {table.open_error}), and it is no table that could be repaired: recover "
        "the site with lifeboat.frappe.recover",
    )


def _statistics(site: SiteTables, table: TableFacts, limits: Thresholds) -> Iterator[Work | Skip]:
    reason = _stale_because(table, limits)
    if not reason:
        return
    if is_analyze_online(site.version):
        yield _work(site, table, ANALYZE, reason)
    else:
        blocking = f"ANALYZE of MariaDB {site.version} would make others wait; update it (10.6.16, 10.11.6 or later)"
        yield _skip(site, table, ANALYZE, "would_block", f"{reason}, but {blocking}")


def _stale_because(table: TableFacts, limits: Thresholds) -> str:
    if not table.keeps_statistics or table.is_partitioned:
        return ""
    if table.counted_rows is None:
        return "it has no statistics" if table.rows >= limits.analyze_min_rows else ""
    changed = max(abs(table.rows - table.counted_rows), table.changed_rows)
    percent = 100 * changed / max(table.counted_rows, 1)
    if changed < limits.analyze_min_rows or percent <= limits.analyze_changed_percent:
        return ""
    return f"{changed:,} rows changed since its statistics were made of {table.counted_rows:,}"


def _room(site: SiteTables, table: TableFacts, limits: Thresholds) -> Iterator[Work | Skip]:
    size_bytes = max(table.file_bytes, table.data_bytes)
    pays = (
        size_bytes >= limits.rebuild_min_bytes
        and table.free_bytes >= limits.reclaim_min_bytes
        and 100 * table.free_bytes >= limits.reclaim_min_percent * size_bytes
    )
    if not pays:
        return
    reason = f"{bytes_text(table.free_bytes)} of {bytes_text(size_bytes)} hold nothing"
    obstacle = _offline_because(site, table)
    if obstacle is None:
        yield _work(site, table, REBUILD, reason)
    else:
        yield _skip(site, table, REBUILD, obstacle[0], f"{reason}, but {obstacle[1]}")


def _offline_because(site: SiteTables, table: TableFacts) -> tuple[str, str] | None:
    if table.special_index:
        return "not_online", f"its {table.special_index} index lets nobody write during a rebuild"
    if table.is_partitioned:
        return "partitioned", "it has partitions, each of which is better rebuilt on its own"
    if not table.file_bytes:
        return "shared_tablespace", "it lies in a tablespace that is shared, which never becomes smaller"
    if table.name in site.rebuilt:
        return "done", "it was rebuilt in this window already"
    return None


def _work(site: SiteTables, table: TableFacts, action: str, reason: str) -> Work:
    size_bytes = max(table.file_bytes, table.data_bytes)
    gain_bytes = table.free_bytes if action == REBUILD else 0
    return Work(site.bench, site.site, table.name, action, size_bytes, gain_bytes, 0.0, reason)


def _skip(site: SiteTables, table: TableFacts, action: str, kind: str, reason: str) -> Skip:
    return Skip(site.site, table.name, action, kind, reason)
