"""Faults of workers and queues, made for real on the lab's Redis, with its workers under supervisor."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable

import pytest
import redis
import rq
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import RegisteredWorker
from rq.command import send_stop_job_command

from tests.check_runs import run_one
from tests.lab import Lab
from tests.lab.layout import write_configuration
from tests.lab.processes import wait_until

WORKERS = "frappe-bench-workers:frappe-bench-frappe"
SLOW_METHOD = "frappe.utils.background_jobs.write_slowly"
QUEUES = ("default", "long", "short")
ALL_WELL = dict.fromkeys(QUEUES, "ok")
Bench = Callable[..., BenchTarget]


def severities(findings: list[Finding]) -> dict[str, str]:
    return {finding.item: finding.severity for finding in findings}


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def workers_of(target: BenchTarget) -> list[RegisteredWorker]:
    """The workers that are there and live."""
    return [worker for worker in target.queues.workers if worker.process_state not in {"", "Z"}]


@pytest.fixture
def keys(lab: Lab, bench_target: Bench) -> Iterator[redis.Redis]:
    """The lab's queue, with both workers idle and no scheduler that puts jobs into it."""
    lab.supervisorctl("stop", f"{WORKERS}-schedule")
    wait_until(lambda: [worker.state for worker in workers_of(bench_target())] == ["idle", "idle"], "the workers")
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        yield connection


def put(lab: Lab, keys: redis.Redis, queue: str, job_id: str, *, age_seconds: float = 0, **arguments: Any) -> str:
    """Put a job into a queue as the application does, and date it back."""
    rq.Queue(f"{lab.bench_id}:{queue}", connection=keys).enqueue_call(
        "frappe.utils.background_jobs.execute_job", kwargs=arguments, job_id=job_id, timeout=300
    )
    if age_seconds:
        keys.hset(f"rq:job:{job_id}", "enqueued_at", rq_time(time.time() - age_seconds))
    return job_id


def rq_time(at_seconds: float) -> str:
    return datetime.fromtimestamp(at_seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run_slowly(lab: Lab, keys: redis.Redis, bench_target: Bench) -> str:
    """Have a worker run a job for long, and return the job's id."""
    arguments = {"site": lab.sites[0], "method": SLOW_METHOD, "kwargs": {"seconds": 600, "marker": "slow"}}
    job_id = put(lab, keys, "short", f"{lab.sites[0]}::{uuid.uuid4()}", **arguments)
    wait_until(lambda: any(worker.job and worker.job.elapsed_seconds for worker in workers_of(bench_target())), "it")
    return job_id


@pytest.mark.usefixtures("keys")
@pytest.mark.check("Q01", "Q02")
def test_worker_that_is_not_started_again(lab: Lab, bench_target: Bench) -> None:
    well = {**ALL_WELL, "suspended": "ok"}
    assert severities(run_one("Q01", bench_target())) == well
    lab.supervisorctl("stop", f"{WORKERS}-long-worker-0")
    # The other worker takes the jobs of short and default, but nobody those of long.
    assert severities(run_one("Q01", bench_target())) == {
        "default": "warning",
        "long": "critical",
        "short": "warning",
        "suspended": "ok",
    }
    lab.supervisorctl("start", f"{WORKERS}-long-worker-0")
    wait_until(lambda: severities(run_one("Q01", bench_target())) == well, "the worker")


@pytest.mark.check("Q01")
def test_workers_that_somebody_suspended(keys: redis.Redis, bench_target: Bench) -> None:
    keys.set("rq:suspended", 1)
    assert severities(run_one("Q01", bench_target()))["suspended"] == "warning"
    keys.delete("rq:suspended")
    assert severities(run_one("Q01", bench_target()))["suspended"] == "ok"


@pytest.mark.check("Q02")
def test_worker_that_was_killed_stays_in_the_list(keys: redis.Redis, bench_target: Bench) -> None:
    assert only(run_one("Q02", bench_target())).severity == "ok"
    victim = workers_of(bench_target())[0]
    os.kill(int(keys.hget(f"rq:worker:{victim.name}", "pid") or 0), signal.SIGKILL)
    wait_until(lambda: only(run_one("Q02", bench_target())).severity == "warning", "its death")
    found = only(run_one("Q02", bench_target()))
    assert found.evidence == (f"{victim.name}: its process is gone",)
    # Redis forgets the worker itself after eight minutes, its name in the list stays until another cleans up.
    keys.delete(f"rq:worker:{victim.name}")
    assert only(run_one("Q02", bench_target())).evidence == (f"{victim.name}: its registration expired",)
    for name in ("rq:workers", *(key for key in keys.scan_iter("rq:workers:*"))):
        keys.srem(name, f"rq:worker:{victim.name}")
    wait_until(lambda: len(workers_of(bench_target())) == 2, "the worker that supervisor starts")
    assert only(run_one("Q02", bench_target())).severity == "ok"


@pytest.mark.check("Q01", "Q02")
def test_worker_that_is_stopped_by_a_signal(keys: redis.Redis, bench_target: Bench) -> None:
    pids = [int(keys.hget(f"rq:worker:{worker.name}", "pid") or 0) for worker in workers_of(bench_target())]
    for pid, severity in zip(pids, ("warning", "critical")):
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda expected=severity: only(run_one("Q02", bench_target())).severity == expected, "the signal")
    assert severities(run_one("Q01", bench_target()))["default"] == "critical"
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: only(run_one("Q02", bench_target())).severity == "ok", "the signal")
    assert severities(run_one("Q01", bench_target())) == {**ALL_WELL, "suspended": "ok"}


