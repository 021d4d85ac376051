"""Jobs: how many wait, for how long, which run too long, failed, were left or belong to nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.queue_jobs import FAILED_LIMIT
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import (
    BenchQueues,
    QueueState,
    RegisteredWorker,
    RunningJob,
)

from tests.check_runs import run_one
from tests.redis_doubles import ToldBench

EMPTY = QueueState("short", 0, (), None, 0, 0, 0, ())


def told(name: str = "short", common: dict[str, Any] | None = None, **changes: Any) -> ToldBench:
    return ToldBench(BenchQueues(False, (replace(EMPTY, name=name, **changes),), ()), common=common)


@pytest.mark.parametrize(
    ("length", "before", "severity"),
    [
        (50, (), "ok"),
        (51, (), "warning"),
        (501, (), "critical"),
        (60, (57, 58, 59), "critical"),
        (60, (10, 57, 58, 59), "critical"),
        (60, (58, 59), "warning"),
        (60, (57, 58, 58), "warning"),
        (50, (1, 2, 3), "ok"),
    ],
)
def test_depth_and_its_slope(length: int, before: tuple[int, ...], severity: str) -> None:
    target = told(length=length)
    runs = [{"at_seconds": 0.0, "values": {f"Q03|{target.name}|short": count}} for count in before]
    (found,) = run_one("Q03", ToldBench(target.queues, history=History(runs)))
    assert found.severity == severity
    assert found.text.startswith(f"{length} jobs in short")


@pytest.mark.parametrize(
    ("name", "common", "age_seconds", "severity"),
    [
        ("short", {}, 300, "ok"),
        ("short", {}, 301, "warning"),
        ("default", {}, 901, "critical"),
        ("long", {}, 1500, "ok"),
        ("long", {}, 4501, "critical"),
        ("own", {"workers": {"own": {"timeout": 60}}}, 61, "warning"),
        ("own", {"workers": {"own": {"background_workers": 1}}}, 300, "ok"),
        ("own", {"workers": {"own": {"timeout": "60"}}}, 301, "warning"),
        ("own", {"workers": {"own": 5}}, 301, "warning"),
        ("short", {"workers": {"short": {"timeout": 600}}}, 301, "ok"),
    ],
)
def test_age_by_the_timeout_of_the_queue(name: str, common: dict[str, Any], age_seconds: float, severity: str) -> None:
    (found,) = run_one("Q04", told(name, common, length=1, oldest_age_seconds=age_seconds))
    assert found.severity == severity


def test_age_that_no_job_tells_is_unknown_and_nothing_waits_for_no_time() -> None:
    (found,) = run_one("Q04", told(length=1))
    assert (found.severity, found.value) == ("unknown", None)
    (found,) = run_one("Q04", told())
    assert (found.severity, found.value) == ("ok", 0)
    (found,) = run_one("Q04", told(length=1, oldest_age_seconds=400.0))
    assert found.text == "a job waits in short for 6 min 40 s, where one may run for 5 min"


@pytest.mark.parametrize(
    ("count", "ids", "severity", "method"),
    [
        (0, (), "ok", ""),
        (1, ("a.example::1",), "warning", ""),
        (4, ("a.example::1",), "warning", ""),
        (5, ("a.example::1",), "critical", ""),
        (1, ("a.example::scheduled_job::frappe.monitor.flush:8f2b",), "critical", "frappe.monitor.flush"),
        (1, ("a.example||scheduled_job||frappe.monitor.flush",), "critical", "frappe.monitor.flush"),
        (1, ("a.example::about scheduled_job::x",), "warning", ""),
    ],
)
def test_abandoned_jobs(count: int, ids: tuple[str, ...], severity: str, method: str) -> None:
    (found,) = run_one("Q05", told(abandoned_count=count, abandoned_ids=ids))
    assert (found.severity, method in found.text) == (severity, True)
    assert ("not scheduled any more" in found.text) is bool(method)
    assert found.evidence == (("a.example: 1 job",) if ids else ())


@pytest.mark.parametrize(
    ("count", "severity", "is_full"),
    [(50, "ok", False), (51, "warning", False), (901, "critical", False), (FAILED_LIMIT, "critical", True)],
)
def test_failed_jobs(count: int, severity: str, is_full: bool) -> None:
    (found,) = run_one("Q06", told(failed_count=count, failed_last_hour_count=3))
    assert (found.severity, "forgotten" in found.text) == (severity, is_full)
    assert f"{count:,} jobs of short failed, 3 in the last hour" in found.text


def running(elapsed_seconds: float | None, timeout_seconds: float | None) -> RegisteredWorker:
    job = RunningJob("a.example::name of a document", elapsed_seconds, timeout_seconds)
    return RegisteredWorker("w", ("short",), "busy", "S", 1.0, 0.0, job)


@pytest.mark.parametrize(
    ("workers", "severity", "text"),
    [
        ((), "ok", "0 of 0 running jobs"),
        ((running(None, 300), running(9999, None), replace(running(1, 1), job=None)), "ok", "0 of 0 running jobs"),
        ((running(300, 300), running(10, 300)), "ok", "0 of 2 running jobs"),
        ((running(10, 300), running(301, 300)), "warning", "1 of 2 running jobs"),
        ((running(301, 300), running(601, 300)), "critical", "2 of 2 running jobs"),
    ],
)
def test_overrun(workers: tuple[RegisteredWorker, ...], severity: str, text: str) -> None:
    (found,) = run_one("Q08", ToldBench(BenchQueues(False, (), workers)))
    assert (found.severity, text in found.text) == (severity, True)
    assert "document" not in str(found)


def test_overrun_shows_the_worst_first() -> None:
    workers = (running(301, 300), running(601, 300))
    (found,) = run_one("Q08", ToldBench(BenchQueues(False, (), workers)))
    assert found.evidence == ("worker w: since 10 min 1 s", "worker w: since 5 min 1 s")


def test_jobs_of_sites_that_the_bench_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "sites" / "a.example").mkdir(parents=True)
    (tmp_path / "sites" / "a.example" / "site_config.json").write_text("{}")

    def found(*ids: str) -> Any:
        state = BenchQueues(False, (replace(EMPTY, length=len(ids), first_ids=ids),), ())
        (finding,) = run_one("Q10", ToldBench(state, path=tmp_path))
        return finding

    assert found("a.example::1", "a.example||2", "lifeboat-probe").severity == "ok"
    finding = found("a.example.au::1", "gone::1", "gone||2", "a.example::1")
    assert (finding.severity, finding.value, finding.text) == ("warning", 3, "3 of 4 waiting jobs are of other sites")
    assert finding.evidence == ("gone: 2 jobs", "a.example.au: 1 job")
