"""Outcomes of a ``probe`` that no real worker can be brought to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import probe
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Worker


class Server:
    """A server on which the probe's job has the statuses of a list, one after the other."""

    def __init__(self, *statuses: bytes | None, suspended: bool = False, waiting: int = 0) -> None:
        self.statuses = list(statuses)
        self.suspended = suspended
        self.waiting = waiting
        self.commands: list[str] = []

    def exists(self, _key: str) -> bool:
        return self.suspended

    def hget(self, _key: str, _field: str) -> bytes | None:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def lrem(self, _key: str, _count: int, _value: str) -> int:
        return self.waiting

    @contextmanager
    def pipeline(self) -> Iterator[Server]:
        yield self

    def __getattr__(self, command: str) -> Any:
        return lambda *_arguments, **_options: self.commands.append(command)


def idle(name: str = "w", **fields: Any) -> Worker:
    return Worker(
        **{"name": name, "pid": 1, "hostname": "h", "queues": ("short",), "state": "idle", "job_id": None, **fields}
    )


def run(monkeypatch: pytest.MonkeyPatch, server: Server, *workers: Worker) -> probe.ProbeResult:
    @contextmanager
    def connection(_url: str) -> Iterator[Server]:
        yield server

    now = [0.0]
    monkeypatch.setattr(probe, "redis_connection", connection)
    monkeypatch.setattr(probe.Queue, "live_workers", lambda _queue: list(workers))
    return probe.probe_queue(
        "redis://x", "b", "a.example", 1, clock=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds)
    )


def test_no_worker_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(None)
    assert run(monkeypatch, server).outcome == "skipped"
    assert server.commands == []


def test_suspended_workers_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(None, suspended=True)
    result = run(monkeypatch, server, idle())
    assert (result.outcome, result.reason) == ("skipped", "the workers are suspended")
    assert server.commands == []


def test_waiting_worker_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = (idle("busy", queues=("long",), state="busy"), idle("idle", queues=("default", "short")))
    result = run(monkeypatch, Server(b"queued", b"started", b"finished"), *workers)
    assert (result.outcome, result.reason) == ("passed", "a worker of the queue default ran it")
    assert result.seconds == 0.2


def test_job_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, Server(b"failed"), idle())
    assert (result.outcome, result.reason) == ("failed", "it ended as failed; the worker's log tells why")


def test_job_whose_keys_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Server(None), idle()).reason.startswith("it ended as lost")


def test_idle_worker_that_does_not_take_the_job_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(b"queued", waiting=1)
    result = run(monkeypatch, server, idle())
    assert (result.outcome, result.reason) == ("failed", "it is still queued after 1 seconds")
    assert "delete" in server.commands


def test_busy_workers_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, Server(b"queued", waiting=1), idle(state="busy"), idle("x", queues=("long",)))
    assert result.outcome == "failed"  # the idle one was asked
    result = run(monkeypatch, Server(b"queued", waiting=1), idle(state="busy"))
    assert (result.outcome, result.reason) == ("skipped", "every worker of the queue short is busy with other jobs")


def test_job_that_still_runs_is_left_to_rq(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(b"started")
    assert run(monkeypatch, server, idle()).reason == "it is still started after 1 seconds"
    assert "delete" not in server.commands
    assert "expire" in server.commands
