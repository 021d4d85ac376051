"""Reaching Redis and how fast it answers, where no server is needed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import redis_reachability
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import reach as reach_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.reach import Reach

from tests.check_runs import run_one
from tests.redis_doubles import NOW, ToldRedis, severities


@pytest.mark.parametrize(
    ("reached", "severity", "text"),
    [
        (Reach("", "", 0.0004), "ok", "it answers a PING in 0.4 ms"),
        (Reach("", "", 0.02), "warning", "it answers a PING in 20.0 ms"),
        (Reach("account", "it refuses"), "critical", "failed at the stage account: it refuses"),
    ],
)
def test_stages(monkeypatch: pytest.MonkeyPatch, reached: Reach, severity: str, text: str) -> None:
    monkeypatch.setattr(redis_reachability, "reach", lambda _url, _seconds: reached)
    (found,) = run_one("R01", ToldRedis({}))
    assert (found.severity, found.text) == (severity, text)


def test_missing_library_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "HAS_REDIS", False)
    (found,) = run_one("R01", ToldRedis({}))
    assert (found.severity, "prerequisites" in found.text) == ("unknown", True)


@pytest.mark.parametrize(
    ("info", "settings", "growth", "expected"),
    [
        ({"connected_clients": 80, "maxclients": 100}, {}, 0, {"": "ok", "refused": "ok"}),
        ({"connected_clients": 81, "maxclients": 100}, {}, 0, {"": "warning", "refused": "ok"}),
        ({"connected_clients": 91}, {"maxclients": "100"}, 2, {"": "critical", "refused": "critical"}),
    ],
)
def test_clients(info: dict[str, Any], settings: dict[str, str], growth: float, expected: dict[str, str]) -> None:
    target = ToldRedis(info, settings, growth={"rejected_connections": growth})
    assert severities(run_one("R08", target, sample_seconds=0.01)) == expected


class Server:
    def __init__(self, *entries: tuple[float, float, bytes]) -> None:
        self.entries = [
            {"start_time": NOW - age, "duration": seconds * 1e6, "command": command}
            for age, seconds, command in entries
        ]

    def ping(self) -> None:
        pass

    def slowlog_get(self, _count: int) -> list[dict[str, Any]]:
        return self.entries


def test_slow_commands_are_named_without_their_arguments() -> None:
    server = Server((60, 0.05, b"GET a"), (60, 0.2, b"KEYS secret*"), (60, 0.4, b"EVAL x"), (7200, 9, b"FLUSHALL"))
    found = run_one("R10", ToldRedis({"latest_fork_usec": 600_000}, server=server))
    by_item = {finding.item: finding for finding in found}
    assert {item: by_item[item].severity for item in ("fork", "commands")} == {"fork": "warning", "commands": "warning"}
    assert by_item["fork"].text == "the last fork stopped all clients for 0.6 s"
    assert (by_item["commands"].value, by_item["commands"].evidence) == (0.4, ("EVAL: 0.4 s", "KEYS: 0.2 s"))
    found = run_one("R10", ToldRedis({"latest_fork_usec": 400_000}, server=Server()))
    assert {finding.item: finding.severity for finding in found if finding.item != "ping"} == {
        "fork": "ok",
        "commands": "ok",
    }
