"""Workers: how many there ought to be, which of them work, and how busy they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.queue_workers import (
    expected_workers,
    stale_reason,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import (
    BenchQueues,
    QueueState,
    RegisteredWorker,
)

from tests.check_runs import run_one
from tests.redis_doubles import NOW, ToldBench, severities

WORKER = RegisteredWorker("w", ("short", "default"), "idle", "S", 10.0, 0.0, None)
STANDARD = {"default": 0, "long": 0, "short": 0}


def service(*queues: str, kind: str = "worker", manager: str = "supervisor") -> Service:
    return Service("name", manager, kind, "stopped", None, queues)


def queues(*names: str, workers: tuple[RegisteredWorker, ...] = (), suspended: bool = False) -> BenchQueues:
    return BenchQueues(suspended, tuple(QueueState(name, 0, (), None, 0, 0, 0, ()) for name in names), workers)


@pytest.mark.parametrize(
    ("services", "common", "waiting", "expected"),
    [
        # Supervisor says how many.
        (
            [service("short", "default"), service("short", "default"), service("long"), service(kind="web")],
            {"background_workers": 9},
            STANDARD,
            {"default": 2, "long": 1, "short": 2},
        ),
        # One that was told no queue serves all of them, the bench's own as well.
        ([service(manager="systemd")], {}, {**STANDARD, "own": 0}, {"default": 1, "long": 1, "own": 1, "short": 1}),
        # One without a manager says nothing of how many there ought to be; the configuration does.
        (
            [service("short", manager="process")],
            {"background_workers": 2, "workers": {"own": {"background_workers": 3}, "other": {"timeout": 5}, "x": 1}},
            {**STANDARD, "own": 0, "other": 0, "x": 0},
            {"default": 2, "long": 2, "short": 2, "own": 3, "other": 2, "x": 2},
        ),
        ([], {}, STANDARD, {"default": 1, "long": 1, "short": 1}),
        ([], {"background_workers": "many", "workers": 4}, STANDARD, {"default": 1, "long": 1, "short": 1}),
        # What every bench has needs a worker, also where none is configured; a queue of another time only if filled.
        ([service("short")], {}, {**STANDARD, "empty": 0, "left": 4}, {"default": 1, "long": 1, "short": 1, "left": 1}),
        ([], {}, {"empty": 0, "left": 4}, {"left": 1}),
    ],
)
def test_expected_workers(
    services: list[Service], common: dict[str, Any], waiting: dict[str, int], expected: dict[str, int]
) -> None:
    assert expected_workers(services, common, waiting) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"process_state": "?"}, ""),
        ({"heartbeat_age_seconds": None}, ""),
        ({"heartbeat_age_seconds": 480.0}, ""),
        ({"heartbeat_age_seconds": 481.0}, "it gave no sign of life for 8 min 1 s"),
        ({"state": "busy", "heartbeat_age_seconds": 90.0}, ""),
        ({"state": "busy", "heartbeat_age_seconds": 91.0}, "it gave no sign of life for 1 min 31 s"),
        ({"process_state": ""}, "its process is gone"),
        ({"process_state": "Z"}, "its process is gone"),
        ({"process_state": "T"}, "its process is stopped by a signal"),
        ({"state": "", "process_state": "?"}, "its registration expired"),
    ],
)
def test_workers_that_do_not_work(changes: dict[str, Any], reason: str) -> None:
    assert stale_reason(replace(WORKER, **changes)) == reason


def test_missing_workers_are_counted_by_queue() -> None:
    dead = replace(WORKER, name="dead", process_state="")
    target = ToldBench(
        queues("short", "long", workers=(WORKER, dead), suspended=True),
        services=(service("short"), service("short"), service("long")),
    )
    found = run_one("Q01", target)
    assert severities(found) == {"short": "warning", "long": "critical", "suspended": "warning"}
    assert found[0].text == "1 of 2 expected workers serve the queue short"
    (stale,) = run_one("Q02", target)
    assert (stale.severity, stale.text, stale.evidence) == (
        "warning",
        "1 of the 2 workers in RQ's list do not work",
        ("dead: its process is gone",),
    )
    (stale,) = run_one("Q02", ToldBench(queues(workers=(dead,))))
    assert stale.severity == "critical"
    (stale,) = run_one("Q02", ToldBench(queues()))
    assert stale.severity == "ok"


def samples(seconds: float, **worked: tuple[float, float]) -> tuple[Sample, Sample]:
    before = Sample(NOW - seconds, 0.0, {name: times[0] for name, times in worked.items() if times[0] >= 0})
    return before, Sample(NOW, 0.0, {name: times[1] for name, times in worked.items()})


def test_utilisation_is_the_mean_of_the_workers_of_a_queue() -> None:
    workers = (
        replace(WORKER, name="always"),
        replace(WORKER, name="half", queues=("short",)),
        replace(WORKER, name="new", queues=("short", "long")),
    )
    told = samples(100, always=(500, 600), half=(10, 60), new=(-1, 3))
    found = run_one("Q07", ToldBench(queues(workers=workers), samples=told), sample_seconds=0.01)
    assert severities(found) == {"default": "critical", "short": "warning"}
    assert found[1].text == "2 workers of short worked 75 % of 1 min 40 s"


@pytest.mark.parametrize(
    ("told", "severity"),
    [(samples(59, w=(0, 59)), "skipped"), (samples(60, other=(0, 1)), "unknown"), ((), "unknown")],
)
def test_utilisation_that_cannot_be_judged(told: tuple[Sample, ...], severity: str) -> None:
    (found,) = run_one("Q07", ToldBench(queues(workers=(WORKER,)), samples=told), sample_seconds=0.01)
    assert found.severity == severity
