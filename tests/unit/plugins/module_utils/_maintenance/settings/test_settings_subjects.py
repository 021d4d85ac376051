"""``redo_log``, ``connections``, ``table_cache``, ``temporary_tables`` and ``durability``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.connections import (
    advise_connections,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.durability import advise_durability
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import GIB, MIB, HostMemory
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.redo_log import advise_redo_log
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.table_cache import (
    advise_table_cache,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.temporary_tables import (
    advise_temporary_tables,
)

from tests.settings_loads import make_load

LARGE_POOL = {"innodb_buffer_pool_size": str(4 * GIB)}


@pytest.mark.parametrize(
    ("hour_mib", "advised_mib"),
    [(97, 512), (600, 600), (600.5, 601), (9000, 4096)],
    ids=["least", "an hour", "whole mebibytes", "no more than the pool"],
)
def test_redo_log_holds_an_hour(hour_mib: float, advised_mib: int) -> None:
    (advice,) = advise_redo_log(make_load(LARGE_POOL, hour_bytes=hour_mib * MIB))
    assert (advice.action, int(advice.advised)) == ("raise", advised_mib * MIB)
    assert "only" in advice.why


def test_redo_log_has_a_least_size_though_the_pool_is_small() -> None:
    (advice,) = advise_redo_log(make_load(hour_bytes=9 * GIB))
    assert int(advice.advised) == 512 * MIB


def test_redo_log_is_at_most_16_gib() -> None:
    (advice,) = advise_redo_log(make_load({"innodb_buffer_pool_size": str(40 * GIB)}, hour_bytes=90 * GIB))
    assert int(advice.advised) == 16 * GIB


@pytest.mark.parametrize(
    ("hour_bytes", "why"), [(0.0, "more than a day"), (48 * MIB, "holds 2 h of changes")], ids=["idle", "enough"]
)
def test_redo_log_that_holds_an_hour_is_left(hour_bytes: float, why: str) -> None:
    (advice,) = advise_redo_log(make_load(hour_bytes=hour_bytes))
    assert (advice.action, advice.is_change) == ("leave", False)
    assert why in advice.why


def test_redo_log_needs_room() -> None:
    (advice,) = advise_redo_log(make_load(LARGE_POOL, hour_bytes=600 * MIB, free_bytes=1199.0 * MIB))
    assert (advice.action, advice.advised) == ("leave", advice.now)
    assert "no room" in advice.why
    (advice,) = advise_redo_log(make_load(LARGE_POOL, hour_bytes=600 * MIB, free_bytes=None))
    assert advice.action == "raise"


def test_redo_log_of_several_files_is_the_size_of_each() -> None:
    (advice,) = advise_redo_log(make_load(LARGE_POOL, hour_bytes=600 * MIB, redo_files=2))
    assert int(advice.advised) == 300 * MIB
    assert "each of 2 files" in advice.caveats[-1]


def test_connections_of_all_workers_and_a_reserve() -> None:
    (advice,) = advise_connections(make_load(expected_connections=200))
    assert (advice.action, advice.advised) == ("raise", "280")
    assert "200" in advice.why


def test_connections_of_the_peak() -> None:
    (advice,) = advise_connections(make_load(peak_connections=150))
    assert (advice.action, advice.advised) == ("raise", "180")


def test_connections_that_are_enough_are_left() -> None:
    (advice,) = advise_connections(make_load({"extra_port": "3307"}))
    assert (advice.action, advice.advised) == ("leave", "151")
    assert "extra_port 3307 keeps a way in" in advice.caveats[1]
    assert "extra_port is off" in advise_connections(make_load())[0].caveats[1]


def test_table_cache_is_raised_where_it_overflows() -> None:
    open_tables, _definitions = advise_table_cache(make_load(overflows=5.0))
    assert (open_tables.action, open_tables.advised) == ("raise", "12000")
    open_tables, _definitions = advise_table_cache(make_load(opened_per_second=51, sites=3))
    assert (open_tables.action, open_tables.advised) == ("raise", "4000")


def test_table_cache_is_bounded_by_files() -> None:
    open_tables, _definitions = advise_table_cache(make_load(overflows=5.0, open_files_limit=10_161))
    assert open_tables.advised == "5000"
    open_tables, _definitions = advise_table_cache(make_load(overflows=5.0, open_files_limit=100))
    assert (open_tables.action, open_tables.advised) == ("leave", "2000")
    assert "LimitNOFILE" in open_tables.why


def test_table_cache_is_left_where_nothing_tells_that_it_is_small() -> None:
    open_tables, definitions = advise_table_cache(make_load(opened_per_second=50.0))
    assert (open_tables.action, definitions.action) == ("leave", "leave")
    open_tables, _definitions = advise_table_cache(make_load(overflows=5.0, active_tables=10))
    assert (open_tables.action, open_tables.advised) == ("leave", "2000")
    assert "though it holds" in open_tables.why


def test_definitions_of_all_tables_fit() -> None:
    _open_tables, definitions = advise_table_cache(make_load(tables=700))
    assert (definitions.action, definitions.advised) == ("raise", "800")


def both(**changes: Any) -> tuple[Any, ...]:
    first, second = advise_temporary_tables(make_load(**changes))
    assert (first.variable, second.variable) == ("tmp_table_size", "max_heap_table_size")
    return first.action, first.advised, second.action, second.advised


def test_temporary_tables_get_one_step() -> None:
    value = str(64 * MIB)
    assert both(temporary_percent=26.0) == ("raise", value, "raise", value)
    assert both(temporary_percent=26.0, variables={"tmp_table_size": value}) == ("leave", value, "raise", value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"temporary_percent": None}, "too few"),
        ({"temporary_percent": 25.0}, "25 % went"),
        ({"temporary_percent": 90.0, "host": {"total_bytes": 4 * GIB}}, "no room"),
    ],
    ids=["few", "little", "no memory"],
)
def test_temporary_tables_are_left(changes: dict[str, Any], why: str) -> None:
    first, _second = advise_temporary_tables(make_load(**changes))
    assert (first.action, first.advised) == ("leave", first.now)
    assert why in first.why


def test_temporary_tables_of_a_host_that_is_not_known() -> None:
    first, _second = advise_temporary_tables(replace(make_load(temporary_percent=90.0), host=None))
    assert "is not known" in first.why


def test_temporary_tables_take_what_memory_leaves() -> None:
    host = vars(HostMemory(total_bytes=2.0 * GIB))
    first, _second = advise_temporary_tables(make_load(temporary_percent=90.0, host=host))
    assert 16 * MIB < int(first.advised) < 64 * MIB
    assert int(first.advised) % MIB == 0


def test_durability_names_what_a_power_cut_costs() -> None:
    variables = {"innodb_flush_log_at_trx_commit": "2", "innodb_doublewrite": "OFF"}
    found = {advice.variable: advice for advice in advise_durability(make_load(variables, writes_binary_log=True))}
    assert {name: advice.advised for name, advice in found.items()} == {
        "innodb_flush_log_at_trx_commit": "1",
        "sync_binlog": "1",
        "innodb_doublewrite": "ON",
    }
    assert all(advice.action == "set" for advice in found.values())


def test_durability_without_a_binary_log_leaves_it_out() -> None:
    found = {advice.variable: advice.action for advice in advise_durability(make_load())}
    assert found == {"innodb_flush_log_at_trx_commit": "leave", "innodb_doublewrite": "leave"}
