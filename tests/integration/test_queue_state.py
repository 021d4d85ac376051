"""The state of queues and Redis servers on the lab: what RQ itself says, read by an account that may only read."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
import redis
import rq
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions, run_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.reach import reach
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import read_bench_queues

from tests.check_runs import LONG_PATIENCE
from tests.lab import Lab
from tests.lab.processes import wait_until

SERVERS = ("redis_cache", "redis_queue")


@pytest.fixture
def queue(lab: Lab) -> Iterator[rq.Queue]:
    """A queue of the bench that no worker serves."""
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        yield rq.Queue(f"{lab.bench_id}:reports", connection=connection)


def test_state_is_what_rq_says(lab: Lab, queue: rq.Queue) -> None:
    job_ids = [f"{lab.sites[0]}::{uuid.uuid4()}" for _number in range(3)]
    for job_id in job_ids:
        queue.enqueue_call("frappe.ping", job_id=job_id)
    found = read_bench_queues(lab.redis_queue_url, lab.bench_id, [], time.time())
    (state,) = [state for state in found.queues if state.name == "reports"]
    assert (state.length, list(state.first_ids)) == (queue.count, queue.job_ids) == (3, job_ids)
    assert state.oldest_age_seconds is not None
    assert 0 <= state.oldest_age_seconds < 60
    listed = rq.Worker.all(connection=queue.connection)
    assert {worker.name for worker in found.workers} == {worker.name for worker in listed}
    assert {worker.process_state for worker in found.workers} <= {"S", "R", "D"}
    assert all(worker.heartbeat_age_seconds is not None for worker in found.workers)
    queue.delete(delete_jobs=True)


def test_every_check_reads_with_an_account_that_may_only_read(lab: Lab) -> None:
    surroundings = Surroundings(patience=LONG_PATIENCE)
    targets: list[BenchTarget | RedisInstance] = [BenchTarget(Bench(lab.bench_path), surroundings)]
    bench = targets[0]
    assert isinstance(bench, BenchTarget)
    changed = {}
    for key in SERVERS:
        with redis.Redis.from_url(str(bench.common[key])) as connection:
            connection.acl_setuser(
                "onlooker",
                enabled=True,
                passwords=["+see"],
                keys=["*"],
                categories=["+@read", "+@connection"],
                commands=["+info", "+config|get", "+slowlog|get", "+acl|getuser"],
            )
        changed[key] = str(bench.common[key]).replace("//", "//onlooker:see@")
        targets.append(RedisInstance(key, surroundings, changed[key], [key.partition("_")[2]]))
    bench.common = {**bench.common, **changed}  # type: ignore[misc]
    checks = [check for check in all_checks() if check.subject in {"redis", "queue"}]
    found = run_checks(checks, targets, RunOptions(sample_seconds=0.6, deadline_seconds=LONG_PATIENCE.deadline_seconds))
    # The utilisation of workers alone needs a history.
    assert {(finding.id, finding.text) for finding in found if finding.severity == "unknown"} == set()
    assert {finding.id for finding in found} == {check.id for check in checks}
    assert "onlooker" not in str(found)


def test_wrong_account_is_the_stage_that_fails(lab: Lab) -> None:
    wait_until(lambda: reach(lab.redis_queue_url).ping_seconds is not None, "the queue")
    found = reach(lab.redis_queue_url.replace("//", "//nobody:hidden@"))
    assert (found.stage, found.ping_seconds) == ("account", None)
