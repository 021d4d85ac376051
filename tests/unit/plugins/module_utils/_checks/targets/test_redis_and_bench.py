"""What the targets of Redis and of a bench tell, where no server is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

SECRET = "RWcQ0nd3m2um3Cc9"
NOBODY = f"redis://:{SECRET}@127.0.0.1:1"


class Server:
    def info(self) -> dict[str, Any]:
        return {"uptime_in_seconds": 90, "evicted_keys": 3, "connected_clients": 7, "role": "master"}

    def config_get(self, pattern: str) -> dict[str, str]:
        assert pattern == "*"
        return {"save": "3600 1"}


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> RedisInstance:
    found = RedisInstance("redis", Surroundings(now=lambda: 1000.0), "redis://x", ["cache"])
    monkeypatch.setattr(found, "ask", lambda question: question(Server()))
    return found


def test_numbers_and_settings(instance: RedisInstance) -> None:
    assert instance.number("connected_clients") == 7
    assert instance.setting("save") == "3600 1"
    with pytest.raises(UnmeasurableError, match="its setting bind"):
        instance.setting("bind")
    for name in ("role", "missing"):
        with pytest.raises(UnmeasurableError, match=name):
            instance.number(name)


def test_sample_keeps_only_the_counters_that_checks_compare(instance: RedisInstance) -> None:
    sample = instance.read_sample()
    assert (sample.at_seconds, sample.started_at_seconds, sample.counters) == (1000.0, 910.0, {"evicted_keys": 3.0})


def test_server_that_is_down_is_unmeasurable_without_its_password() -> None:
    with pytest.raises(UnmeasurableError, match=r"127\.0\.0\.1:1") as raised:
        RedisInstance("redis", Surroundings(), NOBODY, []).ask(lambda connection: connection.info())
    assert SECRET not in str(raised.value)


def bench_target(folder: Path, configuration: dict[str, Any]) -> BenchTarget:
    bench = Bench(folder / "home" / "frappe-bench")
    bench.sites_path.mkdir(parents=True)
    bench.common_config_path.write_text(json.dumps(configuration))
    return BenchTarget(bench, Surroundings(root=folder))


def test_bench_tells_its_servers_and_queues(tmp_path: Path) -> None:
    target = bench_target(
        tmp_path, {"redis_cache": "redis://c:1", "redis_queue": NOBODY, "workers": {"reports": {"timeout": 60}}}
    )
    assert [(found.name, found.roles, found.url) for found in target.redis_instances] == [
        ("redis://c:1", ("cache",), "redis://c:1"),
        ("redis://127.0.0.1:1", ("queue",), NOBODY),
    ]
    assert target.custom_queues == {"reports": {"timeout": 60}}
    assert target.queue_prefix == str(target.bench.path).strip("/").replace("/", "-")
    for read in (lambda: target.queues, target.read_sample):
        with pytest.raises(UnmeasurableError, match=r"127\.0\.0\.1:1") as raised:
            read()
        assert SECRET not in str(raised.value)


def test_setting_of_queues_that_is_none_has_none(tmp_path: Path) -> None:
    assert bench_target(tmp_path, {"workers": 4}).custom_queues == {}


def test_configuration_that_cannot_be_read_is_unmeasurable(tmp_path: Path) -> None:
    target = bench_target(tmp_path, {})
    target.bench.common_config_path.write_text("{")
    with pytest.raises(UnmeasurableError, match="not valid JSON"):
        assert target.common
