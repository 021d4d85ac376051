"""Failed jobs go in steps of one: killed, or overtaken by somebody who runs a job again, nothing is left in between."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import bench_queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules import failed_jobs
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.cleanup_folder import make_bench
from tests.cleanup_runs import kill_at_job
from tests.lab import RedisServer

SITE = "a.example"
PREFIX = "bench"


class FailedQueue:
    """A bench whose queue has failed jobs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.bench = make_bench(folder)
        self.bench.common_config_path.write_text(json.dumps({"redis_queue": url, "bench_id": PREFIX}))
        self.redis = redis.Redis.from_url(url)
        self.now = time.time()

    def fail(self, name: str, age_days: float, *, queue: str = "long", error: str = "ValueError: a") -> None:
        """Put a job into the registry of failed jobs, as RQ does."""
        ended = bench_queue.rq_time(self.now - age_days * 86400)
        text = zlib.compress(f"Traceback\n{error}".encode())
        self.redis.sadd("rq:queues", f"rq:queue:{PREFIX}:{queue}")
        self.redis.hset(f"rq:job:{name}", mapping={"status": "failed", "ended_at": ended, "exc_info": text})
        self.redis.xadd(f"rq:results:{name}", {"type": "2"})
        self.redis.zadd(f"rq:failed:{PREFIX}:{queue}", {name: self.now})

    def left(self, queue: str = "long") -> list[str]:
        """Return the ids of the registry's jobs."""
        return sorted(name.decode() for name in self.redis.zrange(f"rq:failed:{PREFIX}:{queue}", 0, -1))

    def request(self, **changes: Any) -> CleanupRequest:
        """Return the request of a cleanup."""
        given: dict[str, Any] = {
            "state_path": self.bench.path.parent / "state",
            "benches": [self.bench],
            "ages": {},
            "caps": Caps(10**9, 100),
            "timeout_seconds": 600,
            "protected": (),
            "quarantine": False,
            "grace_days": 7,
            "now": self.now,
            "tasks": chosen_tasks({"failed_jobs": {}}),
        }
        return CleanupRequest(**{**given, **changes})

    def clean(self, **changes: Any) -> dict[str, Any]:
        """Clean up."""
        return run_clean(self.request(**changes), None, check_mode=False)


@pytest.fixture
def queue(tmp_path: Path, redis_server: RedisServer) -> Iterator[FailedQueue]:
    queue = FailedQueue(tmp_path, redis_server.url)
    queue.redis.set("rq:job:other", "never touched")
    yield queue
    assert queue.redis.get("rq:job:other") == b"never touched"
    queue.redis.close()


@pytest.mark.promise(25)
def test_old_jobs_and_those_of_removed_sites_go_once(queue: FailedQueue) -> None:
    queue.fail(f"{SITE}::new", 1)
    queue.fail(f"{SITE}::old", 9)
    queue.fail(f"{SITE}::sample", 20, error="KeyError: 'b'")
    queue.fail("gone.example::2", 2)
    queue.fail(f"{SITE}::custom", 9, queue="reports")
    queue.fail(f"{SITE}::waited for", 10)
    queue.redis.sadd(f"rq:job:{SITE}::waited for:dependents", "x")
    queue.fail(f"{SITE}::forgotten", 9)
    queue.redis.delete(f"rq:job:{SITE}::forgotten")
    done = queue.clean()
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 1), ("done", 2)]
    assert queue.left() == [f"{SITE}::new", f"{SITE}::sample", f"{SITE}::waited for"]
    assert queue.left("reports") == [f"{SITE}::custom"], "the one sample of its error"
    assert not queue.redis.exists(f"rq:job:{SITE}::old", f"rq:results:{SITE}::old")
    assert not queue.clean()["changed"]


def test_job_that_is_run_again_stays(queue: FailedQueue) -> None:
    for number in range(3):
        queue.fail(f"{SITE}::{number}", 9 + number)
    plan = make_plan(queue.request())
    queue.redis.hset(f"rq:job:{SITE}::1", "status", "queued")
    queue.redis.zrem(f"rq:failed:{PREFIX}:long", f"{SITE}::2")
    assert run_clean(queue.request(), plan, check_mode=False)["tasks"][0]["count"] == 0
    assert queue.redis.exists(f"rq:job:{SITE}::1", f"rq:job:{SITE}::2") == 2


@pytest.mark.promise(25)
def test_clock_in_the_future_removes_no_job(queue: FailedQueue) -> None:
    for number in range(2):
        queue.fail(f"{SITE}::{number}", 1 + number)
    with pytest.raises(LifeboatError, match="days ahead"):
        queue.clean(now=queue.now + 3650 * 86400)
    assert len(queue.left()) == 2


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(queue: FailedQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_queue, "BATCH_JOBS", 2)
    for number in range(9):
        queue.fail(f"{SITE}::{number}", 9 + number)
    kill_at_job(4, queue.clean)
    assert len(queue.left()) == 7
    assert len(list(queue.redis.scan_iter("rq:results:*"))) == 7
    assert queue.clean()["tasks"][0]["count"] == 6
    assert queue.left() == [f"{SITE}::0"]


@pytest.mark.promise(25)
@pytest.mark.parametrize(
    ("change", "back", "reason"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "ReadOnlyError. It is a replica"),
        (
            ("CONFIG", "SET", "requirepass", "another"),
            ("CONFIG", "SET", "requirepass", ""),
            "AuthenticationError. Correct the password",
        ),
    ],
    ids=["replica", "password"],
)
def test_replica_and_wrong_password_are_refused(
    queue: FailedQueue, change: tuple[str, ...], back: tuple[str, ...], reason: str
) -> None:
    for number in range(2):
        queue.fail(f"{SITE}::{number}", 9 + number)
    plan = make_plan(queue.request())
    queue.redis.execute_command(*change)
    try:
        done = run_clean(queue.request(), plan, check_mode=False)
    finally:
        queue.redis.execute_command(*back)
    assert (done["changed"], [found["error_code"] for found in done["refused"]]) == (False, ["redis_unavailable"])
    assert reason in done["refused"][0]["reason"]
    assert len(queue.left()) == 2


def test_queue_that_does_not_answer_is_refused(queue: FailedQueue) -> None:
    for number in range(2):
        queue.fail(f"{SITE}::{number}", 9 + number)
    request = queue.request()
    plan = make_plan(request)
    (task,) = plan.tasks
    assert failed_jobs.FAILED_JOBS.apply(request.context, task, 0.0).outcome == "out of time"
    forged = {**task.parameters, "before": bench_queue.rq_time(queue.now + 60)}
    with pytest.raises(ValueError, match="not ended"):
        failed_jobs.FAILED_JOBS.apply(request.context, type(task)(**{**vars(task), "parameters": forged}), 1e12)
    common = json.loads(queue.bench.common_config_path.read_text())
    queue.bench.common_config_path.write_text(json.dumps({**common, "redis_queue": "redis://127.0.0.1:1"}))
    assert queue.clean()["refused"][0]["error_code"] == "redis_unavailable"
    done = run_clean(request, plan, check_mode=False)
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "redis_unavailable")
    assert len(queue.left()) == 2