@pytest.fixture
def custom_queue(lab: Lab, keys: redis.Redis) -> Iterator[str]:
    """A queue of the bench's own that no worker serves."""
    path = lab.sites_path / "common_site_config.json"
    before = json.loads(path.read_text())
    write_configuration(path, {**before, "workers": {"reports": {"timeout": 7200}}})
    yield "reports"
    write_configuration(path, before)
    queue = f"{lab.bench_id}:reports"
    keys.delete(f"rq:queue:{queue}", *keys.scan_iter("rq:job:*::waits-*"))
    keys.srem("rq:queues", f"rq:queue:{queue}")


@pytest.mark.check("Q03")
def test_jobs_that_pile_up(lab: Lab, keys: redis.Redis, bench_target: Bench, custom_queue: str) -> None:
    list_name = f"rq:queue:{lab.bench_id}:{custom_queue}"
    keys.sadd("rq:queues", list_name)

    def severity(length: int, before: tuple[int, ...] = ()) -> str:
        keys.delete(list_name)
        if length:
            keys.rpush(list_name, *[f"{lab.sites[0]}::{number}" for number in range(length)])
        target_name = bench_target().name
        runs = [{"at_seconds": 0.0, "values": {f"Q03|{target_name}|{custom_queue}": count}} for count in before]
        return severities(run_one("Q03", bench_target(history=History(runs))))[custom_queue]

    assert severity(50) == "ok"
    assert severity(51) == "warning"
    assert severity(501) == "critical"
    assert severity(70, (40, 50, 60)) == "critical"
    assert severity(70, (50, 40, 60)) == "warning"
    assert severity(40, (10, 20, 30)) == "ok"
    assert severity(0) == "ok"


@pytest.mark.check("Q04")
def test_job_that_waits_longer_than_it_may_run(
    lab: Lab, keys: redis.Redis, bench_target: Bench, custom_queue: str
) -> None:
    def severity() -> str:
        return severities(run_one("Q04", bench_target()))[custom_queue]

    site = lab.sites[0]
    first = put(lab, keys, custom_queue, f"{site}::waits-1", age_seconds=7000)
    put(lab, keys, custom_queue, f"{site}::waits-2")
    assert severity() == "ok"
    keys.hset(f"rq:job:{first}", "enqueued_at", rq_time(time.time() - 7300))
    assert severity() == "warning"
    keys.hset(f"rq:job:{first}", "enqueued_at", rq_time(time.time() - 3 * 7300))
    # What was put in front since does not hide it.
    keys.lpush(f"rq:queue:{lab.bench_id}:{custom_queue}", f"{site}::waits-2")
    assert severity() == "critical"
    keys.delete(f"rq:job:{first}", f"rq:job:{site}::waits-2")
    assert severity() == "unknown"
    keys.delete(f"rq:queue:{lab.bench_id}:{custom_queue}")
    assert severity() == "ok"


@pytest.mark.check("Q05")
def test_jobs_that_a_dead_worker_left(lab: Lab, keys: redis.Redis, bench_target: Bench) -> None:
    registry, now = f"rq:wip:{lab.bench_id}:long", time.time()

    def finding() -> Finding:
        return next(found for found in run_one("Q05", bench_target()) if found.item == "long")

    site = lab.sites[0]
    keys.zadd(registry, {f"{site}::fresh": now + 60, f"{site}::endless": float("inf"), f"{site}::dead": now - 500})
    assert finding().severity == "ok"
    keys.zadd(registry, {f"{site}::dead": now - 700})
    assert (finding().severity, finding().evidence) == ("warning", (f"{site}: 1 job",))
    keys.zadd(registry, {f"{site}::dead-{number}": now - 700 for number in range(4)})
    assert finding().severity == "critical"
    keys.delete(registry)
    keys.zadd(registry, {f"{site}::scheduled_job::frappe.email.queue.flush": now - 700})
    assert finding().severity == "critical"
    assert "frappe.email.queue.flush" in finding().text
    # Looking has not cleaned up, as RQ's own count would have.
    assert keys.zcard(registry) == 1
    keys.delete(registry)
    assert finding().severity == "ok"


