"""The workers of a bench's queues: whether there are enough, whether each lives, and how busy they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..._bench.processes import GONE_STATES
from ..._bench.service import Service
from ..._queue.keys import STANDARD_QUEUES
from ..._queue.state import RegisteredWorker
from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.bench import BenchTarget

# RQ's constants: a worker without a job shows itself every 405 seconds (its worker_ttl of 420 less 15), one with a job
# every 30 seconds, and both are given a minute more.
IDLE_HEARTBEAT_SECONDS = 480
BUSY_HEARTBEAT_SECONDS = 90
BUSY = "busy"
STOPPED_STATE = "T"
# Over a shorter time one job decides.
LEAST_WINDOW_SECONDS = 60
SHOWN = 10


@check(
    "Q01",
    "queue.workers",
    title="Workers serve each queue",
    subject="queue",
    target=BenchTarget,
    measures="how many workers a queue has less than it ought to have; with none at all it is critical",
    source="RQ's workers in Redis and their processes, against supervisor, systemd or background_workers",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Restart the group of the bench's workers (supervisorctl restart <bench>-workers: or systemctl restart "
        "<bench>-workers.target) and read logs/worker.error.log; workers that were suspended go on after rq resume."
    ),
    reference="Frappe's System Health Report (no worker at all); expected numbers: own proposal",
)
def workers(target: BenchTarget) -> Iterator[Measurement]:
    """Compare the workers that live with those that are configured."""
    state = target.queues
    waiting = {queue.name: queue.length for queue in state.queues}
    expected = expected_workers(target.services, target.common, waiting)
    serving = [worker for worker in state.workers if not stale_reason(worker)]
    for queue, expected_count in expected.items():
        count = sum(queue in worker.queues for worker in serving)
        yield Measurement(
            max(0, expected_count - count),
            queue,
            f"{count} of {count_text(expected_count, 'expected worker')} serve the queue {queue}",
            severity="" if count else CRITICAL,
        )
    yield Measurement(
        int(state.is_suspended),
        "suspended",
        "somebody suspended the workers: they start no job" if state.is_suspended else "workers may start jobs",
    )


@check(
    "Q02",
    "queue.stale_workers",
    title="Workers that only seem to work",
    subject="queue",
    target=BenchTarget,
    measures="workers in RQ's list whose process is gone or stopped, or that gave no sign of life in time",
    source="rq:worker:*, /proc",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Restart the worker; find in the kernel's log whether memory ran out. RQ forgets a dead one within ten minutes."
    ),
    reference="RQ's worker_ttl and job_monitoring_interval",
)
def stale_workers(target: BenchTarget) -> Iterator[Measurement]:
    """Look at each worker that RQ lists."""
    listed = target.queues.workers
    stale = [(worker.name, reason) for worker in listed if (reason := stale_reason(worker))]
    yield Measurement(
        len(stale),
        text=f"{len(stale)} of the {count_text(len(listed), 'worker')} in RQ's list do not work",
        evidence=tuple(f"{name[:40]}: {reason}" for name, reason in stale[:SHOWN]),
        severity=CRITICAL if stale and len(stale) == len(listed) else "",
    )


@check(
    "Q07",
    "queue.utilisation",
    title="How busy the workers are",
    subject="queue",
    target=BenchTarget,
    measures="the part of the time since the last run in which a queue's workers ran jobs",
    source="rq:worker:*, total_working_time and the running job",
    unit="percent",
    warning="70",
    critical="90",
    impact="info",
    remediation=Remediation("Add workers (background_workers) when the host has memory, or find what runs so long."),
    reference="Frappe's System Health Report (70 %), but between two runs",
    is_sampled=True,
)
def utilisation(target: BenchTarget) -> Iterator[Measurement]:
    """Compare what the workers worked with the time that went by."""
    rates = target.rates
    if rates.seconds < LEAST_WINDOW_SECONDS:
        raise NotApplicableError("it takes a minute or more between two runs with a history to judge")
    shares: dict[str, list[float]] = {}
    for worker in target.queues.workers:
        try:
            share = 100 * rates.per_second(worker.name)
        except UnmeasurableError:
            continue  # it began meanwhile
        for queue in worker.queues:
            shares.setdefault(queue, []).append(share)
    if not shares:
        raise UnmeasurableError("no worker lived through the time between the two runs")
    for queue, found in sorted(shares.items()):
        mean = sum(found) / len(found)
        text = f"{count_text(len(found), 'worker')} of {queue} worked {mean:.0f} % of {duration_text(rates.seconds)}"
        yield Measurement(mean, queue, text)


def expected_workers(
    services: Iterable[Service], common: Mapping[str, Any], waiting: Mapping[str, int]
) -> dict[str, int]:
    """Return how many workers each queue ought to have.

    Args:
        services: The bench's services: those that a manager keeps running count, whether or not they run now.
        common: The bench's configuration, which tells where there is no manager.
        waiting: The queues and how many jobs wait in each; one that is neither Frappe's nor configured nor filled is
            left from another time and needs no worker.
    """
    managed = [service for service in services if service.kind == "worker" and service.manager != "process"]
    custom = _dictionary(common.get("workers"))
    expected = {}
    for queue, length in waiting.items():
        is_own = queue in STANDARD_QUEUES or queue in custom
        if managed:
            count = sum(not service.queues or queue in service.queues for service in managed)
        else:
            count = _configured_workers({**common, **_dictionary(custom.get(queue))}) if is_own else 0
        count = max(count, int(is_own or length > 0))
        if count:
            expected[queue] = count
    return expected


def _configured_workers(settings: Mapping[str, Any]) -> int:
    text = str(settings.get("background_workers"))
    return int(text) if text.isdigit() else 1


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def stale_reason(worker: RegisteredWorker) -> str:
    """Tell why a worker that RQ lists does not work; an empty text where it does."""
    if not worker.state:
        return "its registration expired"
    if worker.process_state in GONE_STATES:
        return "its process is gone"
    if worker.process_state == STOPPED_STATE:
        return "its process is stopped by a signal"
    limit = BUSY_HEARTBEAT_SECONDS if worker.state == BUSY else IDLE_HEARTBEAT_SECONDS
    if worker.heartbeat_age_seconds is not None and worker.heartbeat_age_seconds > limit:
        return f"it gave no sign of life for {duration_text(worker.heartbeat_age_seconds)}"
    return ""
