"""Jobs that wait for a site that is no longer there: no worker can do them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ..._bench.layout import Bench
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
from ..tasks import Planned, Task, TaskContext, TaskOutcome, TaskRule

ID = "stale_jobs"
# Where RQ keeps jobs that wait: the name of the place for people, and how its key begins.
PLACES = {"queued": "rq:queue", "scheduled": "rq:scheduled", "deferred": "rq:deferred"}
# One job in one step. One that a worker has taken is not in its place any more, or is "started".
REMOVE = """
local job = redis.call('HMGET', KEYS[1], 'status', 'created_at')
if job[1] and (job[1] ~= ARGV[3] or not job[2] or job[2] >= ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local removed
if ARGV[3] == 'queued' then
  removed = redis.call('LREM', KEYS[2], 0, ARGV[1])
else
  removed = redis.call('ZREM', KEYS[2], ARGV[1])
end
if removed == 0 then return 0 end
redis.call('UNLINK', KEYS[1], KEYS[4], KEYS[5])
return 1
"""


def _settings(values: Mapping[str, Any]) -> None:
    if values:
        raise ValueError("it takes nothing")


def _plan(context: TaskContext, _nothing: None) -> Iterator[Planned]:
    return plan_queues(ID, context, partial(_queue_tasks, context))


def _queue_tasks(context: TaskContext, bench: Bench, connection: Any, queue: str) -> Iterator[Task]:
    _url, prefix = queue_of(bench)
    sites = folders_of_sites(bench)
    age_seconds = int(REMOVED_SITE_DAYS * DAY_SECONDS)
    before = rq_time(context.now - age_seconds)
    for state, place in PLACES.items():
        key = f"{place}:{prefix}:{queue}"
        ids = connection.lrange(key, 0, -1) if state == "queued" else connection.zrange(key, 0, -1)
        waiting = [job for job in texts(ids) if is_of_removed_site(job, sites)]
        created = fields_of_jobs(connection, waiting, "created_at")
        jobs = [job for job, (created_at,) in zip(waiting, created) if created_at < before]
        if jobs:
            yield Task(
                rule=ID,
                subject=f"{bench.path}: {state} jobs of {queue}",
                count=len(jobs[:MOST_JOBS]),
                bytes=0,
                age_seconds=age_seconds,
                reason="its site is not there any more" + more_text(len(jobs)),
                parameters={
                    "bench": str(bench.path),
                    "queue": queue,
                    "state": state,
                    "before": before,
                    "jobs": jobs[:MOST_JOBS],
                },
            )


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    state, queue = str(task.parameters["state"]), str(task.parameters["queue"])
    place = PLACES[state]
    # Whoever brought a site back since the plan was made wants its jobs done.
    sites = {name for bench in context.benches for name in folders_of_sites(bench)}
    still_gone = [job for job in task.parameters["jobs"] if is_of_removed_site(str(job), sites)]

    def keys_of(prefix: str, job: str) -> tuple[str, ...]:
        key = f"rq:job:{job}"
        lists = (f"{place}:{prefix}:{queue}", f"{key}:dependents", f"{key}:dependencies", f"rq:results:{job}")
        return (key, *lists)

    return remove_jobs(context, task, deadline, JobScript(REMOVE, keys_of, (state,)), still_gone)


STALE_JOBS = TaskRule(
    id=ID,
    noun="job",
    title="jobs that wait, are scheduled or deferred for sites that are not there any more",
    never_touches="jobs of sites that are there, be they broken, and of the last day; a job that runs, or for which "
    "another waits",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
