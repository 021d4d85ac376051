"""What becomes of the variables of a server in debug mode."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.variables import (
    LOG_NAME,
    VARIABLES,
    Change,
    changed_by_others,
    planned_changes,
    same,
    to_put_back,
    to_set,
    wanted_variables,
    without_changes,
)

OFF = {
    "slow_query_log": "OFF",
    "slow_query_log_file": "db1-slow.log",
    "long_query_time": "10.000000",
    "log_slow_rate_limit": "1",
    "log_slow_verbosity": "",
    "log_output": "FILE",
    "hostname": "db1",
}
ON = {**OFF, "slow_query_log": "ON", "long_query_time": "0.100000", "log_slow_verbosity": "innodb,explain"}


def test_log_that_is_off_gets_a_file_of_its_own() -> None:
    assert wanted_variables(OFF, 0.5) == {
        "slow_query_log_file": LOG_NAME,
        "log_output": "FILE",
        "log_slow_verbosity": "query_plan,explain",
        "log_slow_rate_limit": "1",
        "long_query_time": "0.500000",
        "slow_query_log": "ON",
    }


def test_log_that_is_on_stays_where_it_is_and_never_tells_less() -> None:
    wanted = wanted_variables({**ON, "log_output": "TABLE,FILE"}, 0.5)
    assert wanted["slow_query_log_file"] == "db1-slow.log"
    assert wanted["long_query_time"] == "0.100000"
    assert wanted["log_slow_verbosity"] == "innodb,explain,query_plan"
    assert wanted["log_output"] == "TABLE,FILE"
    assert wanted_variables(ON, 0.01)["long_query_time"] == "0.010000"


@pytest.mark.parametrize("output", ["TABLE", "NONE"])
def test_log_goes_into_a_file(output: str) -> None:
    assert wanted_variables({**OFF, "log_output": output}, 1)["log_output"] == "FILE"


def test_only_what_differs_is_changed_and_the_switch_comes_last() -> None:
    changes = planned_changes(OFF, {}, wanted_variables(OFF, 0.5))
    assert set(changes) == set(VARIABLES) - {"log_output", "log_slow_rate_limit"}
    assert changes["long_query_time"] == Change("10.000000", ("0.500000",))
    assert list(to_set(OFF, changes)) == [
        *("slow_query_log_file", "log_slow_verbosity", "long_query_time", "slow_query_log"),
    ]
    current = {**OFF, **to_set(OFF, changes)}
    assert to_set(current, changes) == {}
    assert next(iter(to_put_back(current, changes))) == "slow_query_log"
    assert {**current, **to_put_back(current, changes)} == OFF
    assert without_changes(current, changes) == OFF
    assert to_put_back(OFF, changes) == {}
    assert changed_by_others(current, changes) == changed_by_others(OFF, changes) == []


def test_second_plan_remembers_the_first_values_and_every_value_of_its_own() -> None:
    known = planned_changes(OFF, {}, wanted_variables(OFF, 2.0))
    current = {**OFF, **to_set(OFF, known)}
    assert planned_changes(current, known, wanted_variables(OFF, 2.0)) == known
    changed = planned_changes(current, known, wanted_variables(OFF, 1.0))
    assert changed["long_query_time"] == Change("10.000000", ("2.000000", "1.000000"))
    assert to_set(current, changed) == {"long_query_time": "1.000000"}
    # The run was killed before it set that: the older value is of debug mode as well.
    assert to_put_back(current, changed)["long_query_time"] == "10.000000"
    back = planned_changes(current, changed, {**wanted_variables(OFF, 2.0), "long_query_time": "10.000000"})
    assert back["long_query_time"].wanted == "10.000000"
    assert to_put_back({**current, "long_query_time": "10.000000"}, back).get("long_query_time") is None


def test_value_that_somebody_set_meanwhile_is_theirs() -> None:
    known = planned_changes(OFF, {}, wanted_variables(OFF, 2.0))
    current = {**OFF, **to_set(OFF, known), "long_query_time": "3.000000"}
    assert changed_by_others(current, known) == ["long_query_time"]
    assert "long_query_time" not in to_put_back(current, known)
    again = planned_changes(current, known, wanted_variables(without_changes(current, known), 2.0))
    assert again["long_query_time"] == Change("3.000000", ("2.000000",))


def test_parts_of_a_set_have_no_order() -> None:
    assert same("query_plan,explain", "explain,query_plan")
    assert not same("query_plan", "explain,query_plan")
    assert same("", "")
