"""What surrounds a site while it changes: its running jobs, its cached keys, the web processes that serve it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable

from .._bench.configuration import Configuration, bench_id, read_configuration, redis_addresses
from .._bench.layout import Bench
from .._bench.services import reload_web, web_master_pids
from .._queue.cache import delete_site_keys
from .._queue.jobs import Queue, RunningJob
from .._system.errors import LifeboatError

DRAIN_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Surroundings:
    """The calls with which a promotion reaches what is around the site; a test gives its own.

    Attributes:
        running_jobs: Returns the jobs of a site that run now.
        delete_cached_keys: Deletes the cached keys of a database and returns their number.
        reload_web: Has the web processes start anew, waits so many seconds for the old ones, returns those left.
    """

    running_jobs: Callable[[str], Sequence[RunningJob]]
    delete_cached_keys: Callable[[str], int]
    reload_web: Callable[[float], Sequence[int]]


def common_configuration(bench: Bench) -> Configuration:
    """Return the configuration that all sites of a bench share; empty where it cannot be read, as Frappe takes it."""
    try:
        return read_configuration(bench.common_config_path)
    except LifeboatError:
        return {}


def find_surroundings(bench: Bench) -> Surroundings:
    """Look for the bench's Redis servers and web processes.

    Service managers are not asked, which takes seconds: a web process of Frappe works in the bench's folder, so it is
    found among the processes.
    """
    common = common_configuration(bench)
    cache_url, queue_url = redis_addresses(common)
    queue = Queue(queue_url, bench_id(common, bench.path))
    masters = web_master_pids(bench, ())
    return Surroundings(
        running_jobs=queue.running_jobs,
        delete_cached_keys=lambda database: delete_site_keys(cache_url, database),
        reload_web=lambda timeout_seconds: reload_web(masters, timeout_seconds),
    )


def drain(
    running_jobs: Callable[[], Sequence[RunningJob]],
    timeout_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until none of the jobs runs, or the time is over.

    Returns:
        ``waited_seconds``; ``still_running``, each with ``job``, ``queue`` and the ``seconds`` that it has run (None
        where that is not known); ``skipped``, why it could not be looked at, else "".
    """
    started = clock()
    try:
        jobs = running_jobs()
        while jobs and clock() - started < timeout_seconds:
            sleep(DRAIN_POLL_SECONDS)
            jobs = running_jobs()
    except LifeboatError as error:
        return {"waited_seconds": round(clock() - started, 1), "still_running": [], "skipped": error.message}
    return {
        "waited_seconds": round(clock() - started, 1),
        "still_running": [{"job": job.id, "queue": job.queue, "seconds": _seconds_running(job)} for job in jobs],
        "skipped": "",
    }


def _seconds_running(job: RunningJob) -> int | None:
    return int(time.time() - job.started_at.timestamp()) if job.started_at else None
