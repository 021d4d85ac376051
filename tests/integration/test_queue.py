"""Queues and caches on a real Redis, jobs with real workers of RQ."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
import rq
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import is_alive
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.cache import delete_site_keys
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.connection import redis_connection
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.probe import probe_queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from rq.command import send_stop_job_command

from tests.lab import Lab, RedisServer

SITE = "alpha.localhost"
SLOW_METHOD = "frappe.utils.background_jobs.write_slowly"


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def enqueue(lab: Lab, site: str, method: str, **kwargs: object) -> str:
    """Put a job into the queue at once; ``lab.enqueue`` starts a process for it, which may outlast a short job."""
    job_id = f"{site}::{uuid.uuid4()}"
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        rq.Queue(f"{lab.bench_id}:short", connection=connection).enqueue_call(
            "frappe.utils.background_jobs.execute_job",
            kwargs={"site": site, "method": method, "kwargs": kwargs},
            job_id=job_id,
        )
    return job_id


@pytest.fixture
def jobs_of_the_lab(lab: Lab) -> Iterator[redis.Redis]:
    """The lab's queue, whose workers are idle before and after the test."""
    queue = Queue(lab.redis_queue_url, lab.bench_id)
    wait_until(lambda: len(queue.live_workers()) == 2)
    wait_until(lambda: all(worker.state == "idle" for worker in queue.live_workers()))
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        yield connection
    wait_until(lambda: not any(queue.running_jobs(site) for site in lab.sites))


def test_keys_of_one_database_are_deleted(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as connection:
        for key in ("_a[1]|app_hooks", "_a[1]|defaults", "_a1|app_hooks", "_a[1]b|app_hooks", "None|app_modules"):
            connection.set(key, "x")
        connection.mset({f"_a[1]|key-{number}": "x" for number in range(2500)})
        assert delete_site_keys(redis_server.url, "_a[1]") == 2502
        assert delete_site_keys(redis_server.url, "_a[1]") == 0
        assert sorted(connection.keys()) == [b"None|app_modules", b"_a1|app_hooks", b"_a[1]b|app_hooks"]


def test_refused_account_is_reported_without_it(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as connection:
        connection.config_set("requirepass", "right")
    url = redis_server.url.replace("//", "//:wrong-password@")
    with pytest.raises(LifeboatError) as raised, redis_connection(url):
        pytest.fail("the password is wrong")
    assert raised.value.error_code == "redis_unavailable"
    assert "AuthenticationError" in raised.value.message
    assert "wrong-password" not in raised.value.message
    with redis_connection(redis_server.url.replace("//", "//:right@")) as connection:
        assert connection.dbsize() == 0


def test_server_that_ends_during_the_work_is_unavailable(redis_server: RedisServer) -> None:
    def lose_the_server() -> None:
        with redis_connection(redis_server.url) as connection:
            redis_server.stop()
            connection.dbsize()

    with pytest.raises(LifeboatError) as raised:
        lose_the_server()
    assert raised.value.error_code == "redis_unavailable"


def test_mistake_of_the_caller_is_not_called_a_failure_of_redis(redis_server: RedisServer) -> None:
    with pytest.raises(ValueError, match="mine"), redis_connection(redis_server.url):
        raise ValueError("mine")


def test_workers_of_the_lab_are_alive(lab: Lab, jobs_of_the_lab: redis.Redis) -> None:
    workers = Queue(lab.redis_queue_url, lab.bench_id).live_workers()
    assert jobs_of_the_lab.scard("rq:workers") == 2
    assert {worker.queues for worker in workers} == {("short", "default"), ("long", "default", "short")}
    assert all(worker.pid and is_alive(worker.pid) for worker in workers)
    assert Queue(lab.redis_queue_url, "other-bench").live_workers() == []


@pytest.mark.usefixtures("jobs_of_the_lab")
def test_running_and_waiting_jobs_are_those_of_the_site(lab: Lab) -> None:
    queue = Queue(lab.redis_queue_url, lab.bench_id)
    running = {enqueue(lab, SITE, SLOW_METHOD, seconds=3600, marker="slow") for _index in range(2)}
    try:
        wait_until(lambda: len(queue.running_jobs(SITE)) == 2)
        enqueue(lab, SITE, "frappe.ping")
        enqueue(lab, "beta.localhost", "frappe.ping")
        found = queue.running_jobs(SITE)
        assert {job.id for job in found} == running
        assert all(job.queue == "short" and job.started_at for job in found)
        assert queue.running_jobs("alpha") == []
        assert queue.running_jobs("beta.localhost") == []
        assert queue.queued_count(SITE) == 1
        assert queue.queued_count("beta.localhost") == 1
        result = probe_queue(lab.redis_queue_url, lab.bench_id, SITE, 0.3)
        assert result.outcome == "skipped"
        assert "is busy with other jobs" in result.reason
    finally:
        with redis.Redis.from_url(lab.redis_queue_url) as connection:
            for job_id in running:
                send_stop_job_command(connection, job_id)
    wait_until(lambda: not queue.running_jobs(SITE) and not queue.queued_count(SITE))


def test_looking_changes_no_key(lab: Lab, jobs_of_the_lab: redis.Redis) -> None:
    jobs_of_the_lab.acl_setuser(
        "onlooker", enabled=True, passwords=["+see"], keys=["*"], categories=["+@read", "+@connection"]
    )
    url = lab.redis_queue_url.replace("//", "//onlooker:see@")
    queue = Queue(url, lab.bench_id)
    assert len(queue.live_workers()) == 2
    assert queue.running_jobs(SITE) == []
    assert queue.queued_count(SITE) == 0
    with pytest.raises(redis.exceptions.NoPermissionError), redis.Redis.from_url(url) as onlooker:
        onlooker.set("a", "b")


def test_probe_runs_and_leaves_nothing(lab: Lab, jobs_of_the_lab: redis.Redis) -> None:
    def keys() -> set[bytes]:
        return {key for key in jobs_of_the_lab.scan_iter() if b"lifeboat" in key}

    result = probe_queue(lab.redis_queue_url, lab.bench_id, SITE, 60)
    assert result.outcome == "passed", result.reason
    assert keys() == set()
    registries = [key for key in jobs_of_the_lab.keys("rq:*") if jobs_of_the_lab.type(key) == b"zset"]
    assert not [member for key in registries for member in jobs_of_the_lab.zrange(key, 0, -1) if b"lifeboat" in member]


def test_probe_of_a_site_that_does_not_work_fails(lab: Lab, jobs_of_the_lab: redis.Redis) -> None:
    result = probe_queue(lab.redis_queue_url, lab.bench_id, "gone.localhost", 60)
    assert (result.outcome, result.reason) == ("failed", "it ended as failed; the worker's log tells why")
    assert not [key for key in jobs_of_the_lab.scan_iter() if b"lifeboat" in key]


def test_killed_worker_is_not_alive_though_rq_lists_it(lab: Lab, jobs_of_the_lab: redis.Redis) -> None:
    queue = Queue(lab.redis_queue_url, lab.bench_id)
    victim = queue.live_workers()[0]
    assert victim.pid
    lab.supervisorctl("stop", "frappe-bench-workers:frappe-bench-frappe-schedule")
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: victim.name not in {worker.name for worker in queue.live_workers()})
    assert jobs_of_the_lab.sismember("rq:workers", f"rq:worker:{victim.name}")
    wait_until(lambda: len(queue.live_workers()) == 2)  # supervisor starts it again
    lab.supervisorctl("start", "frappe-bench-workers:frappe-bench-frappe-schedule")
