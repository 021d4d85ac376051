"""Reading all of a bench's queues out of keys as RQ writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import state
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import (
    BenchQueues,
    QueueState,
    RegisteredWorker,
    RunningJob,
    read_bench_queues,
)

NOW = 1_795_000_000.0


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(NOW - seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Keys:
    """Answers the reading commands out of a dictionary, in one pipeline after the other, and no other command."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.pipelines: list[list[tuple[Any, ...]]] = []

    @contextmanager
    def pipeline(self, transaction: bool) -> Iterator[Keys]:
        assert not transaction
        self.pipelines.append([])
        yield self

    def execute_command(self, *command: Any) -> None:
        self.pipelines[-1].append(command)

    def execute(self) -> list[Any]:
        return [self.answer(*command) for command in self.pipelines[-1]]

    def answer(self, name: str, key: str, *arguments: Any) -> Any:
        value = self.values.get(key)
        members = value or ()
        fields = {field: text.encode() for field, text in value.items()} if name in {"HMGET", "HGET"} and value else {}
        answers: dict[str, Callable[[], Any]] = {
            "EXISTS": lambda: int(value is not None),
            "SMEMBERS": lambda: {item.encode() for item in members},
            "HMGET": lambda: [fields.get(field) for field in arguments],
            "HGET": lambda: fields.get(arguments[0]),
            "LLEN": lambda: len(members),
            "LRANGE": lambda: [item.encode() for item in members[: arguments[1] + 1]],
            "ZCOUNT": lambda: len(self.between(members, *arguments)),
            "ZRANGEBYSCORE": lambda: [item.encode() for item in self.between(members, *arguments[:2])[: arguments[4]]],
        }
        return answers[name]()

    @staticmethod
    def between(scores: Any, low: Any, high: Any) -> list[str]:
        return [member for member in scores if float(low) <= scores[member] <= float(high)]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """The keys of a server on a host where only process 7 runs and process 8 is stopped."""
    for pid, letter in ((7, "S"), (8, "T")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (python) {letter} 1 0")
    found = Keys({})

    @contextmanager
    def connection(_url: str, _timeout_seconds: float) -> Iterator[Keys]:
        yield found

    monkeypatch.setattr(state, "redis_connection", connection)
    return found


def read(tmp_path: Path, *names: str) -> BenchQueues:
    return read_bench_queues("redis://x", "b", names, NOW, tmp_path, "here")


def worker(pid: str, **fields: str) -> dict[str, str]:
    return {"pid": pid, "hostname": "here", "queues": "b:short,c:long", "state": "idle", **fields}


def test_bench_without_a_key_has_the_standard_queues(keys: Keys, tmp_path: Path) -> None:
    assert read(tmp_path) == BenchQueues(
        False,
        tuple(QueueState(name, 0, (), None, 0, 0, 0, ()) for name in ("default", "long", "short")),
        (),
    )
    assert len(keys.pipelines) == 5


def test_queues_come_from_rq_from_workers_and_from_the_configuration(keys: Keys, tmp_path: Path) -> None:
    keys.values.update(
        {
            "rq:suspended": "1",
            "rq:queues": ["rq:queue:b:left", "rq:queue:c:other"],
            "rq:workers": ["rq:worker:w"],
            "rq:worker:w": worker("7", queues="b:served"),
        }
    )
    found = read(tmp_path, "custom")
    assert [queue.name for queue in found.queues] == ["custom", "default", "left", "long", "served", "short"]
    assert found.is_suspended


def test_workers_are_read_as_they_are(keys: Keys, tmp_path: Path) -> None:
    names = ("busy", "ended", "expired", "gone", "nopid", "other", "stopped", "there")
    keys.values.update(
        {
            "rq:workers": [f"rq:worker:{name}" for name in names],
            "rq:workers:b:long": ["rq:worker:expired"],
            "rq:worker:busy": worker(
                "7", state="busy", current_job="j", last_heartbeat=ago(20), total_working_time="100.5"
            ),
            "rq:job:j": {"started_at": ago(10), "timeout": "300"},
            "rq:worker:ended": worker("7", death="x"),
            "rq:worker:gone": worker("9", current_job="endless", total_working_time="x"),
            "rq:job:endless": {"started_at": "", "timeout": "-1"},
            "rq:worker:nopid": worker(""),
            "rq:worker:other": worker("7", queues="c:short"),
            "rq:worker:stopped": worker("8"),
            "rq:worker:there": worker("7", hostname="there"),
        }
    )
    idle = {"queues": ("short",), "state": "idle", "heartbeat_age_seconds": None, "working_seconds": 0.0, "job": None}
    assert read(tmp_path).workers == (
        RegisteredWorker("busy", ("short",), "busy", "S", 20.0, 110.5, RunningJob("j", 10.0, 300.0)),
        RegisteredWorker("expired", ("long",), "", "?", None, 0.0, None),
        RegisteredWorker(**{**idle, "name": "gone", "process_state": "", "job": RunningJob("endless", None, None)}),
        RegisteredWorker(**idle, name="nopid", process_state=""),
        RegisteredWorker(**idle, name="stopped", process_state="T"),
        RegisteredWorker(**idle, name="there", process_state="?"),
    )


def test_jobs_that_wait_failed_or_were_left(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_IDS", 3)
    monkeypatch.setattr(state, "FRONT_JOBS", 2)
    monkeypatch.setattr(state, "MOST_ABANDONED_IDS", 1)
    week_seconds = 7 * 86_400
    keys.values.update(
        {
            "rq:queue:b:short": ["put-in-front", "first", "second", "third"],
            "rq:job:put-in-front": {"enqueued_at": ago(5)},
            "rq:job:first": {"enqueued_at": ago(400)},
            "rq:job:second": {"enqueued_at": ago(500)},
            "rq:queue:b:long": ["its job is gone"],
            "rq:failed:b:short": {
                "forgotten": NOW - 1,
                "old": NOW + 86_400,
                "new": NOW + week_seconds - 60,
            },
            "rq:wip:b:short": {"runs": NOW + 60, "late": NOW - 599, "left": NOW - 601, "left too": NOW - 9999},
        }
    )
    queues = {queue.name: queue for queue in read(tmp_path).queues}
    assert queues["short"] == QueueState("short", 4, ("put-in-front", "first", "second"), 400.0, 2, 1, 2, ("left",))
    assert queues["long"] == QueueState("long", 1, ("its job is gone",), None, 0, 0, 0, ())
    assert queues["default"] == QueueState("default", 0, (), None, 0, 0, 0, ())
