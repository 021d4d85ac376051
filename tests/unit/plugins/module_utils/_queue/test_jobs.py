"""Names of jobs and times, as RQ writes them; the rest of ``jobs`` is tested on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import jobs


class Keys:
    """Answers the reading commands out of a dictionary, and no other command."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def smembers(self, key: str) -> set[bytes]:
        return {item.encode() for item in self.values.get(key, [])}

    def zrange(self, key: str, _start: int, _end: int) -> list[bytes]:
        return [item.encode() for item in self.values.get(key, [])]

    def lrange(self, key: str, start: int, end: int) -> list[bytes]:
        return [item.encode() for item in self.values.get(key, [])][start : end + 1]

    def hmget(self, key: str, *fields: str) -> list[bytes | None]:
        stored = self.values.get(key, {})
        return [stored[field].encode() if field in stored else None for field in fields]


def worker(pid: int, **fields: str) -> dict[str, str]:
    return {"pid": str(pid), "hostname": "here", "queues": "b:short,c:long", "state": "idle", "birth": "x", **fields}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[jobs.Queue, dict[str, Any]]]:
    """The queues of bench ``b`` on a host where only process 7 lives, and the keys that they are read from."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (python) S 1 0")
    values: dict[str, Any] = {"rq:workers": ["rq:worker:w7"], "rq:worker:w7": worker(7)}

    @contextmanager
    def connection(_url: str) -> Iterator[Keys]:
        yield Keys(values)

    monkeypatch.setattr(jobs, "redis_connection", connection)
    return jobs.Queue("redis://x", "b", "here", tmp_path), values


def test_workers_that_live(queue: tuple[jobs.Queue, dict[str, Any]]) -> None:
    reader, values = queue
    values.update(
        {
            "rq:workers": [f"rq:worker:{name}" for name in ("w7", "killed", "expired", "ended", "elsewhere", "other")],
            "rq:worker:w7": worker(7, state="busy", current_job="a.example::1", queues="b:short,b:default,c:long"),
            "rq:worker:killed": worker(8),
            "rq:worker:expired": {},
            "rq:worker:ended": worker(7, death="x"),
            "rq:worker:elsewhere": worker(8, hostname="there"),
            "rq:worker:other": worker(7, queues="c:short"),
        }
    )
    assert reader.live_workers() == [
        jobs.Worker("elsewhere", 8, "there", ("short",), "idle", None),
        jobs.Worker("w7", 7, "here", ("short", "default"), "busy", "a.example::1"),
    ]


def test_running_jobs_are_those_of_exactly_the_site(queue: tuple[jobs.Queue, dict[str, Any]]) -> None:
    reader, values = queue
    started = {"status": "started", "origin": "b:short", "started_at": "2026-11-21T09:15:09.5Z", "worker_name": "w7"}
    values["rq:wip:b:short"] = [
        "a.example::1",
        "a.example::scheduled_job::frappe.email.queue.flush",
        "a.example||2:0123456789abcdef",
        "a.example.au::1",
        "a.example::ended",
        "a.example::orphan",
        "a.example::gone",
        "5f0c",
    ]
    for member in values["rq:wip:b:short"]:
        values[f"rq:job:{member}"] = started
    values["rq:job:a.example||2"] = {"status": "started", "origin": "b:short", "started_at": ""}
    values["rq:job:a.example::ended"] = {**started, "status": "finished"}
    values["rq:job:a.example::orphan"] = {**started, "worker_name": "killed"}
    del values["rq:job:a.example||2:0123456789abcdef"], values["rq:job:a.example::gone"]
    moment = datetime(2026, 11, 21, 9, 15, 9, 500000, tzinfo=timezone.utc)
    assert reader.running_jobs("a.example") == [
        jobs.RunningJob("a.example::1", "short", moment),
        jobs.RunningJob("a.example::scheduled_job::frappe.email.queue.flush", "short", moment),
        jobs.RunningJob("a.example||2", "short", None),
    ]


def test_job_that_only_its_worker_names_runs_too(queue: tuple[jobs.Queue, dict[str, Any]]) -> None:
    reader, values = queue
    values["rq:worker:w7"] = worker(7, state="busy", current_job="a.example::1")
    values["rq:job:a.example::1"] = {"status": "started", "origin": "b:short"}
    assert [job.id for job in reader.running_jobs("a.example")] == ["a.example::1"]


def test_queues_of_other_names_and_long_queues_are_counted(
    queue: tuple[jobs.Queue, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, values = queue
    monkeypatch.setattr(jobs, "LIST_CHUNK", 2)
    values["rq:queues"] = ["rq:queue:b:reports", "rq:queue:c:default"]
    values["rq:queue:b:reports"] = ["a.example::1", "b.example::1", "a.example::2", "a.example||3"]
    values["rq:queue:b:default"] = ["a.example::4", "a.example.au::4"]
    values["rq:queue:c:default"] = ["a.example::5"]
    assert reader.queued_count("a.example") == 4
    assert reader.queued_count("a.example.au") == 1
