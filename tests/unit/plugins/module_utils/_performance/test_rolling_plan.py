from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.queue_workers import QueueWorker
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_plan import (
    NEEDED,
    RestartFacts,
    RestartWish,
    Scheduler,
    check_memory,
    plan_lines,
    plan_restart,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.web_masters import WebMaster
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

MEBIBYTE = 1024**2
STARTED = 1000.0


def service(name: str, kind: str = "web", pid: int = 1) -> Service:
    return Service(name, "supervisor", kind, "running", pid)


MASTER = WebMaster(
    pid=10,
    service=service("web", pid=10),
    command=("gunicorn", "--preload"),
    folder=Path("/bench/sites"),
    is_preloading=True,
    worker_pids=(11, 12),
    loaded_at_seconds=STARTED,
    worker_bytes=(100 * MEBIBYTE, 200 * MEBIBYTE),
)
WORKER = QueueWorker("w", 20, ("short", "default"), service("short-0", "worker", 20), STARTED)
FACTS = RestartFacts(
    masters=(MASTER,),
    workers=(WORKER,),
    schedulers=(Scheduler(service("schedule", "schedule", 30), STARTED),),
    code_changed_at_seconds=STARTED - 1,
    has_nginx=True,
    available_bytes=4096 * MEBIBYTE,
)
IF_NEEDED = RestartWish(when=NEEDED)
NEW_CODE = replace(FACTS, code_changed_at_seconds=STARTED + 90)


def ways(facts: RestartFacts, wish: RestartWish) -> list[tuple[str, str]]:
    return [(step.subject, step.way) for step in plan_restart(facts, wish)]


def test_nothing_is_restarted_without_a_reason() -> None:
    assert plan_restart(FACTS, IF_NEEDED) == []
    assert plan_lines([], IF_NEEDED) == [
        "Nothing to restart: web, workers, scheduler run the present code within their bounds."
    ]


def test_new_code_restarts_everything_in_the_order_of_users() -> None:
    assert ways(NEW_CODE, IF_NEEDED) == [("web", "stand_in"), ("schedule", "restart"), ("short-0", "warm")]
    (line, *_others) = plan_lines(plan_restart(NEW_CODE, IF_NEEDED), IF_NEEDED)
    assert line == (
        "web web (process 10): a second web server serves while it is restarted, because its code was changed "
        "1 min 30 s after it was started."
    )


def test_only_the_services_that_were_named_are_restarted() -> None:
    assert ways(NEW_CODE, RestartWish(("workers",))) == [("short-0", "warm")]
    assert ways(FACTS, RestartWish(("scheduler",))) == [("schedule", "restart")]


@pytest.mark.parametrize(
    ("change", "way"),
    [({"is_preloading": False}, "reload"), ({"service": None}, "upgrade")],
    ids=["without preload", "unmanaged"],
)
def test_way_fits_how_gunicorn_runs(change: dict[str, object], way: str) -> None:
    facts = replace(NEW_CODE, masters=(replace(MASTER, **change),))
    assert plan_restart(facts, IF_NEEDED)[0].way == way


def test_large_worker_needs_no_new_master() -> None:
    (step,) = plan_restart(FACTS, replace(IF_NEEDED, most_web_worker_bytes=150 * MEBIBYTE))
    assert (step.way, step.reason) == ("reload", "a worker of it takes 200.0 MiB, more than 150.0 MiB")


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (replace(NEW_CODE, has_nginx=False), "no nginx of this host"),
        (replace(NEW_CODE, workers=(replace(WORKER, service=None),)), "nothing would start it again"),
    ],
    ids=["no nginx", "unmanaged worker"],
)
def test_what_would_fail_a_request_or_stay_away_is_refused(facts: RestartFacts, what: str) -> None:
    with pytest.raises(LifeboatError, match=what) as caught:
        plan_restart(facts, IF_NEEDED)
    assert caught.value.error_code == "restart_refused"


def test_restart_for_which_there_is_no_memory_is_refused() -> None:
    steps = plan_restart(NEW_CODE, IF_NEEDED)
    check_memory([MASTER], steps, 720 * MEBIBYTE)
    with pytest.raises(LifeboatError, match=r"needs about 720\.0 MiB"):
        check_memory([MASTER], steps, 719 * MEBIBYTE)
    large = plan_restart(FACTS, replace(IF_NEEDED, most_web_worker_bytes=0))
    check_memory([MASTER], large, 480 * MEBIBYTE)
    with pytest.raises(LifeboatError, match=r"needs about 480\.0 MiB"):
        check_memory([MASTER], large, 479 * MEBIBYTE)
    check_memory([replace(MASTER, worker_bytes=()), replace(MASTER, pid=99)], steps, 0)
