"""``plan``, ``lines`` and ``outcome``: what is done now, what waits, and what is put back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.advice import Advice
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.drop_in import read_drop_in
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.kept import Kept, KeptStore
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.lines import (
    advice_lines,
    change_lines,
    shrink_lines,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.live import LiveVariable, is_same
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import GIB, MIB
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.option_files import Place
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.outcome import next_step, outcome
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.plan import (
    SettingsPlan,
    after_restart,
    plan_return,
    plan_settings,
    pool_limit,
)

LIVE = {
    "max_connections": LiveVariable("151", True),
    "innodb_buffer_pool_size": LiveVariable(str(128 * MIB), True, MIB),
    "innodb_log_file_size": LiveVariable(str(96 * MIB), False, 4096),
    "innodb_doublewrite": LiveVariable("OFF", False),
}
TEXT = "[mariadbd]\nmax_connections=300\ninnodb_buffer_pool_size=1G\ninnodb_log_file_size=1G\ninnodb_doublewrite=ON\n"
WANTED = read_drop_in(TEXT)
NAMES = set(WANTED.values)


def test_dynamic_variables_now_others_later() -> None:
    plan = plan_settings(None, WANTED, LIVE, NAMES, None)
    assert (plan.writes_file, plan.is_empty) == (True, False)
    assert plan.live == {"max_connections": "300", "innodb_buffer_pool_size": str(GIB)}
    assert plan.pending == {"innodb_log_file_size": str(GIB), "innodb_doublewrite": "ON"}
    assert plan.present == {name: variable.value for name, variable in LIVE.items()}


def test_pool_above_the_limit_of_the_server_waits() -> None:
    limit = pool_limit({"innodb_buffer_pool_size_max": str(512 * MIB)})
    plan = plan_settings(None, WANTED, LIVE, NAMES, limit)
    assert "innodb_buffer_pool_size" in plan.pending
    assert pool_limit({}) is None
    later = after_restart({"port": "3306"}, WANTED, LIVE, limit, unfinished=False)
    assert set(later) == {"port", *plan.pending}
    assert set(after_restart({}, WANTED, LIVE, limit, unfinished=True)) == NAMES


def test_what_the_server_has_is_not_set_again() -> None:
    live = {**LIVE, "max_connections": LiveVariable("300", True), "innodb_doublewrite": LiveVariable("ON", False)}
    plan = plan_settings(TEXT, WANTED, live, {"max_connections"}, None)
    assert plan.is_empty
    assert set(plan.pending) == {"innodb_buffer_pool_size", "innodb_log_file_size"}


def test_variable_that_the_server_does_not_have_is_left_out() -> None:
    assert not plan_settings(TEXT, WANTED, {}, NAMES, None).pending


@pytest.mark.parametrize(
    ("value", "same"), [(GIB, True), (GIB + MIB - 1, True), (GIB + MIB, False), (GIB - MIB, False)]
)
def test_server_has_a_size_as_near_as_its_steps(value: int, same: bool) -> None:
    assert is_same(LiveVariable(str(value), True, MIB), "innodb_buffer_pool_size", str(GIB)) is same


def test_way_back() -> None:
    values = {name: variable.value for name, variable in LIVE.items()} | {"gone": "1"}
    live = {**LIVE, "max_connections": LiveVariable("300", True), "innodb_doublewrite": LiveVariable("ON", False)}
    plan = plan_return(TEXT, None, values, live)
    assert (plan.writes_file, plan.after) == (True, None)
    assert plan.live == {"max_connections": "151"}
    assert plan.pending == {"innodb_doublewrite": "OFF"}
    assert plan_return(TEXT, TEXT, values, LIVE).is_empty


def test_lines_tell_what_is_planned_and_what_was_done() -> None:
    plan = plan_settings(None, WANTED, LIVE, NAMES, None)
    lines = change_lines(plan, {"max_connections": "it is set again"}, is_planned=True)
    assert lines[0] == "the file of options would be written"
    assert "innodb_buffer_pool_size = 1024M would be set now" in lines
    assert "innodb_doublewrite = ON waits for the next restart" in lines
    assert lines[-1] == "max_connections will be another after a restart: it is set again"
    gone = SettingsPlan(TEXT, None, {}, {}, {})
    assert change_lines(gone, {}, is_planned=False) == ["the file of options is removed"]


def test_pool_that_becomes_smaller_than_what_is_in_it_is_told() -> None:
    smaller = SettingsPlan(TEXT, TEXT, {"innodb_buffer_pool_size": str(96 * MIB)}, {}, {})
    assert "32.0 MiB of the pages in it have to go" in shrink_lines(smaller, 128.0 * MIB)[0]
    assert shrink_lines(smaller, 96.0 * MIB) == []
    assert shrink_lines(SettingsPlan(TEXT, TEXT, {"max_connections": "1"}, {}, {}), 128.0 * MIB) == []


def test_outcome_has_the_same_keys_whatever_happened() -> None:
    plan = plan_settings(None, WANTED, LIVE, NAMES, None)
    done = outcome(plan, Kept("/x", variables={"max_connections": "151"}), WANTED, Place(Path("/x")), ["a"])
    nothing = outcome(SettingsPlan(None, None, {}, {}, {}), None, read_drop_in(""), Place(None, "no server"), [])
    assert set(done) == set(nothing)
    assert (done["changed"], nothing["changed"]) == (True, False)
    assert done["previous"] == {"max_connections": "151"}
    assert done["diff"][1]["before"]["max_connections"] == "151"
    assert (nothing["drop_in_path"], nothing["applied"]) == ("", {})


def test_next_step() -> None:
    assert next_step(Place(None, "it runs elsewhere"), is_new=True) == "Advice only: it runs elsewhere."
    assert next_step(Place(Path("/x")), is_new=False) == "Nothing new is advised."
    assert "-e apply=true" in next_step(Place(Path("/x")), is_new=True)


def test_originals_are_those_of_the_first_change(tmp_path: Path) -> None:
    store = KeptStore(tmp_path, "db1", "/var/lib/mysql/")
    assert store.read() is None
    store.write(Kept("/x", None, {"max_connections": "151"}, unfinished=True))
    kept = store.read()
    assert kept is not None
    store.write(kept.with_originals({"max_connections": "300", "sync_binlog": "0"}))
    found = store.read()
    assert found is not None
    assert (found.variables, found.unfinished) == ({"max_connections": "151", "sync_binlog": "0"}, True)
    assert store.path == tmp_path / "database_settings" / "db1-var-lib-mysql" / "previous.json"
    store.forget()
    assert store.read() is None


def test_what_stays_for_the_same_reason_is_one_line() -> None:
    """Ten variables that wait for a longer look at the load are one thing to know."""
    kept = Advice("buffer pool", "innodb_buffer_pool_size", "67108864", "67108864", "wait", "a day is needed", "f", "s")
    other = replace(kept, variable="max_connections", now="151", advised="151")
    left = replace(other, action="leave", why="it fits")
    changed = replace(other, advised="200", action="raise", why="it is used up", caveats=("ask first",))
    assert advice_lines([kept, left, other, changed]) == [
        "max_connections: 151 -> 200: it is used up",
        "  formula: f",
        "  note: ask first",
        "stays (wait): a day is needed: innodb_buffer_pool_size 64M, max_connections 151",
        "stays (leave): it fits: max_connections 151",
    ]
