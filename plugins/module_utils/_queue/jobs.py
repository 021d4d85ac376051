"""The jobs and workers of one bench, read from RQ's keys.

RQ's own ``registry.count`` and ``Worker.all`` clean up while they count, so they are not used. A job's arguments are
pickled, so they are never read: the site is the first part of a job's id.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .._bench.processes import PROC_PATH, is_alive
from .connection import redis_connection
from .keys import SITE_SEPARATORS, STANDARD_QUEUES, texts, utc_time

STARTED = "started"
LIST_CHUNK = 10_000


@dataclass(frozen=True)
class RunningJob:
    """A job that a living worker runs; ``started_at`` is UTC, None where RQ did not write it."""

    id: str
    queue: str
    started_at: datetime | None


@dataclass(frozen=True)
class Worker:
    """A worker that lives; ``queues`` are without the bench's prefix; ``job_id`` is what it runs, if anything."""

    name: str
    pid: int | None
    hostname: str
    queues: tuple[str, ...]
    state: str
    job_id: str | None


class Queue:
    """The queues of one bench, read only. Each call opens its own connection.

    Args:
        redis_url: The URL of the queue's Redis; it may hold a password.
        bench_id: The name with which the bench's queues begin.
        hostname: The name of this host, on which a worker's process can be looked for.
        proc_path: Where this host's processes are shown.

    Every method raises LifeboatError ``redis_unavailable`` or ``library_missing``.
    """

    def __init__(self, redis_url: str, bench_id: str, hostname: str | None = None, proc_path: Path = PROC_PATH) -> None:
        self._redis_url = redis_url
        self._prefix = f"{bench_id}:"
        self._hostname = hostname or socket.gethostname()
        self._proc_path = proc_path

    def running_jobs(self, site: str) -> list[RunningJob]:
        """Return the jobs of exactly this site that run now; those whose worker died are left out."""
        with redis_connection(self._redis_url) as connection:
            workers = list(self._live_workers(connection))
            names = {worker.name for worker in workers}
            job_ids = {worker.job_id for worker in workers if worker.job_id}
            for queue in self._queue_names(connection, workers):
                members = connection.zrange(f"rq:wip:{self._prefix}{queue}", 0, -1)
                # RQ 2 adds ":<execution>" to the id of the job.
                job_ids |= {name for member in texts(members) for name in (member, member.rpartition(":")[0])}
            found = (self._running_job(connection, job_id, names) for job_id in sorted(job_ids) if _is_of(site, job_id))
            return [job for job in found if job is not None]

    def queued_count(self, site: str) -> int:
        """Return how many jobs of exactly this site wait in the bench's queues."""
        with redis_connection(self._redis_url) as connection:
            return sum(
                _is_of(site, job_id)
                for queue in self._queue_names(connection, list(self._live_workers(connection)))
                for job_id in _list_items(connection, f"rq:queue:{self._prefix}{queue}")
            )

    def live_workers(self) -> list[Worker]:
        """Return the bench's workers that live; one that was killed stays in RQ's list for minutes, and is left out."""
        with redis_connection(self._redis_url) as connection:
            return list(self._live_workers(connection))

    def _live_workers(self, connection: Any) -> Iterator[Worker]:
        for key in sorted(texts(connection.smembers("rq:workers"))):
            # RQ deletes the hash of a worker whose heartbeat is overdue; one that ended properly has a death in it.
            values = texts(connection.hmget(key, "pid", "hostname", "queues", "state", "current_job", "death", "birth"))
            pid, hostname, queues, state, job_id, death, birth = values
            ours = tuple(name[len(self._prefix) :] for name in queues.split(",") if name.startswith(self._prefix))
            if not ours or death or not birth:
                continue
            if hostname == self._hostname and pid and not is_alive(int(pid), self._proc_path):
                continue
            name = key.partition("rq:worker:")[2]
            yield Worker(name, int(pid) if pid else None, hostname, ours, state, job_id or None)

    def _queue_names(self, connection: Any, workers: Iterable[Worker]) -> list[str]:
        known = (key.partition("rq:queue:")[2] for key in texts(connection.smembers("rq:queues")))
        listed = {name[len(self._prefix) :] for name in known if name.startswith(self._prefix)}
        return sorted(listed.union(STANDARD_QUEUES, *(worker.queues for worker in workers)))

    def _running_job(self, connection: Any, job_id: str, live_workers: set[str]) -> RunningJob | None:
        values = connection.hmget(f"rq:job:{job_id}", "status", "origin", "started_at", "worker_name")
        status, origin, started_at, worker_name = texts(values)
        if status != STARTED or (worker_name and worker_name not in live_workers):
            return None
        return RunningJob(job_id, origin.partition(self._prefix)[2], utc_time(started_at))


def _is_of(site: str, job_id: str) -> bool:
    return job_id.startswith(tuple(site + separator for separator in SITE_SEPARATORS))


def _list_items(connection: Any, key: str) -> Iterator[str]:
    position = 0
    while True:
        items = texts(connection.lrange(key, position, position + LIST_CHUNK - 1))
        yield from items
        if len(items) < LIST_CHUNK:
            return
        position += LIST_CHUNK