@pytest.mark.check("Q06")
def test_jobs_that_failed(lab: Lab, keys: redis.Redis, bench_target: Bench) -> None:
    registry, week_seconds = f"rq:failed:{lab.bench_id}:short", 7 * 86_400

    def finding(fresh: int, old: int, forgotten: int = 0) -> Finding:
        keys.delete(registry)
        now = time.time()
        for count, score in ((fresh, now + week_seconds), (old, now + 86_400), (forgotten, now - 1)):
            if count:
                keys.zadd(registry, {f"{lab.sites[0]}::{score}-{number}": score for number in range(count)})
        return next(found for found in run_one("Q06", bench_target()) if found.item == "short")

    assert finding(0, 50, 100).severity == "ok"
    found = finding(3, 50)
    assert (found.severity, found.text) == ("warning", "53 jobs of short failed, 3 in the last hour")
    assert finding(0, 1000).severity == "critical"
    assert "forgotten" in finding(0, 1000).text
    assert finding(0, 0).severity == "ok"


@pytest.mark.check("Q07", "Q08")
def test_worker_that_is_always_busy_with_a_job_over_its_time(lab: Lab, keys: redis.Redis, bench_target: Bench) -> None:
    assert only(run_one("Q08", bench_target())).severity == "ok"
    idle = bench_target()
    sample = idle.read_sample()
    # What a run of two minutes ago left on the host.
    kept = History(samples={idle.name: replace(sample, at_seconds=sample.at_seconds - 120)})

    def busy() -> set[str]:
        return set(severities(run_one("Q07", bench_target(history=kept))).values())

    assert busy() == {"ok"}
    assert only(run_one("Q07", bench_target())).severity == "skipped"
    job_ids = [run_slowly(lab, keys, bench_target)]
    try:
        job_ids.append(run_slowly(lab, keys, bench_target))
        wait_until(lambda: all(worker.job for worker in workers_of(bench_target())), "both workers")
        for job_id in job_ids:
            keys.hset(f"rq:job:{job_id}", "started_at", rq_time(time.time() - 115))
        assert busy() == {"critical"}
        assert only(run_one("Q08", bench_target())).severity == "ok"
        keys.hset(f"rq:job:{job_ids[0]}", "started_at", rq_time(time.time() - 310))
        assert only(run_one("Q08", bench_target())).severity == "warning"
        keys.hset(f"rq:job:{job_ids[0]}", "started_at", rq_time(time.time() - 610))
        assert only(run_one("Q08", bench_target())).severity == "critical"
    finally:
        for job_id in job_ids:
            send_stop_job_command(keys, job_id)
    wait_until(lambda: not any(worker.job for worker in workers_of(bench_target())), "the end of the jobs")
    assert only(run_one("Q08", bench_target())).severity == "ok"


@pytest.mark.check("Q10")
def test_jobs_of_a_site_that_is_gone(lab: Lab, keys: redis.Redis, bench_target: Bench, custom_queue: str) -> None:
    name = f"rq:queue:{lab.bench_id}:{custom_queue}"
    keys.sadd("rq:queues", name)
    keys.rpush(name, f"{lab.sites[0]}::1", f"{lab.sites[1]}||2", "lifeboat-probe")
    assert only(run_one("Q10", bench_target())).severity == "ok"
    keys.rpush(name, "gone.localhost::1", "gone.localhost||2", f"{lab.sites[0]}.au::private-name-of-a-document")
    found = only(run_one("Q10", bench_target()))
    assert (found.severity, found.value) == ("warning", 3)
    assert found.evidence == ("gone.localhost: 2 jobs", f"{lab.sites[0]}.au: 1 job")
    keys.delete(name)
    assert only(run_one("Q10", bench_target())).severity == "ok"


def test_idle_bench_has_nothing_to_report(
    lab: Lab, keys: redis.Redis, bench_target: Bench, redis_target: Callable[..., Any]
) -> None:
    """Idle workers that block, a cache that saves nothing and queues in which nothing happens are as they should be."""
    # RQ blocks in a command for each idle worker.
    assert int(keys.info("clients")["blocked_clients"]) >= 2
    del lab
    targets = [bench_target(), redis_target("cache"), redis_target("queue")]
    ids = [f"Q{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10)]
    ids += [f"R{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12)]
    found = {
        (finding.id, finding.target, finding.item): finding.severity
        for check_id in ids
        for finding in run_one(check_id, *targets)
    }
    assert {key: severity for key, severity in found.items() if severity not in {"ok", "skipped"}} == {}
