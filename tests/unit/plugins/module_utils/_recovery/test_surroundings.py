"""What is around a site: draining its jobs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import RunningJob
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.surroundings import (
    common_configuration,
    drain,
    find_surroundings,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


JOB = RunningJob("erp.localhost::1", "long", datetime.now(timezone.utc) - timedelta(seconds=90))


def test_nothing_runs_so_nothing_is_waited_for() -> None:
    time = Time()
    assert drain(list, 30, time.clock, time.sleep) == {"waited_seconds": 0.0, "still_running": [], "skipped": ""}


def test_jobs_that_end_are_waited_for() -> None:
    time = Time()
    drained = drain(lambda: [JOB] if time.now < 2 else [], 30, time.clock, time.sleep)
    assert drained["waited_seconds"] == pytest.approx(2, abs=0.2)
    assert drained["still_running"] == []


def test_jobs_that_do_not_end_are_reported() -> None:
    time = Time()
    unknown = RunningJob("erp.localhost::2", "short", None)
    drained = drain(lambda: [JOB, unknown], 5, time.clock, time.sleep)
    assert drained["waited_seconds"] == pytest.approx(5, abs=0.2)
    first, second = drained["still_running"]
    assert (first["job"], first["queue"]) == ("erp.localhost::1", "long")
    assert first["seconds"] >= 90
    assert second["seconds"] is None


def test_queue_that_cannot_be_asked_is_skipped_with_the_reason() -> None:
    def refuse() -> list[RunningJob]:
        raise LifeboatError("Cannot use Redis.", "redis_unavailable")

    assert drain(refuse, 30)["skipped"] == "Cannot use Redis."


def test_bench_without_services_or_redis_can_be_looked_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.sites_path.mkdir()
    assert common_configuration(bench) == {}
    bench.common_config_path.write_text(
        json.dumps({"redis_cache": "redis://127.0.0.1:1", "redis_queue": "redis://127.0.0.1:1"})
    )
    surroundings = find_surroundings(bench)
    assert surroundings.reload_web(0) == []
    with pytest.raises(LifeboatError):
        surroundings.delete_cached_keys("_abc")
    assert drain(lambda: surroundings.running_jobs("erp.localhost"), 1)["skipped"]
