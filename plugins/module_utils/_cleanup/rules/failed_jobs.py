"""Jobs of the queue that failed long ago, and those of sites that are no longer there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..._bench.layout import Bench
from ..._diagnosis.fingerprint import fingerprint_of
from ..._queue.failed_jobs import read_failed_jobs
from ..._queue.keys import texts
from ..._system.quantities import DAY_SECONDS
from ..bench_queue import (
    MOST_JOBS,
    REMOVED_SITE_DAYS,
    JobScript,
    fields_of_jobs,
    folders_of_sites,
    is_of_removed_site,
    more_text,
    plan_queues,
    queue_of,
    remove_jobs,
    rq_time,
)
from ..settings import older_than_days
from ..tasks import Planned, Task, TaskContext, TaskOutcome, TaskRule

ID = "failed_jobs"
DEFAULT_DAYS = 7.0
# Of how many of the newest the exception is looked at.
MOST_SAMPLES = 5000
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
    return [entry.id for entry in entries if entry.ended_at < before and is_of_removed_site(entry.id, sites)]


def _plan(context: TaskContext, settings: FailedJobSettings) -> Iterator[Planned]:
    return plan_queues(ID, context, partial(_queue_tasks, context, settings))


def _queue_tasks(
    context: TaskContext, settings: FailedJobSettings, bench: Bench, connection: Any, queue: str
) -> Iterator[Task]:
    entries = _entries(connection, bench, queue)
    gone_before = context.now - REMOVED_SITE_DAYS * DAY_SECONDS
    gone = jobs_of_removed_sites(entries, folders_of_sites(bench), rq_time(gone_before))
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
                reason=why + more_text(len(jobs)),
                parameters={
                    "bench": str(bench.path),
                    "queue": queue,
                    "before": rq_time(moment),
                    "jobs": jobs[:MOST_JOBS],
                },
            )


def _entries(connection: Any, bench: Bench, queue: str) -> list[FailedEntry]:
    url, prefix = queue_of(bench)
    errors = {job.id: fingerprint_of(job.text).id for job in read_failed_jobs(url, prefix, [queue], 0, MOST_SAMPLES)}
    ids = texts(connection.zrange(f"rq:failed:{prefix}:{queue}", 0, -1))
    ended = fields_of_jobs(connection, ids, "ended_at")
    return [FailedEntry(job, ended_at, errors.get(job, "")) for job, (ended_at,) in zip(ids, ended)]


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    def keys_of(prefix: str, job: str) -> tuple[str, ...]:
        key = f"rq:job:{job}"
        return (key, f"rq:failed:{prefix}:{task.parameters['queue']}", f"rq:results:{job}", f"{key}:dependents")

    return remove_jobs(context, task, deadline, JobScript(REMOVE, keys_of), task.parameters["jobs"])


FAILED_JOBS = TaskRule(
    id=ID,
    noun="job",
    title="jobs that failed long ago, and failed jobs of sites that are not there any more",
    never_touches="jobs that wait, run, are run again, or for which another waits; the newest of each error",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
