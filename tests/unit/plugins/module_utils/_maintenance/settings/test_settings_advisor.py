"""``advisor``: what holds advice back, and that advice which was followed advises nothing new."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.advisor import advise
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import (
    GIB,
    MIB,
    HostMemory,
    Load,
    Workers,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.variables import VARIABLES
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.memory_need import MemoryNeed
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settings_loads import make_load

WANTING = {"miss_percent": 5.0, "hour_bytes": 2.0 * GIB, "temporary_percent": 60.0, "overflows": 9.0, "tables": 900}


def test_load_that_was_seen_too_shortly_advises_nothing() -> None:
    found = advise(make_load(seen_seconds=86399.0, **WANTING), (), 86400.0)
    assert {advice.action for advice in found} == {"wait"}
    assert "23 h 59 min only" in found[0].why
    assert any(advice.is_change for advice in advise(make_load(seen_seconds=86400.0, **WANTING), (), 86400.0))


def test_variables_that_are_kept_stay() -> None:
    found = advise(make_load(**WANTING), {"innodb_buffer_pool_size"}, 0.0)
    assert (found[0].action, found[0].why) == ("leave", "it is to be kept (option keep)")
    # The redo log is bounded by the pool that is kept.
    assert int(found[1].advised) == 512 * MIB


def test_each_subject_knows_what_was_advised_before() -> None:
    found = {advice.variable: advice for advice in advise(make_load(**WANTING), (), 0.0)}
    assert int(found["innodb_log_file_size"].advised) == 2 * GIB
    assert found["innodb_log_file_size"].numbers["buffer_pool_bytes"] == int(found["innodb_buffer_pool_size"].advised)


sizes = st.integers(16 * MIB, 512 * GIB)
shares = st.one_of(st.none(), st.floats(0, 100))
loads = st.builds(
    lambda pool, thread, peak, host, variables, **others: replace(
        make_load({**variables, "innodb_buffer_pool_size": str(pool)}, peak_connections=peak, **others),
        need=MemoryNeed(pool, pool + 200 * MIB, thread, peak, 151),
        host=host,
    ),
    pool=sizes,
    thread=st.integers(MIB, 300 * MIB),
    peak=st.integers(1, 5000),
    variables=st.fixed_dictionaries(
        {
            "innodb_log_file_size": st.integers(4 * MIB, 64 * GIB).map(str),
            "max_connections": st.integers(20, 5000).map(str),
            "table_open_cache": st.integers(400, 50_000).map(str),
            "table_definition_cache": st.integers(400, 50_000).map(str),
            "tmp_table_size": st.integers(1, 256).map(lambda mebibytes: str(mebibytes * MIB)),
            "innodb_flush_log_at_trx_commit": st.sampled_from("0123"),
            "innodb_doublewrite": st.sampled_from(("ON", "OFF")),
        }
    ),
    host=st.one_of(
        st.none(),
        st.builds(
            HostMemory,
            total_bytes=st.floats(256 * MIB, 1024 * GIB),
            server_limit_bytes=st.one_of(st.none(), st.floats(MIB, 64 * GIB)),
            web=st.builds(Workers, st.integers(0, 100), st.floats(0, GIB)),
            queue=st.builds(Workers, st.integers(0, 100), st.floats(0, GIB)),
            redis_bytes=st.floats(0, 8 * GIB),
            has_bench=st.booleans(),
            other_bytes=st.floats(0, 64 * GIB),
            waiting_percent=shares,
        ),
    ),
    innodb_bytes=st.floats(0, 2048 * GIB),
    used_pool_bytes=st.floats(0, 512 * GIB),
    miss_percent=shares,
    hour_bytes=st.floats(0, 200 * GIB),
    redo_files=st.sampled_from((1, 2)),
    free_bytes=st.one_of(st.none(), st.floats(0, 1024 * GIB)),
    expected_connections=st.integers(0, 5000),
    tables=st.integers(0, 100_000),
    active_tables=st.integers(0, 20_000),
    sites=st.integers(0, 50),
    overflows=st.floats(0, 1000),
    opened_per_second=st.floats(0, 500),
    open_files_limit=st.integers(1024, 1_000_000),
    temporary_percent=shares,
    writes_binary_log=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(loads)
def test_what_is_advised_can_be_set_and_fits(load: Load) -> None:
    for advice in advise(load, (), 0.0):
        if not advice.is_change:
            assert advice.advised == advice.now
            continue
        assert VARIABLES[advice.variable].value(advice.advised) == advice.advised
        assert advice.advised != advice.now
        assert advice.formula
        assert advice.source
        if advice.variable == "innodb_buffer_pool_size":
            assert load.host is not None
            assert int(advice.advised) <= max(128 * MIB, 0.7 * load.host.total_bytes)


@settings(max_examples=60, deadline=None)
@given(loads)
def test_advice_that_was_followed_advises_nothing_new(load: Load) -> None:
    after = load
    for advice in advise(load, (), 0.0):
        after = after.with_value(advice.variable, advice.advised)
    changes = [advice for advice in advise(after, (), 0.0) if advice.is_change]
    assert not changes, changes


@pytest.mark.parametrize("value", ["1.5", "2e3"], ids=["fraction", "exponent"])
def test_numbers_of_a_server_are_whole(value: str) -> None:
    assert make_load({"max_connections": value}).number("max_connections") == int(float(value))
