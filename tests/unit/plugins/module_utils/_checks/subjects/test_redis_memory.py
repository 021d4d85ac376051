"""Memory of Redis: what is judged, and what is as it should be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.redis_memory import LEAST_LOOKUPS

from tests.check_runs import run_one
from tests.redis_doubles import ToldBench, ToldRedis, severities

MEBIBYTE = 1024 * 1024
USED = {"used_memory": 40 * MEBIBYTE, "used_memory_peak": 50 * MEBIBYTE, "total_system_memory": 4000 * MEBIBYTE}
ONE_LOOK = {"sample_seconds": 0.01}


def policies(cache: dict[str, Any], queue: dict[str, Any]) -> dict[str, str]:
    target = ToldBench(None)  # type: ignore[arg-type]
    target.redis_instances = (ToldRedis({"run_id": "c", **cache}), ToldRedis({"run_id": "q", **queue}))
    return severities(run_one("R02", target))


@pytest.mark.parametrize(
    ("cache", "queue", "expected"),
    [
        ((64, "allkeys-lru"), (0, "noeviction"), ("ok", "ok")),
        ((64, "allkeys-lfu"), (64, "noeviction"), ("ok", "ok")),
        ((64, "volatile-lru"), (0, "allkeys-lru"), ("warning", "warning")),
        ((64, "noeviction"), (1, "volatile-ttl"), ("warning", "critical")),
        ((0, "allkeys-lru"), (1, "allkeys-lru"), ("warning", "critical")),
    ],
)
def test_policies(cache: tuple[int, str], queue: tuple[int, str], expected: tuple[str, str]) -> None:
    told = [{"maxmemory": limit * MEBIBYTE, "maxmemory_policy": name} for limit, name in (cache, queue)]
    found = policies(*told)
    assert (found["cache"], found["queue"], found["shared"]) == (*expected, "ok")
    assert policies(*({**values, "run_id": "x"} for values in told))["shared"] == "critical"


@pytest.mark.parametrize(
    ("roles", "evicted", "severity"),
    [
        (("cache",), 0, "ok"),
        (("cache", "socketio"), 1000, "ok"),
        (("cache",), 1001, "warning"),
        (("queue",), 0, "ok"),
        (("queue",), 1, "critical"),
        (("cache", "queue"), 1, "critical"),
    ],
)
def test_evictions_by_role(roles: tuple[str, ...], evicted: float, severity: str) -> None:
    (found,) = run_one("R03", ToldRedis({}, roles=roles, growth={"evicted_keys": evicted}), **ONE_LOOK)
    assert (found.severity, found.value) == (severity, evicted / 10)


@pytest.mark.parametrize(
    ("limit", "policy", "role", "severity"),
    [
        (100, "noeviction", "queue", "ok"),
        (48, "noeviction", "queue", "warning"),
        (42, "noeviction", "queue", "critical"),
        (42, "allkeys-lru", "queue", "critical"),
        (42, "allkeys-lru", "cache", "ok"),
        (42, "volatile-lru", "cache", "critical"),
        (0, "allkeys-lru", "cache", "ok"),
    ],
)
def test_memory_by_limit_and_policy(limit: int, policy: str, role: str, severity: str) -> None:
    info = {**USED, "maxmemory": limit * MEBIBYTE, "maxmemory_policy": policy}
    (found,) = run_one("R04", ToldRedis(info, roles=(role,)))
    assert found.severity == severity
    assert found.text == f"40.0 MiB of {f'{limit}.0 MiB are' if limit else '3.9 GiB of the host are'} used"


@pytest.mark.parametrize(
    ("used", "ratio", "waste", "allocator_ratio", "allocator_waste", "expected"),
    [
        (4, 9.0, 32, 9.0, 32, {"": "ok"}),
        (40, 1.2, 8, 1.0, 0, {"": "ok", "allocator": "ok"}),
        (40, 1.5, 9, 1.2, 9, {"": "ok", "allocator": "ok"}),
        (40, 1.5, 20, 1.2, 11, {"": "warning", "allocator": "warning"}),
        (40, 0.9, -4, 1.0, 0, {"": "warning", "allocator": "ok"}),
        (40, 0.7, -12, 1.0, 0, {"": "critical", "allocator": "ok"}),
    ],
)
def test_fragmentation_as_redis_itself_judges_it(
    used: int, ratio: float, waste: int, allocator_ratio: float, allocator_waste: int, expected: dict[str, str]
) -> None:
    info = {
        "used_memory": used * MEBIBYTE,
        "mem_fragmentation_ratio": ratio,
        "mem_fragmentation_bytes": waste * MEBIBYTE,
        "allocator_frag_ratio": allocator_ratio,
        "allocator_frag_bytes": allocator_waste * MEBIBYTE,
    }
    assert severities(run_one("R06", ToldRedis(info))) == expected


@pytest.mark.parametrize(
    ("role", "hits", "misses", "severity"),
    [
        ("cache", 900, LEAST_LOOKUPS - 901, "skipped"),
        ("cache", 900, 100, "ok"),
        ("cache", 790, 210, "warning"),
        ("cache", 490, 510, "critical"),
        ("queue", 0, 9999, "skipped"),
    ],
)
def test_hit_rate_where_there_are_enough_lookups(role: str, hits: float, misses: float, severity: str) -> None:
    target = ToldRedis({}, roles=(role,), growth={"keyspace_hits": hits, "keyspace_misses": misses})
    (found,) = run_one("R07", target, **ONE_LOOK)
    assert found.severity == severity
