"""Jobs of removed sites leave the queue in steps of one: what a worker takes, or another job waits for, stays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import bench_queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules import stale_jobs
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean

from tests.cleanup_folder import make_bench
from tests.cleanup_runs import kill_at_job, request_of
from tests.lab import RedisServer

SITE = "a.example"
PREFIX = "bench"


class WaitingQueue:
    """A bench whose queue has jobs that wait."""

    def __init__(self, folder: Path, url: str) -> None:
        self.bench = make_bench(folder)
        self.bench.common_config_path.write_text(json.dumps({"redis_queue": url, "bench_id": PREFIX}))
        self.redis = redis.Redis.from_url(url)
        self.now = time.time()

    def add(self, name: str, age_days: float = 3, state: str = "queued") -> None:
        """Put a job into the place of its state, as RQ does."""
        created = bench_queue.rq_time(self.now - age_days * 86400)
        self.redis.hset(f"rq:job:{name}", mapping={"status": state, "created_at": created})
        if state == "queued":
            self.redis.rpush(f"rq:queue:{PREFIX}:long", name)
        else:
            self.redis.zadd(f"{stale_jobs.PLACES[state]}:{PREFIX}:long", {name: self.now})

    def left(self) -> set[str]:
        """Return the ids of all jobs that wait."""
        found = set(self.redis.lrange(f"rq:queue:{PREFIX}:long", 0, -1))
        for state in ("scheduled", "deferred"):
            found |= set(self.redis.zrange(f"{stale_jobs.PLACES[state]}:{PREFIX}:long", 0, -1))
        return {name.decode() for name in found}

    def request(self) -> CleanupRequest:
        """Return the request of a cleanup."""
        return request_of(self.bench.path.parent, [self.bench], {"stale_jobs": {}}, now=self.now)

    def clean(self, plan: Any = None) -> dict[str, Any]:
        """Clean up."""
        return run_clean(self.request(), plan, check_mode=False)


@pytest.fixture
def queue(tmp_path: Path, redis_server: RedisServer) -> Iterator[WaitingQueue]:
    queue = WaitingQueue(tmp_path, redis_server.url)
    yield queue
    queue.redis.close()


@pytest.mark.promise(25)
def test_waiting_jobs_of_removed_sites_go_once_and_others_stay(queue: WaitingQueue) -> None:
    for state in stale_jobs.PLACES:
        queue.add(f"gone.example::{state}", state=state)
        queue.add(f"{SITE}::{state}", age_days=90, state=state)
    queue.add("moved.example||today", age_days=0.5)
    queue.add("no-site-in-the-name", age_days=90)
    queue.add("gone.example::waited for")
    queue.redis.sadd("rq:job:gone.example::waited for:dependents", "x")
    queue.add("gone.example::forgotten")
    queue.redis.delete("rq:job:gone.example::forgotten")
    kept = {*(f"{SITE}::{state}" for state in stale_jobs.PLACES), "moved.example||today", "no-site-in-the-name"}
    done = queue.clean()
    assert [(task["subject"].rpartition(": ")[2], task["count"]) for task in done["tasks"]] == [
        ("queued jobs of long", 2),
        ("scheduled jobs of long", 1),
        ("deferred jobs of long", 1),
    ]
    assert queue.left() == kept | {"gone.example::waited for"}
    assert {name.decode() for name in queue.redis.keys("rq:job:gone*")} == {
        "rq:job:gone.example::waited for",
        "rq:job:gone.example::waited for:dependents",
    }
    assert not queue.clean()["changed"]


def test_job_that_a_worker_took_or_whose_site_came_back_stays(queue: WaitingQueue) -> None:
    queue.add("gone.example::started")
    queue.add("gone.example::taken")
    queue.add("back.example::queued")
    plan = make_plan(queue.request())
    queue.redis.hset("rq:job:gone.example::started", "status", "started")
    queue.redis.lrem(f"rq:queue:{PREFIX}:long", 0, "gone.example::taken")
    (queue.bench.sites_path / "back.example").mkdir()
    assert [task["count"] for task in queue.clean(plan)["tasks"]] == [0]
    assert queue.redis.exists("rq:job:gone.example::started", "rq:job:gone.example::taken") == 2
    assert "back.example::queued" in queue.left()


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(queue: WaitingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_queue, "BATCH_JOBS", 2)
    for number in range(5):
        queue.add(f"gone.example::{number}")
    kill_at_job(4, queue.clean)
    assert len(queue.left()) == len(queue.redis.keys("rq:job:*")) == 3
    assert queue.clean()["tasks"][0]["count"] == 3


def test_plan_of_somebody_else_is_looked_at(queue: WaitingQueue) -> None:
    queue.add("gone.example::1")
    request = queue.request()
    (task,) = make_plan(request).tasks
    for change in ({"before": bench_queue.rq_time(queue.now + 60)}, {"state": "started"}):
        forged = type(task)(**{**vars(task), "parameters": {**task.parameters, **change}})
        with pytest.raises((ValueError, KeyError)):
            stale_jobs.STALE_JOBS.apply(request.context, forged, 1e12)
    assert stale_jobs.STALE_JOBS.apply(request.context, task, 0.0).outcome == "out of time"
    assert queue.left() == {"gone.example::1"}
