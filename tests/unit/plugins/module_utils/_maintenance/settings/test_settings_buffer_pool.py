"""``buffer_pool`` and ``memory_budget``: what fits, what helps, and what a version can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.advice import Advice
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.buffer_pool import (
    advise_buffer_pool,
    step_bytes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import (
    GIB,
    MIB,
    HostMemory,
    Workers,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.memory_budget import MemoryBudget

from tests.settings_loads import BENCH_HOST, make_load

CHUNKS = {"innodb_buffer_pool_chunk_size": str(128 * MIB), "version": "10.6.12-MariaDB"}


def advised(**changes: Any) -> Advice:
    (advice,) = advise_buffer_pool(make_load(**changes))
    return advice


def test_budget_takes_everything_off_by_its_rule() -> None:
    """16 GiB - 1 GiB - 8 x 200 MiB - 6 x 150 MiB - 1 GiB - 0.3 GiB - 1.6 GiB."""
    assert MemoryBudget(BENCH_HOST).available_bytes / GIB == pytest.approx(
        16 - 1 - 1.5625 - 0.8789 - 1 - 0.3 - 1.6, 1e-3
    )


@pytest.mark.parametrize(
    ("host", "system_gib"),
    [
        (HostMemory(8 * GIB), 1),
        (HostMemory(64 * GIB), 3.2),
        (HostMemory(64 * GIB, other_bytes=5 * GIB), 5),
    ],
    ids=["small", "large", "others"],
)
def test_system_has_the_largest_of_three(host: HostMemory, system_gib: float) -> None:
    budget = MemoryBudget(host)
    assert budget.system_bytes == pytest.approx(system_gib * GIB)
    assert budget.socketio_bytes == 0


def test_budget_is_never_negative_and_knows_the_limit_of_the_service() -> None:
    assert MemoryBudget(HostMemory(GIB, web=Workers(20, GIB))).available_bytes == 0
    assert MemoryBudget(HostMemory(64 * GIB, server_limit_bytes=4.0 * GIB)).available_bytes == 4 * GIB


def test_misses_raise_it_to_the_tables_and_a_fifth() -> None:
    advice = advised(miss_percent=3.0)
    assert (advice.action, advice.advised) == ("raise", str(int(7.2 * GIB) // MIB * MIB))
    assert advice.numbers["innodb_bytes"] == 6 * GIB
    assert "3.0 % of all reads missed it" in advice.why


def test_memory_bounds_it_beside_a_bench_and_alone() -> None:
    beside = advised(miss_percent=3.0, innodb_bytes=100 * GIB)
    alone = advised(miss_percent=3.0, innodb_bytes=100 * GIB, host=vars(HostMemory(16 * GIB)))
    room = MemoryBudget(BENCH_HOST).available_bytes - 160 * MIB - 40 * 0.3 * 19 * MIB
    assert int(beside.advised) == int(room // MIB) * MIB
    assert int(alone.advised) == int(0.7 * 16 * GIB // MIB) * MIB
    assert int(advised(miss_percent=3.0, innodb_bytes=1e12, host={"web": Workers(), "queue": Workers()}).advised) == (
        int(0.6 * 16 * GIB // MIB) * MIB
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"miss_percent": 0.99}, "0.99 % of all reads"),
        ({"miss_percent": 1.0}, "1.00 % of all reads"),
        ({"miss_percent": None}, "too few pages"),
        ({"miss_percent": 9.0, "host": {"waiting_percent": 10.0}}, "wait for memory 10 %"),
        ({"miss_percent": 9.0, "innodb_bytes": 100 * MIB}, "enough for 100.0 MiB"),
        ({"miss_percent": 9.0, "innodb_bytes": 115 * MIB}, "within 10%"),
    ],
    ids=["few misses", "at the limit", "unknown", "no memory", "small tables", "tolerance"],
)
def test_it_is_left(changes: dict[str, Any], why: str) -> None:
    advice = advised(**changes)
    assert (advice.action, advice.advised) == ("leave", advice.now)
    assert why in advice.why


def test_unknown_pressure_does_not_keep_it_small() -> None:
    assert advised(miss_percent=9.0, host={"waiting_percent": None}).action == "raise"


def test_what_does_not_fit_is_lowered_and_says_what_goes() -> None:
    large = {"innodb_buffer_pool_size": str(14 * GIB)}
    advice = advised(variables=large, used_pool_bytes=13.0 * GIB)
    assert advice.action == "lower"
    assert int(advice.advised) < 10 * GIB
    assert "of the pages in it have to go" in advice.why
    assert "have to go" not in advised(variables=large, used_pool_bytes=GIB).why


def test_it_is_never_lowered_below_the_least() -> None:
    host = vars(HostMemory(2 * GIB, web=Workers(20, GIB)))
    assert advised(variables={"innodb_buffer_pool_size": str(GIB)}, host=host).advised == str(128 * MIB)
    advice = advised(variables={"innodb_buffer_pool_size": str(64 * MIB)}, host=host)
    assert (advice.action, advice.advised) == ("leave", str(64 * MIB))
    assert "as small as it should ever be" in advice.why


def test_host_that_is_not_known() -> None:
    (advice,) = advise_buffer_pool(replace(make_load(), host=None))
    assert (advice.action, advice.is_change) == ("unknown", False)


def test_step_is_a_chunk_where_the_version_has_chunks() -> None:
    load = make_load(CHUNKS)
    assert step_bytes(load) == MIB
    without_limit = {name: value for name, value in load.variables.items() if name != "innodb_buffer_pool_size_max"}
    old = replace(load, variables=without_limit, miss_percent=5.0)
    assert step_bytes(old) == 128 * MIB
    (advice,) = advise_buffer_pool(old)
    assert int(advice.advised) % (128 * MIB) == 0
    assert "whole chunks" in advice.caveats[0]
    several = old.with_value("innodb_buffer_pool_instances", "4")
    assert step_bytes(several) == 512 * MIB
    assert "steps of 1 MiB" in advise_buffer_pool(load)[0].caveats[0]
