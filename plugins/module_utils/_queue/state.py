"""The queues, workers and registries of one bench at one moment, in four round trips and without a change of a key.

RQ counts a registry by cleaning it up first, and lists workers by deleting those that are gone. Here keys are read as
they are: what RQ would have cleaned up is what a check wants to see.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from .._bench.processes import PROC_PATH, process_state
from .connection import TIMEOUT_SECONDS, redis_connection
from .keys import STANDARD_QUEUES, texts, utc_time

# A worker cleans up what dead workers left this often (RQ's DEFAULT_MAINTENANCE_TASK_INTERVAL), so what is overdue by
# more is left alone for good.
MAINTENANCE_SECONDS = 600
# Frappe keeps failed jobs for a week (its failure_ttl): their score in the registry is that long after they failed.
FAILED_LIFETIME_SECONDS = 7 * 86_400
HOUR_SECONDS = 3600
# Limits of what is read, however much there is. A job that was put in front has its own time, so a few are looked at.
MOST_WORKERS = 10_000
MOST_IDS = 1000
FRONT_JOBS = 10
MOST_ABANDONED_IDS = 20


@dataclass(frozen=True)
class RunningJob:
    """What a worker is at: for how long already, and for how long it may; None where RQ wrote nothing or no limit."""

    id: str
    elapsed_seconds: float | None
    timeout_seconds: float | None


@dataclass(frozen=True)
class RegisteredWorker:
    """A worker that is in RQ's list, whether or not it lives.

    Attributes:
        name: RQ's name of it.
        queues: Those of this bench that it serves, without the bench's prefix.
        state: RQ's word: ``idle``, ``busy``, ``suspended`` ...; empty where its registration expired.
        process_state: The kernel's letter, empty where its process is gone, ``?`` where it runs on another host.
        heartbeat_age_seconds: How long ago it gave a sign of life; None where it never did or its registration expired.
        working_seconds: How long it has worked on jobs since it began, the present one included.
        job: What it is at.
    """

    name: str
    queues: tuple[str, ...]
    state: str
    process_state: str
    heartbeat_age_seconds: float | None
    working_seconds: float
    job: RunningJob | None


@dataclass(frozen=True)
class QueueState:
    """One queue.

    Attributes:
        name: Without the bench's prefix.
        length: How many jobs wait.
        first_ids: The ids of the first of them.
        oldest_age_seconds: How long the oldest of those in front waits; None where none of them tells.
        failed_count: How many jobs its registry of failed jobs remembers.
        failed_last_hour_count: How many of these failed within the last hour.
        abandoned_count: How many jobs count as running though their worker gave no sign of life for so long that RQ
            ought to have cleaned up after it.
        abandoned_ids: The first of these.
    """

    name: str
    length: int
    first_ids: tuple[str, ...]
    oldest_age_seconds: float | None
    failed_count: int
    failed_last_hour_count: int
    abandoned_count: int
    abandoned_ids: tuple[str, ...]


@dataclass(frozen=True)
class BenchQueues:
    """All queues and workers of a bench; ``is_suspended`` where somebody told RQ's workers to start no job."""

    is_suspended: bool
    queues: tuple[QueueState, ...]
    workers: tuple[RegisteredWorker, ...]


