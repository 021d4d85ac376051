"""Debug mode as people read it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.end import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.lines import ended_lines, state_lines
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.report import report
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import (
    DebugState,
    Ended,
    ServerDebug,
    SiteDebug,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.timer import Timer
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.variables import Change

NOW = 1_800_000_000.0
STATE = DebugState(
    (
        SiteDebug("one", "/b", 30, NOW, NOW + 1800, {"logging": 1, "monitor": 1}, "db:1"),
        SiteDebug("two", "/b", 30, NOW, NOW + 1800, {}, "db:2"),
    ),
    (
        ServerDebug("db:1", {"long_query_time": Change("10", ("0.500000",))}, "/d/slow.log"),
        ServerDebug("db:2", {"slow_query_log": Change("OFF", ("ON",))}),
    ),
)
FILE = {"path": "/d/slow.log", "bytes": 2048}
ENDED = Ended(NOW, "its time was over", ("one: somebody else changed monitor meanwhile, so it stays",), (FILE,))


def test_it_says_until_when_where_to_look_and_how_to_end_it() -> None:
    assert state_lines(STATE, NOW + 60, [FILE], has_timer=True) == [
        "one: debug mode until 2027-01-15T08:30:00+00:00 (for 29 min): logging: 1, monitor: 1",
        "two: debug mode until 2027-01-15T08:30:00+00:00 (for 29 min): its keys were on already",
        "db:1: statements from 0.5 s on are logged to /d/slow.log",
        "db:2: slow statements are logged to a log that lies on another host, which is not kept small from here",
        "gathered: /d/slow.log (2.0 KiB)",
        "The timer lifeboat-debug.timer puts everything back by itself; at once: "
        "ansible-playbook lifeboat.frappe.debug -e state=absent",
        "to look at it: ansible-playbook lifeboat.frappe.diagnose -e site=one",
        "to look at it: module lifeboat.frappe.slow_query_info with path: /d/slow.log",
    ]
    assert state_lines(STATE, NOW, [], has_timer=False)[4].startswith("NOTHING PUTS THIS BACK BY ITSELF.")


def test_it_says_how_it_ended_and_what_it_left() -> None:
    assert ended_lines(None) == ["debug mode is off, and was not on before"]
    assert ended_lines(ENDED) == [
        "debug mode is off since 2027-01-15T08:00:00+00:00: its time was over",
        "one: somebody else changed monitor meanwhile, so it stays",
        "left behind: /d/slow.log (2.0 KiB)",
    ]


def test_result_always_has_the_same_keys(tmp_path: Path) -> None:
    around = Surroundings(timer=Timer(root=tmp_path), clock=lambda: NOW)
    on = report({"changed": True, "state": STATE, "diff": {}, "notes": ["a note"]}, around)
    off = report({"changed": False, "state": DebugState(), "diff": {}, "ended": ENDED}, around)
    never = report({"changed": False, "state": DebugState(), "diff": {}, "ended": None}, around)
    assert set(on) == set(off) == set(never)
    assert on["lines"][-1] == "a note"
    assert on["servers"][1] == {"address": "db:2", "variables": {"slow_query_log": "ON"}, "slow_log": ""}
    assert on["sites"][0]["until"] == "2027-01-15T08:30:00+00:00"
    assert off["files"] == [FILE]
    assert never["files"] == []
