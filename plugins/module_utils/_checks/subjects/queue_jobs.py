"""The jobs of a bench's queues: how many wait and for how long, which run too long, failed, or belong to nobody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ..._queue.keys import STANDARD_QUEUES, site_of
from ..._queue.state import MAINTENANCE_SECONDS
from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL, UNKNOWN
from ..registry import Measurement, Remediation, check
from ..targets.bench import BenchTarget

DEFAULT_TIMEOUT_SECONDS = 300
TIMEOUT_SECONDS = {**dict.fromkeys(STANDARD_QUEUES, DEFAULT_TIMEOUT_SECONDS), "long": 1500}
# Frappe cuts a registry of failed jobs at this (its RQ_FAILED_JOBS_LIMIT): what failed before is forgotten.
FAILED_LIMIT = 1000
RISING_RUNS = 3
DEPTH_WORTH_A_WORD = 50
SCHEDULED = re.compile(r"(?:::|\|\|)scheduled_job(?:::|\|\|)(?P<method>[\w.]+)")
SHOWN = 5


@check(
    "Q03",
    "queue.depth",
    title="Jobs that wait",
    subject="queue",
    target=BenchTarget,
    measures="the jobs in a queue; critical also where they became more in three runs in a row",
    source="LLEN rq:queue:*",
    unit="count",
    warning="50",
    critical="500",
    impact="medium",
    remediation=Remediation("Add workers, or find the job that fills the queue (bench doctor lists them by method)."),
    reference="Frappe's System Health Report (50)",
)
def depth(target: BenchTarget) -> Iterator[Measurement]:
    """Count, and compare with the last runs."""
    for queue in target.queues.queues:
        points = target.surroundings.history.points("Q03", target.name, queue.name)[-RISING_RUNS:]
        lengths = [point.value for point in points] + [queue.length]
        is_rising = len(lengths) > RISING_RUNS and all(before < after for before, after in zip(lengths, lengths[1:]))
        is_growing = is_rising and queue.length > DEPTH_WORTH_A_WORD
        yield Measurement(
            queue.length,
            queue.name,
            f"{count_text(queue.length, 'job')} in {queue.name}"
            + (f", more in each of {RISING_RUNS} runs" if is_growing else ""),
            severity=CRITICAL if is_growing else "",
        )


@check(
    "Q04",
    "queue.oldest_age",
    title="How long a job waits",
    subject="queue",
    target=BenchTarget,
    measures="the age of the oldest job in front, as a multiple of how long a job of its queue may run",
    source="the head of rq:queue:*, enqueued_at of its jobs; workers of common_site_config.json for other timeouts",
    unit="ratio",
    warning="1",
    critical="3",
    impact="critical",
    remediation=Remediation(
        "See whether workers serve this queue (Q01) and what they are at (Q08); add workers when all are busy with "
        "short jobs."
    ),
    reference="own proposal; timeouts of Frappe's queues: 300 seconds, long 1500",
)
def oldest_age(target: BenchTarget) -> Iterator[Measurement]:
    """Compare the wait with the time that a job may take."""
    for queue in target.queues.queues:
        timeout_seconds = _timeout_seconds(target, queue.name)
        if not queue.length:
            yield Measurement(0, queue.name, f"nothing waits in {queue.name}")
        elif queue.oldest_age_seconds is None:
            text = f"none of the first jobs in {queue.name} tells since when it waits"
            yield Measurement(None, queue.name, text, severity=UNKNOWN)
        else:
            yield Measurement(
                queue.oldest_age_seconds / timeout_seconds,
                queue.name,
                f"a job waits in {queue.name} for {duration_text(queue.oldest_age_seconds)}, where one may run for "
                f"{duration_text(timeout_seconds)}",
            )


@check(
    "Q05",
    "queue.abandoned",
    title="Jobs whose worker died",
    subject="queue",
    target=BenchTarget,
    measures="jobs that count as running, gave no sign of life for ten minutes and were not cleaned up",
    source="ZCOUNT rq:wip:*, without RQ's own count, which cleans up",
    unit="count",
    warning="0",
    critical="4",
    impact="high",
    remediation=Remediation(
        "Start a worker of this queue: it cleans up within ten minutes. A scheduled job that is stuck here never runs "
        "again until then."
    ),
    reference="RQ's maintenance interval; frappe issue 31325",
)
def abandoned(target: BenchTarget) -> Iterator[Measurement]:
    """Look at what RQ would have moved to the failed jobs."""
    for queue in target.queues.queues:
        methods = [match["method"] for job_id in queue.abandoned_ids if (match := SCHEDULED.search(job_id))]
        jobs = f"{count_text(queue.abandoned_count, 'job')} of {queue.name}"
        text = f"{jobs} lost a worker more than {duration_text(MAINTENANCE_SECONDS)} ago"
        if methods:
            text += f"; so these are not scheduled any more: {', '.join(methods[:SHOWN])}"
        yield Measurement(
            queue.abandoned_count,
            queue.name,
            text if queue.abandoned_count else f"no job of {queue.name} lost its worker",
            _by_site(queue.abandoned_ids),
            severity=CRITICAL if methods else "",
        )


@check(
    "Q06",
    "queue.failed",
    title="Jobs that failed",
    subject="queue",
    target=BenchTarget,
    measures="failed jobs that a queue remembers (Frappe: for a week, at most a thousand)",
    source="ZCOUNT rq:failed:*, without RQ's own count, which cleans up",
    unit="count",
    warning="50",
    critical="900",
    impact="medium",
    remediation=Remediation(
        "Read what failed (RQ Job in the desk, logs/worker.error.log), mend it, then retry or delete."
    ),
    reference="Frappe's System Health Report (50); Frappe's limit of 1000",
)
def failed(target: BenchTarget) -> Iterator[Measurement]:
    """Count what is not yet forgotten."""
    for queue in target.queues.queues:
        jobs = f"{count_text(queue.failed_count, 'job')} of {queue.name}"
        text = f"{jobs} failed, {queue.failed_last_hour_count:,} in the last hour"
        is_full = queue.failed_count >= FAILED_LIMIT
        yield Measurement(
            queue.failed_count,
            queue.name,
            f"{text}; older ones are forgotten, as the list is full" if is_full else text,
        )


@check(
    "Q08",
    "queue.overrun",
    title="Jobs that run too long",
    subject="queue",
    target=BenchTarget,
    measures="the time of the job that is most over its time, as a multiple of what it may take",
    source="current_job of rq:worker:*, started_at and timeout of the job",
    unit="ratio",
    warning="1",
    critical="2",
    impact="medium",
    remediation=Remediation(
        "Restart its worker: a job that outlives its timeout ignores signals or its process is stopped."
    ),
    reference="own proposal; RQ ends a job at its timeout, a minute later by force",
)
def overrun(target: BenchTarget) -> Iterator[Measurement]:
    """Compare each running job with its timeout."""
    found = sorted(
        (
            (worker.job.elapsed_seconds / worker.job.timeout_seconds, worker.job.elapsed_seconds, worker.name)
            for worker in target.queues.workers
            if worker.job is not None
            and worker.job.elapsed_seconds is not None
            and worker.job.timeout_seconds is not None
        ),
        reverse=True,
    )
    late = [row for row in found if row[0] > 1]
    yield Measurement(
        found[0][0] if found else 0,
        text=f"{len(late)} of {count_text(len(found), 'running job')} with a time limit are over it",
        evidence=tuple(f"worker {name[:40]}: since {duration_text(seconds)}" for _ratio, seconds, name in late[:SHOWN]),
    )


@check(
    "Q10",
    "queue.foreign_jobs",
    title="Jobs of sites that are gone",
    subject="queue",
    target=BenchTarget,
    measures="waiting jobs (the first thousand of each queue) whose id begins with a site that the bench does not have",
    source="rq:queue:*, the folders of the sites",
    unit="count",
    warning="0",
    impact="low",
    remediation=Remediation("Delete these jobs (bench purge-jobs --site <site>): each fails when its turn comes."),
    reference="own proposal",
)
def foreign_jobs(target: BenchTarget) -> Iterator[Measurement]:
    """Compare the ids of waiting jobs with the sites."""
    sites = {site.name for site in target.bench.sites()}
    ids = [job_id for queue in target.queues.queues for job_id in queue.first_ids]
    foreign = [job_id for job_id in ids if site_of(job_id) not in {"", *sites}]
    yield Measurement(
        len(foreign),
        text=f"{len(foreign)} of {count_text(len(ids), 'waiting job')} are of other sites",
        evidence=_by_site(foreign),
    )


def _timeout_seconds(target: BenchTarget, queue_name: str) -> float:
    own = target.custom_queues.get(queue_name)
    configured = own.get("timeout") if isinstance(own, dict) else None
    if isinstance(configured, (int, float)) and configured > 0:
        return configured
    return TIMEOUT_SECONDS.get(queue_name, DEFAULT_TIMEOUT_SECONDS)


def _by_site(job_ids: Sequence[str]) -> tuple[str, ...]:
    # What follows the site may be a document's name, which is nobody's business here.
    counts = Counter(site_of(job_id)[:80] or "no site" for job_id in job_ids)
    return tuple(f"{site}: {count_text(count, 'job')}" for site, count in counts.most_common(SHOWN))
