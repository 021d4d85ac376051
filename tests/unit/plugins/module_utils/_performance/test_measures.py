from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.measures import (
    Measures,
    RedisUse,
    WorkerGroup,
    comparison_lines,
    measure_lines,
    percentile,
    take_measures,
    worker_groups,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import BenchQueues, RegisteredWorker
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

MEBIBYTE = 1024**2
MEASURES = Measures(
    seconds=5,
    cores=2,
    memory_bytes=4096 * MEBIBYTE,
    available_bytes=1024 * MEBIBYTE,
    web_workers=2,
    web_worker_bytes=100 * MEBIBYTE,
    web_waiting=3,
    queue_ages={"short": 20.0, "long": 0.0},
    groups=(WorkerGroup(("short",), 1, 0.25, 50 * MEBIBYTE),),
    redis=(RedisUse("cache", MEBIBYTE, 2 * MEBIBYTE, 75.0), RedisUse("queue", MEBIBYTE, 0, None)),
    response_seconds={"a": 0.02},
)


def worker(name: str, state: str, *queues: str) -> RegisteredWorker:
    return RegisteredWorker(name, queues, state, "S", 1.0, 0.0, None)


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([]) == 0
    assert percentile([7]) == 7
    assert percentile(list(range(1, 21))) == 19
    assert percentile(list(range(1, 101))) == 95


def test_workers_are_grouped_by_their_queues() -> None:
    samples = [
        BenchQueues(
            False, (), (worker("a", "busy", "short"), worker("b", "idle", "short"), worker("c", "busy", "long"))
        ),
        BenchQueues(False, (), (worker("a", "idle", "short"), worker("b", "idle", "short"))),
    ]
    assert worker_groups(samples, {("short",): 9}) == (
        WorkerGroup(("long",), 1, 1.0, 0),
        WorkerGroup(("short",), 2, 0.25, 9),
    )


def test_numbers_are_told() -> None:
    assert measure_lines(MEASURES) == [
        "Host: 2 cores, 1.0 GiB of 4.0 GiB available.",
        "Web: 2 workers of 100.0 MiB, 3 connections waited at most.",
        "Queue short: 1 worker of 50.0 MiB, busy 25 % of 5 s.",
        "Queue short: the oldest job waits for 20 s.",
        "Redis cache: 1.0 MiB of 2.0 MiB, 75 % of the look-ups found something.",
        "Redis queue: 1.0 MiB of no limit.",
        "Site a: answers in 20 ms.",
    ]


def test_numbers_are_compared_with_those_of_before() -> None:
    after = replace(
        MEASURES,
        queue_ages={},
        web_workers=3,
        groups=(*MEASURES.groups, WorkerGroup(("new",), 1, 0.0, 1)),
        redis=(replace(MEASURES.redis[0], limit_bytes=0), RedisUse("other", 1, 1, None)),
        response_seconds={"a": 0.01, "new": 0.01},
    )
    assert comparison_lines(MEASURES.as_dict(), after) == [
        "memory available: 1.0 GiB before, 1.0 GiB after.",
        "web workers: 2 before, 3 after.",
        "memory of a web worker: 100.0 MiB before, 100.0 MiB after.",
        "connections that waited: 3 before, 3 after.",
        "longest wait in a queue: 20 s before, 0 ms after.",
        "workers of short: 1 (25 % busy) before, 1 (25 % busy) after.",
        "answer of a: 20 ms before, 10 ms after.",
        "memory of Redis cache: 1.0 MiB before, 1.0 MiB after.",
        "limit of Redis cache: 2.0 MiB before, none after.",
    ]


def test_bench_that_cannot_be_measured_is_an_error(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    surroundings = Surroundings()
    with pytest.raises(LifeboatError, match="Cannot measure") as caught:
        take_measures(BenchTarget(bench, surroundings), Host("host", surroundings, [bench]), 1, "/login")
    assert caught.value.error_code == "bench_unmeasurable"
