"""One harmless job through a bench's queue: the proof that a worker serves the site. It leaves no key behind."""

from __future__ import annotations

import pickle
import time
import uuid
import zlib
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from .._bench.processes import PROC_PATH
from .connection import redis_connection
from .jobs import STARTED, Queue, Worker

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"

METHOD = "frappe.ping"
QUEUED = "queued"
UNFINISHED = (QUEUED, STARTED)
POLL_SECONDS = 0.1
# What RQ itself would keep of the job, should this process be killed before it removed the keys.
KEPT_SECONDS = 60
# Every RQ since 1.0 reads this protocol of pickle.
PICKLE_PROTOCOL = 4


@dataclass(frozen=True)
class ProbeResult:
    """How the job ended: passed, failed, or skipped where no worker could be expected to run it; and why."""

    outcome: str
    seconds: float
    reason: str


def probe_queue(
    redis_url: str,
    bench_id: str,
    site: str,
    timeout_seconds: float,
    proc_path: Path = PROC_PATH,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ProbeResult:
    """Have a worker of the bench run ``frappe.ping`` for a site, ahead of all other jobs, and wait for its end.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``.
    """
    queue = Queue(redis_url, bench_id, proc_path=proc_path)
    workers = queue.live_workers()
    started = clock()
    with redis_connection(redis_url) as connection:
        if not workers:
            return ProbeResult(SKIPPED, 0.0, "no worker of the bench is alive")
        if connection.exists("rq:suspended"):
            return ProbeResult(SKIPPED, 0.0, "the workers are suspended")
        # A worker that waits answers at once, and looks into its first queue first.
        queue_name = min(workers, key=_is_busy).queues[0]
        job = _Job(connection, f"{bench_id}:{queue_name}", site)
        try:
            job.enqueue(timeout_seconds)
            status = job.wait(started + timeout_seconds, clock, sleep)
        finally:
            job.remove()
    seconds = round(clock() - started, 3)
    if status == "finished":
        return ProbeResult(PASSED, seconds, f"a worker of the queue {queue_name} ran it")
    if status not in UNFINISHED:
        return ProbeResult(FAILED, seconds, f"it ended as {status or 'lost'}; the worker's log tells why")
    listeners = [worker for worker in queue.live_workers() if queue_name in worker.queues]
    if status == QUEUED and all(map(_is_busy, listeners)):
        return ProbeResult(SKIPPED, seconds, f"every worker of the queue {queue_name} is busy with other jobs")
    return ProbeResult(FAILED, seconds, f"it is still {status} after {timeout_seconds:g} seconds")


def _is_busy(worker: Worker) -> bool:
    return worker.state == "busy"


class _Job:
    """A job in RQ's own form, written without RQ: the host's Python need not have it."""

    def __init__(self, connection: Any, queue: str, site: str) -> None:
        self._connection = connection
        self._queue = queue
        self._site = site
        # Not the site's name in front, as Frappe does: a worker of RQ 2.10 or later dies of an id with a dot in it.
        self._id = f"lifeboat-{uuid.uuid4()}"
        self._key = f"rq:job:{self._id}"

    def enqueue(self, timeout_seconds: float) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        arguments: dict[str, Any] = {
            "site": self._site,
            "user": "Administrator",
            "method": METHOD,
            "event": None,
            "job_name": METHOD,
            "is_async": True,
            "kwargs": {},
        }
        call = ("frappe.utils.background_jobs.execute_job", None, (), arguments)
        mapping = {
            "created_at": now,
            "enqueued_at": now,
            "data": zlib.compress(pickle.dumps(call, protocol=PICKLE_PROTOCOL)),
            "description": METHOD,
            "origin": self._queue,
            "timeout": int(timeout_seconds) or 1,
            "result_ttl": KEPT_SECONDS,
            "failure_ttl": KEPT_SECONDS,
            "status": QUEUED,
        }
        with self._connection.pipeline() as pipeline:
            pipeline.hset(self._key, mapping=mapping)
            pipeline.expire(self._key, int(timeout_seconds) + KEPT_SECONDS)
            pipeline.lpush(f"rq:queue:{self._queue}", self._id)
            pipeline.execute()

    def wait(self, deadline: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> str:
        """Return the job's last status: queued and started mean that it did not end in time, "" that it is gone."""
        while True:
            status = (self._connection.hget(self._key, "status") or b"").decode()
            if status not in UNFINISHED or clock() >= deadline:
                return status
            sleep(POLL_SECONDS)

    def remove(self) -> None:
        """Delete every key of the job; RQ itself forgets one that still runs, within a minute of its end."""
        connection, job_id = self._connection, self._id
        was_waiting = connection.lrem(f"rq:queue:{self._queue}", 0, job_id)
        if not was_waiting and connection.hget(self._key, "status") == STARTED.encode():
            return
        with connection.pipeline() as pipeline:
            pipeline.delete(self._key, f"rq:results:{job_id}", f"rq:executions:{job_id}")
            for registry in ("wip", "finished", "failed"):
                pipeline.zrem(f"rq:{registry}:{self._queue}", job_id)
            pipeline.execute()
