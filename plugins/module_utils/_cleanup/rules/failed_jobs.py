"""Jobs of the queue that failed long ago, and those of sites that are no longer there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..._bench.configuration import bench_id, read_configuration, redis_addresses
from ..._bench.layout import Bench
from ..._diagnosis.fingerprint import fingerprint_of
from ..._queue.connection import redis_connection
from ..._queue.failed_jobs import read_failed_jobs
from ..._queue.keys import STANDARD_QUEUES, site_of, texts
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS
from ..settings import older_than_days
from ..tasks import DONE, OUT_OF_TIME, REFUSED, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "failed_jobs"
DEFAULT_DAYS = 7.0
# A site may be away for a while, as during a move.
REMOVED_SITE_DAYS = 1.0
BATCH_JOBS = 100
# How many one run takes out of a registry, and of how many of the newest the exception is looked at.
MOST_JOBS, MOST_SAMPLES = 1000, 5000
# One job in one step: it stays where somebody runs it again, or another job waits for it.
REMOVE = """
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local job = redis.call('HMGET', KEYS[1], 'status', 'ended_at')
if job[1] and (job[1] ~= 'failed' or not job[2] or job[2] >= ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
redis.call('UNLINK', KEYS[1], KEYS[3])
return redis.call('ZREM', KEYS[2], ARGV[1])
"""


@dataclass(frozen=True)
class FailedEntry:
    """A job of a registry: when it ended, as RQ writes it ("" where RQ has forgotten it), and the error's name."""

    id: str
    ended_at: str
    error: str = ""


@dataclass(frozen=True)
class FailedJobSettings:
    """After how many days a failed job goes."""

    older_than_days: float


def _settings(values: Mapping[str, Any]) -> FailedJobSettings:
    return FailedJobSettings(older_than_days(values, DEFAULT_DAYS))


def rq_time(seconds: float) -> str:
    """Return a moment, given in Unix time, as RQ writes it; such texts have the order of time."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def old_jobs(entries: Iterable[FailedEntry], before: str) -> list[str]:
    """Return the ids of the jobs that ended before, but for the newest of each error. Pure.

    Args:
        entries: All jobs of a registry.
        before: The moment, as RQ writes it.
    """
    newest_first = sorted(entries, key=lambda entry: entry.ended_at, reverse=True)
    samples: set[str] = set()
    old = []
    for entry in newest_first:
        is_sample = bool(entry.error) and entry.error not in samples
        samples.add(entry.error)
        if not is_sample and entry.ended_at < before:
            old.append(entry.id)
    return old[::-1]


def jobs_of_removed_sites(entries: Iterable[FailedEntry], sites: Collection[str], before: str) -> list[str]:
    """Return the ids of the jobs that ended before, of sites that are not among those of the bench. Pure."""
    return [
        entry.id for entry in entries if entry.ended_at < before and (site := site_of(entry.id)) and site not in sites
    ]


def _plan(context: TaskContext, settings: FailedJobSettings) -> Iterator[Planned]:
    for bench in context.benches:
        yield from _bench_tasks(context, settings, bench)


def _bench_tasks(context: TaskContext, settings: FailedJobSettings, bench: Bench) -> list[Planned]:
    try:
        url, prefix = _queue_of(bench)
        with redis_connection(url) as connection:
            return [
                task
                for queue in _queues(connection, prefix)
                for task in _queue_tasks(context, settings, bench, queue, _entries(connection, url, prefix, queue))
            ]
    except LifeboatError as error:
        return [Refusal(ID, str(bench.path), error.error_code, error.message)]


def _queue_tasks(
    context: TaskContext, settings: FailedJobSettings, bench: Bench, queue: str, entries: Sequence[FailedEntry]
) -> Iterator[Task]:
    folders = {folder.name for folder in bench.sites_path.iterdir()}
    gone_before = context.now - REMOVED_SITE_DAYS * DAY_SECONDS
    gone = jobs_of_removed_sites(entries, folders, rq_time(gone_before))
    before = context.now - settings.older_than_days * DAY_SECONDS
    old = [job for job in old_jobs(entries, rq_time(before)) if job not in set(gone)]
    reason = f"failed more than {settings.older_than_days:g} days ago; the newest of each error stays"
    for jobs, moment, why in ((gone, gone_before, "its site is not there any more"), (old, before, reason)):
        if jobs:
            yield Task(
                rule=ID,
                subject=f"{bench.path}: failed jobs of {queue}",
                count=len(jobs[:MOST_JOBS]),
                bytes=0,
                age_seconds=int(context.now - moment),
                reason=why,
                parameters={
                    "bench": str(bench.path),
                    "queue": queue,
                    "before": rq_time(moment),
                    "jobs": jobs[:MOST_JOBS],
                },
            )


def _queue_of(bench: Bench) -> tuple[str, str]:
    """Return the URL of a bench's queue and what the names of its queues begin with."""
    common = read_configuration(bench.common_config_path)
    return redis_addresses(common)[1], bench_id(common, bench.path)


def _queues(connection: Any, prefix: str) -> list[str]:
    own = f"rq:queue:{prefix}:"
    known = {name[len(own) :] for name in texts(connection.smembers("rq:queues")) if name.startswith(own)}
    return sorted(known | set(STANDARD_QUEUES))


def _entries(connection: Any, url: str, prefix: str, queue: str) -> list[FailedEntry]:
    errors = {job.id: fingerprint_of(job.text).id for job in read_failed_jobs(url, prefix, [queue], 0, MOST_SAMPLES)}
    ids = texts(connection.zrange(f"rq:failed:{prefix}:{queue}", 0, -1))
    entries = []
    for start in range(0, len(ids), BATCH_JOBS):
        batch = ids[start : start + BATCH_JOBS]
        with connection.pipeline(transaction=False) as pipeline:
            for job in batch:
                pipeline.hget(f"rq:job:{job}", "ended_at")
            entries += [
                FailedEntry(job, ended_at, errors.get(job, ""))
                for job, ended_at in zip(batch, texts(pipeline.execute()))
            ]
    return entries


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    wanted = task.parameters
    (bench,) = (bench for bench in context.benches if str(bench.path) == wanted["bench"])
    before = str(wanted["before"])
    if before > rq_time(context.now):
        raise ValueError("they have not ended")
    jobs, count = [str(job) for job in wanted["jobs"]], 0
    url, prefix = _queue_of(bench)
    registry = f"rq:failed:{prefix}:{wanted['queue']}"
    try:
        with redis_connection(url) as connection:
            for start in range(0, len(jobs), BATCH_JOBS):
                if context.clock() > deadline:
                    return TaskOutcome(OUT_OF_TIME, count)
                with connection.pipeline(transaction=False) as pipeline:
                    for job in jobs[start : start + BATCH_JOBS]:
                        key = f"rq:job:{job}"
                        keys = (key, registry, f"rq:results:{job}", f"{key}:dependents")
                        pipeline.eval(REMOVE, len(keys), *keys, job, before)
                    count += sum(pipeline.execute())
    except LifeboatError as error:
        return TaskOutcome(REFUSED, count, error=error)
    return TaskOutcome(DONE, count)


FAILED_JOBS = TaskRule(
    id=ID,
    noun="job",
    title="jobs that failed long ago, and failed jobs of sites that are not there any more",
    never_touches="jobs that wait, run, are run again, or for which another waits; the newest of each error",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
