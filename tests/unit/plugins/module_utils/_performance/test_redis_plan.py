from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.redis_plan import (
    RedisState,
    is_setting,
    plan_redis,
    redis_line,
    with_settings,
)

GIBIBYTE = 1024**3
CACHE = {"maxmemory": "67108864", "maxmemory-policy": "allkeys-lru", "save": "", "appendonly": "no"}
QUEUE = {"maxmemory": "0", "maxmemory-policy": "noeviction", "save": "3600 1", "appendonly": "no"}


def changed(role: str, settings: dict[str, str], cache_bytes: int | None = None, used: int = 0) -> dict[str, str]:
    state = RedisState(settings, used, 2 * GIBIBYTE)
    return {change.name: change.after for change in plan_redis(role, state, cache_bytes)}


def test_servers_as_bench_makes_them_stay_as_they_are() -> None:
    assert changed("cache", CACHE) == {}
    assert changed("queue", QUEUE) == {}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"maxmemory": "0"}, {"maxmemory": str(2 * GIBIBYTE // 20)}),
        ({"maxmemory-policy": "noeviction"}, {"maxmemory-policy": "allkeys-lru"}),
        ({"maxmemory-policy": "allkeys-lfu"}, {}),
        ({"save": "60 1"}, {"save": ""}),
        ({"appendonly": "yes"}, {"appendonly": "no"}),
    ],
    ids=["no limit", "no eviction", "other policy for caches", "snapshots", "append-only file"],
)
def test_cache_is_limited_evicts_and_keeps_nothing(present: dict[str, Any], expected: dict[str, str]) -> None:
    assert changed("cache", {**CACHE, **present}) == expected


def test_limit_of_the_cache_is_the_wanted_one_or_takes_what_is_there() -> None:
    assert changed("cache", CACHE, cache_bytes=GIBIBYTE) == {"maxmemory": str(GIBIBYTE)}
    assert changed("cache", {**CACHE, "maxmemory": "0"}, used=GIBIBYTE) == {"maxmemory": str(GIBIBYTE)}


def test_queue_never_evicts_and_saves() -> None:
    assert changed("queue", {**QUEUE, "maxmemory-policy": "volatile-lru"}) == {"maxmemory-policy": "noeviction"}
    assert changed("queue", {**QUEUE, "save": ""}) == {"save": "3600 1 300 100 60 10000"}
    assert changed("queue", {**QUEUE, "save": "", "appendonly": "yes"}) == {}


def test_setting_that_a_server_does_not_tell_is_left_alone() -> None:
    assert changed("queue", {"maxmemory-policy": "noeviction"}) == {}


def test_file_gets_each_setting_once_in_its_place() -> None:
    text = "port 1\nsave 900 1\nsave 60 5\n# save 1 1\nmaxmemory-policy noeviction"
    assert with_settings(text, {"save": "", "maxmemory": "5"}) == (
        'port 1\nsave ""\n# save 1 1\nmaxmemory-policy noeviction\nmaxmemory 5\n'
    )


def test_only_values_that_a_setting_may_have_are_taken() -> None:
    good = [("maxmemory", "0"), ("maxmemory-policy", "volatile-ttl"), ("save", ""), ("save", "60 1 5 2")]
    bad = [("maxmemory", "1gb\nrename-command"), ("save", "60"), ("appendonly", "maybe"), ("dir", "/etc")]
    assert all(is_setting(*pair) for pair in good)
    assert not any(is_setting(*pair) for pair in bad)


def test_change_is_told() -> None:
    (change,) = plan_redis("queue", RedisState({**QUEUE, "save": ""}, 0, 0), None)
    assert redis_line(change) == (
        "queue save: from nothing to 3600 1 300 100 60 10000, jobs that wait are lost otherwise when it ends."
    )
