"""What a bench is like to use and what it takes, over an interval, so that before and after can be compared."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Callable

from .._bench.processes import Process
from .._bench.web import NO_ANSWER, fetch, local_url
from .._checks.listeners import read_listeners
from .._checks.registry import UnmeasurableError
from .._checks.subjects.host_memory import usable_memory
from .._checks.targets.bench import BenchTarget
from .._checks.targets.host import Host
from .._checks.targets.redis_instance import RedisInstance
from .._queue.state import BenchQueues
from .._system.errors import LifeboatError
from .._system.quantities import bytes_text, count_text, duration_text
from .web_masters import find_web_masters, process_bytes

SAMPLE_SECONDS = 0.2
PROBES = 5
BUSY = "busy"


@dataclass(frozen=True)
class WorkerGroup:
    """The workers that serve the same queues: how many, which part of the time they were busy, what one takes (p95)."""

    queues: tuple[str, ...]
    count: int
    busy_share: float
    worker_bytes: int


@dataclass(frozen=True)
class RedisUse:
    """A Redis server: what it uses and may use (0 without a limit), and how many look-ups found something, in percent.

    ``hit_percent`` is since its start; None where nothing was looked up.
    """

    role: str
    used_bytes: int
    limit_bytes: int
    hit_percent: float | None


@dataclass(frozen=True)
class Measures:
    """The numbers of one look.

    Attributes:
        seconds: Over how long queues and workers were watched.
        cores: How many cores this process may use.
        memory_bytes: The memory of the host, or the limit of its container.
        available_bytes: What of it is available.
        web_workers: How many workers gunicorn has.
        web_worker_bytes: What one of them takes, its share of shared pages included (p95).
        web_waiting: The most connections that waited for a web worker at one moment.
        queue_ages: For each queue, how many seconds its oldest job had waited at worst; 0 where none waited.
        groups: The workers of the queues.
        redis: Cache and queue.
        response_seconds: The median time of an answer, for each site that answered.
    """

    seconds: float
    cores: int
    memory_bytes: int
    available_bytes: int
    web_workers: int
    web_worker_bytes: int
    web_waiting: int
    queue_ages: Mapping[str, float]
    groups: tuple[WorkerGroup, ...]
    redis: tuple[RedisUse, ...]
    response_seconds: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        return asdict(self)


def take_measures(
    bench: BenchTarget,
    host: Host,
    seconds: float,
    probe_path: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Measures:
    """Watch a bench for some time.

    Args:
        bench: The bench.
        host: Its host.
        seconds: For how long.
        probe_path: What each site is asked for.
        sleep: Waits between two samples.

    Raises:
        LifeboatError: ``bench_unmeasurable`` when its configuration cannot be read or its Redis does not answer.
    """
    try:
        return _take_measures(bench, host, seconds, probe_path, sleep)
    except UnmeasurableError as error:
        raise LifeboatError(
            f"Cannot measure {bench.name}: {error}. Without its numbers nothing is proposed.", "bench_unmeasurable"
        ) from None


def _take_measures(
    bench: BenchTarget, host: Host, seconds: float, probe_path: str, sleep: Callable[[float], None]
) -> Measures:
    root = bench.surroundings.root
    total, available = usable_memory(host)
    samples: list[BenchQueues] = []
    waiting = 0
    count = max(2, round(seconds / SAMPLE_SECONDS))
    for number in range(count):
        if number:
            sleep(SAMPLE_SECONDS)
        samples.append(BenchTarget(bench.bench, bench.surroundings).queues)
        listeners = [each for each in read_listeners(root) if each.port == bench.web_port]
        waiting = max([waiting, *(each.waiting for each in listeners)])
    masters = find_web_masters(bench.bench, bench.services, host)
    sizes = [size for master in masters for size in master.worker_bytes]
    return Measures(
        seconds=round((count - 1) * SAMPLE_SECONDS, 1),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=total,
        available_bytes=available,
        web_workers=len(sizes),
        web_worker_bytes=percentile(sizes),
        web_waiting=waiting,
        queue_ages=_oldest_ages(samples),
        groups=worker_groups(samples, _bytes_by_queues(bench, host.processes)),
        redis=tuple(use for instance in bench.redis_instances for use in _redis_use(instance)),
        response_seconds=_response_seconds(bench, probe_path),
    )


def percentile(sizes: Sequence[int]) -> int:
    """Return the nearest-rank 95th percentile; 0 of nothing."""
    return sorted(sizes)[max(0, -(-len(sizes) * 95 // 100) - 1)] if sizes else 0


def worker_groups(samples: Sequence[BenchQueues], sizes: Mapping[tuple[str, ...], int]) -> tuple[WorkerGroup, ...]:
    """Return the workers of some samples by the queues that they serve.

    Args:
        samples: What was seen, one after the other.
        sizes: What a worker of such queues takes, in bytes.
    """
    seen: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for sample in samples:
        counts: dict[tuple[str, ...], list[int]] = {}
        for worker in sample.workers:
            counts.setdefault(worker.queues, []).append(int(worker.state == BUSY))
        for queues, busy in counts.items():
            seen.setdefault(queues, []).append((len(busy), sum(busy)))
    return tuple(
        WorkerGroup(
            queues=queues,
            count=found[-1][0],
            busy_share=round(sum(busy for _all, busy in found) / sum(every for every, _busy in found), 2),
            worker_bytes=sizes.get(queues, 0),
        )
        for queues, found in sorted(seen.items())
    )


def measure_lines(measures: Measures) -> list[str]:
    """Say the numbers for people."""
    lines = [
        f"Host: {count_text(measures.cores, 'core')}, {bytes_text(measures.available_bytes)} of "
        f"{bytes_text(measures.memory_bytes)} available.",
        f"Web: {count_text(measures.web_workers, 'worker')} of {bytes_text(measures.web_worker_bytes)}, "
        f"{count_text(measures.web_waiting, 'connection')} waited at most.",
    ]
    lines += [
        f"Queue {', '.join(group.queues)}: {count_text(group.count, 'worker')} of {bytes_text(group.worker_bytes)}, "
        f"busy {100 * group.busy_share:.0f} % of {duration_text(measures.seconds)}."
        for group in measures.groups
    ]
    lines += [f"Queue {name}: the oldest job waits for {duration_text(age)}." for name, age in _waits(measures)]
    lines += [
        f"Redis {use.role}: {bytes_text(use.used_bytes)} of "
        f"{bytes_text(use.limit_bytes) if use.limit_bytes else 'no limit'}" + _hits(use)
        for use in measures.redis
    ]
    return lines + [
        f"Site {site}: answers in {duration_text(seconds)}." for site, seconds in measures.response_seconds.items()
    ]


def comparison_lines(before: Mapping[str, Any], after: Measures) -> list[str]:
    """Say for people what became of the numbers.

    Args:
        before: What ``as_dict`` returned before.
        after: The numbers now.
    """
    pairs: list[tuple[str, Any, Any, Callable[[Any], str]]] = [
        ("memory available", before["available_bytes"], after.available_bytes, bytes_text),
        ("web workers", before["web_workers"], after.web_workers, str),
        ("memory of a web worker", before["web_worker_bytes"], after.web_worker_bytes, bytes_text),
        ("connections that waited", before["web_waiting"], after.web_waiting, str),
        ("longest wait in a queue", _longest(before["queue_ages"]), _longest(after.queue_ages), duration_text),
    ]
    groups = {tuple(group["queues"]): (group["count"], group["busy_share"]) for group in before["groups"]}
    pairs += [
        (f"workers of {', '.join(group.queues)}", groups[group.queues], (group.count, group.busy_share), _workers_text)
        for group in after.groups
        if group.queues in groups
    ]
    pairs += [
        (f"answer of {site}", before["response_seconds"][site], seconds, duration_text)
        for site, seconds in after.response_seconds.items()
        if site in before["response_seconds"]
    ]
    used = {use["role"]: use for use in before["redis"]}
    pairs += [
        (f"{what} of Redis {use.role}", used[use.role][name], getattr(use, name), text)
        for use in after.redis
        if use.role in used
        for what, name, text in (("memory", "used_bytes", bytes_text), ("limit", "limit_bytes", _limit_text))
    ]
    return [f"{name}: {text(earlier)} before, {text(later)} after." for name, earlier, later, text in pairs]


def _workers_text(group: tuple[int, float]) -> str:
    count, busy_share = group
    return f"{count} ({100 * busy_share:.0f} % busy)"


def _limit_text(limit_bytes: int) -> str:
    return bytes_text(limit_bytes) if limit_bytes else "none"


def _longest(ages: Mapping[str, float]) -> float:
    return max(ages.values(), default=0.0)


def _waits(measures: Measures) -> list[tuple[str, float]]:
    return [(name, age) for name, age in measures.queue_ages.items() if age > 0]


def _hits(use: RedisUse) -> str:
    return "." if use.hit_percent is None else f", {use.hit_percent:.0f} % of the look-ups found something."


def _oldest_ages(samples: Iterable[BenchQueues]) -> dict[str, float]:
    ages: dict[str, float] = {}
    for sample in samples:
        for queue in sample.queues:
            ages[queue.name] = round(max(ages.get(queue.name, 0.0), queue.oldest_age_seconds or 0.0), 1)
    return ages


def _bytes_by_queues(bench: BenchTarget, processes: Iterable[Process]) -> dict[tuple[str, ...], int]:
    pids = {process.pid for process in processes}
    sizes: dict[tuple[str, ...], list[int]] = {}
    for service in bench.services:
        if service.kind == "worker" and service.pid in pids:
            sizes.setdefault(service.queues, []).append(process_bytes(service.pid, bench.surroundings.root))
    return {queues: percentile(found) for queues, found in sizes.items()}


def _redis_use(instance: RedisInstance) -> Iterable[RedisUse]:
    info = instance.info
    hits, misses = (float(info.get(name, 0)) for name in ("keyspace_hits", "keyspace_misses"))
    looked_up = hits + misses
    yield RedisUse(
        role=instance.roles[0],
        used_bytes=int(info.get("used_memory", 0)),
        limit_bytes=int(info.get("maxmemory", 0)),
        hit_percent=round(100 * hits / looked_up, 1) if looked_up else None,
    )


def _response_seconds(bench: BenchTarget, probe_path: str) -> dict[str, float]:
    found = {}
    for site in bench.bench.sites():
        answers = [fetch(local_url(bench.web_port), site.name, probe_path) for _number in range(PROBES)]
        if all(answer.status != NO_ANSWER for answer in answers):
            found[site.name] = round(statistics.median(answer.seconds for answer in answers), 3)
    return found
