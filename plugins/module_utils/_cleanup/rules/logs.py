"""Old logs that a rotation left: never the one that is being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..._bench.layout import Bench
from ..._system.quantities import DAY_SECONDS
from ..choice import Age
from ..registry import Place, Rule

# What logrotate, Python's handlers and supervisor call a log that they are through with.
ROTATED = ("*.log[.-][0-9]*", "*.gz", "*.zst", "*.xz")


def _bench_places(benches: Sequence[Bench]) -> Iterator[Place]:
    for bench in benches:
        yield Place(bench.path / "logs", ROTATED, depth=1)


def _site_places(benches: Sequence[Bench]) -> Iterator[Place]:
    for bench in benches:
        for site in bench.sites():
            yield Place(site.path / "logs", ROTATED, depth=1)


BENCH_LOGS = Rule(
    id="bench_logs",
    title="rotated logs of the bench",
    never_touches="a log that is being written, whatever its size and age; folders below logs/",
    age=Age(30 * DAY_SECONDS, keep_newest=5),
    places=_bench_places,
)
SITE_LOGS = Rule(
    id="site_logs",
    title="rotated logs of the sites",
    never_touches="a log that is being written, whatever its size and age; the site's files and backups",
    age=Age(30 * DAY_SECONDS, keep_newest=5),
    places=_site_places,
)