def read_bench_queues(
    redis_url: str,
    bench_id: str,
    queue_names: Iterable[str],
    now_seconds: float,
    proc_path: Path = PROC_PATH,
    hostname: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> BenchQueues:
    """Read the state of a bench's queues.

    Args:
        redis_url: The URL of the queue's Redis; it may hold a password.
        bench_id: The name with which the bench's queues begin.
        queue_names: Queues that the bench has besides the standard ones and those that RQ knows.
        now_seconds: The time now, as Unix time.
        proc_path: Where this host's processes are shown.
        hostname: The name of this host, on which a worker's process can be looked for.
        timeout_seconds: For connecting, and for each reply.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``.
    """
    with redis_connection(redis_url, timeout_seconds) as connection:
        reader = _Reader(
            connection, f"{bench_id}:", now_seconds, proc_path=proc_path, hostname=hostname or socket.gethostname()
        )
        return reader.read(sorted({*STANDARD_QUEUES, *queue_names}))


class _Reader:
    def __init__(self, connection: Any, prefix: str, now_seconds: float, *, proc_path: Path, hostname: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self._now_seconds = now_seconds
        self._proc_path = proc_path
        self._hostname = hostname

    def read(self, known_queues: Sequence[str]) -> BenchQueues:
        suspended, queue_keys, worker_keys, *listeners = self._ask(
            ("EXISTS", "rq:suspended"),
            ("SMEMBERS", "rq:queues"),
            ("SMEMBERS", "rq:workers"),
            *(("SMEMBERS", f"rq:workers:{self._prefix}{name}") for name in known_queues),
        )
        listed = {queue: set(texts(keys)) for queue, keys in zip(known_queues, listeners)}
        keys = sorted({*texts(worker_keys), *chain.from_iterable(listed.values())})[:MOST_WORKERS]
        fields = ("pid", "hostname", "queues", "state", "current_job", "death", "last_heartbeat", "total_working_time")
        values = [texts(answer) for answer in self._ask(*(("HMGET", key, *fields) for key in keys))]
        jobs = self._running_jobs({value[4] for value in values if value[4]})
        workers = tuple(
            worker
            for key, value in zip(keys, values)
            for worker in self._worker(key, value, jobs, [queue for queue in known_queues if key in listed[queue]])
        )
        names = self._ours(key.partition("rq:queue:")[2] for key in texts(queue_keys))
        served = chain.from_iterable(worker.queues for worker in workers)
        return BenchQueues(bool(suspended), self._queues(sorted({*known_queues, *names, *served})), workers)

    def _ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        with self._connection.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return list(pipeline.execute())

    def _ours(self, names: Iterable[str]) -> list[str]:
        return [name[len(self._prefix) :] for name in names if name.startswith(self._prefix)]

    def _age(self, text: str) -> float | None:
        moment = utc_time(text)
        return None if moment is None else self._now_seconds - moment.timestamp()

    def _running_jobs(self, job_ids: Iterable[str]) -> dict[str, RunningJob]:
        ids = sorted(job_ids)
        answers = self._ask(*(("HMGET", f"rq:job:{job_id}", "started_at", "timeout") for job_id in ids))
        found = {}
        for job_id, answer in zip(ids, answers):
            started_at, timeout = texts(answer)
            limit = _number(timeout)
            # A timeout of -1 is none.
            found[job_id] = RunningJob(job_id, self._age(started_at), limit if limit and limit > 0 else None)
        return found

    def _worker(
        self, key: str, values: Sequence[str], jobs: dict[str, RunningJob], listed_for: Sequence[str]
    ) -> Iterator[RegisteredWorker]:
        pid, hostname, queues, state, job_id, death, heartbeat, working_time = values
        is_expired = not any(values)
        served = listed_for if is_expired else self._ours(queues.split(","))
        if not served or death:
            return
        job = jobs.get(job_id)
        yield RegisteredWorker(
            name=key.partition("rq:worker:")[2],
            queues=tuple(served),
            state=state,
            process_state=self._process_state(pid) if hostname == self._hostname else "?",
            heartbeat_age_seconds=self._age(heartbeat),
            working_seconds=(_number(working_time) or 0.0) + ((job.elapsed_seconds if job else None) or 0.0),
            job=job,
        )

    def _process_state(self, pid: str) -> str:
        return process_state(int(pid), self._proc_path) if pid.isdigit() else ""

    def _queues(self, names: Sequence[str]) -> tuple[QueueState, ...]:
        now = self._now_seconds
        overdue = now - MAINTENANCE_SECONDS
        commands = [
            command
            for queue in (self._prefix + name for name in names)
            for command in (
                ("LLEN", f"rq:queue:{queue}"),
                ("LRANGE", f"rq:queue:{queue}", 0, MOST_IDS - 1),
                ("ZCOUNT", f"rq:failed:{queue}", now, "+inf"),
                ("ZCOUNT", f"rq:failed:{queue}", now + FAILED_LIFETIME_SECONDS - HOUR_SECONDS, "+inf"),
                ("ZCOUNT", f"rq:wip:{queue}", "-inf", overdue),
                ("ZRANGEBYSCORE", f"rq:wip:{queue}", "-inf", overdue, "LIMIT", 0, MOST_ABANDONED_IDS),
            )
        ]
        answers = self._ask(*commands)
        rows = [answers[start : start + 6] for start in range(0, len(answers), 6)]
        fronts = [texts(row[1])[:FRONT_JOBS] for row in rows]
        times = iter(self._ask(*(("HGET", f"rq:job:{job_id}", "enqueued_at") for front in fronts for job_id in front)))
        found = []
        for name, row, front in zip(names, rows, fronts):
            length, first_ids, failed, failed_last_hour, abandoned, abandoned_ids = row
            ages = [self._age(text) for text in texts(next(times) for _job in front)]
            found.append(
                QueueState(
                    name=name,
                    length=length,
                    first_ids=tuple(texts(first_ids)),
                    oldest_age_seconds=max((age for age in ages if age is not None), default=None),
                    failed_count=failed,
                    failed_last_hour_count=failed_last_hour,
                    abandoned_count=abandoned,
                    abandoned_ids=tuple(texts(abandoned_ids)),
                )
            )
        return tuple(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
