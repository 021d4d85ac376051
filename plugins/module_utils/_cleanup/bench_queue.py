"""The queue of a bench, for rules that delete jobs: one job in one step, so that nothing is left in between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable

from .._bench.configuration import bench_id, read_configuration, redis_addresses
from .._bench.layout import Bench
from .._queue.connection import redis_connection
from .._queue.keys import STANDARD_QUEUES, site_of, texts
from .._system.errors import LifeboatError
from .tasks import DONE, REFUSED, Planned, Refusal, Task, TaskContext, TaskOutcome

# A site may be away for a while, as during a move.
REMOVED_SITE_DAYS = 1.0
BATCH_JOBS = 100
# How many one run takes out of a queue or registry.
MOST_JOBS = 1000


@dataclass(frozen=True)
class JobScript:
    """What looks at one job again and removes it, in one step of Redis.

    Attributes:
        text: The script; it gets the keys, the id of the job, the moment before which the job must have ended or been
            made, and the arguments; it returns how many jobs it removed.
        keys_of: Returns the keys for a job, given the prefix of the bench's queues and the id.
        arguments: What else it gets.
    """

    text: str
    keys_of: Callable[[str, str], Sequence[str]]
    arguments: tuple[str, ...] = ()


def rq_time(seconds: float) -> str:
    """Return a moment, given in Unix time, as RQ writes it; such texts have the order of time."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_of_removed_site(job_id: str, sites: Collection[str]) -> bool:
    """Tell whether a job names a site that is not among those of the bench. Pure."""
    site = site_of(job_id)
    return bool(site) and site not in sites


def more_text(found: int) -> str:
    """Return what to add to a reason where more jobs were found than one run takes."""
    return f"; {found - MOST_JOBS:,} more wait for the next run" * (found > MOST_JOBS)


def folders_of_sites(bench: Bench) -> set[str]:
    """Return whatever may be a site of the bench, also one that is broken."""
    return {folder.name for folder in bench.sites_path.iterdir()}


def queue_of(bench: Bench) -> tuple[str, str]:
    """Return the URL of a bench's queue and what the names of its queues begin with."""
    common = read_configuration(bench.common_config_path)
    return redis_addresses(common)[1], bench_id(common, bench.path)


def plan_queues(
    rule: str, context: TaskContext, look: Callable[[Bench, Any, str], Iterator[Task]]
) -> Iterator[Planned]:
    """Yield what a rule finds in each queue of each bench; a Redis that does not answer does not stop the others.

    Args:
        rule: The id of the rule.
        context: The I/O.
        look: Looks at a queue of a bench, given by its name, through a connection.
    """
    for bench in context.benches:
        yield from _plan_bench(rule, bench, look)


def fields_of_jobs(connection: Any, jobs: Sequence[str], *fields: str) -> Iterator[list[str]]:
    """Yield those fields of each job; empty where RQ has forgotten it."""
    for start in range(0, len(jobs), BATCH_JOBS):
        with connection.pipeline(transaction=False) as pipeline:
            for job in jobs[start : start + BATCH_JOBS]:
                pipeline.hmget(f"rq:job:{job}", *fields)
            yield from map(texts, pipeline.execute())


def remove_jobs(
    context: TaskContext, task: Task, deadline: float, script: JobScript, jobs: Iterable[Any]
) -> TaskOutcome:
    """Let a script remove jobs.

    Args:
        context: The I/O.
        task: Its parameters name the ``bench`` and the moment ``before``.
        deadline: The time of the context's clock at which to stop.
        script: What removes one.
        jobs: The ids.

    Raises:
        ValueError: The moment has not come.
    """
    wanted = task.parameters
    (bench,) = (bench for bench in context.benches if str(bench.path) == wanted["bench"])
    before = str(wanted["before"])
    if before > rq_time(context.now):
        raise ValueError("they have not ended")
    ids, count = list(map(str, jobs)), 0
    url, prefix = queue_of(bench)
    try:
        with redis_connection(url) as connection:
            for start in range(0, len(ids), BATCH_JOBS):
                why_over = context.why_over(deadline)
                if why_over:
                    return TaskOutcome(why_over, count)
                with connection.pipeline(transaction=False) as pipeline:
                    for job in ids[start : start + BATCH_JOBS]:
                        keys = script.keys_of(prefix, job)
                        pipeline.eval(script.text, len(keys), *keys, job, before, *script.arguments)
                    count += sum(pipeline.execute())
    except LifeboatError as error:
        return TaskOutcome(REFUSED, count, error=error)
    return TaskOutcome(DONE, count)


def _plan_bench(rule: str, bench: Bench, look: Callable[[Bench, Any, str], Iterator[Task]]) -> list[Planned]:
    try:
        url, prefix = queue_of(bench)
        with redis_connection(url) as connection:
            return [task for queue in _queues(connection, prefix) for task in look(bench, connection, queue)]
    except LifeboatError as error:
        return [Refusal(rule, str(bench.path), error.error_code, error.message)]


def _queues(connection: Any, prefix: str) -> list[str]:
    own = f"rq:queue:{prefix}:"
    known = {name[len(own) :] for name in texts(connection.smembers("rq:queues")) if name.startswith(own)}
    return sorted(known | set(STANDARD_QUEUES))
