from __future__ import annotations

from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.plan_text import plan_lines

from tests.replay_plans import REPLAY, UNDO
from tests.unit.plugins.plugin_utils.records import NAME, SITE, sample_plan

PROCEDURE: dict[str, Any] = {
    "title": "Recover from a backup set",
    "severity": "high",
    "steps": [{"name": "Promote", "who": "automation", "expected_seconds": 5}],
    "people": [{"who": "Person on call", "does": "Reads the plan."}],
}


def lines(**changes: Any) -> list[str]:
    plan = sample_plan()
    plan["replaces"].update(changes)
    return plan_lines({"needed": True, "plan": plan}, PROCEDURE)


def test_says_what_is_replaced_by_what() -> None:
    text = "\n".join(lines())
    assert f"{SITE}: Recover from a backup set (severity: high)" in text
    assert "Replaces:    database _1c8e72aa0b3d4f65 (402 tables, 2.0 GiB)" in text
    assert f"By the set:  {NAME} in " in text
    assert "(404 tables, 1.2 GiB, encrypted)" in text
    assert "Data of:     2026-11-21T03:00:02Z" in text
    assert "Lost:        what was written in the 45 min 12 s since then" in text
    assert "Passed over: 20261121_060001-erp_example_com: Its dump ends early." in text


def test_says_what_it_costs() -> None:
    text = "\n".join(lines())
    assert "Takes:       about 1 min 13 s" in text
    assert "Disk:        4.0 GiB in the data directory (20.0 GiB free)" in text
    assert "Disk:        1.0 GiB in the folder of the sites (what is free cannot be seen)" in text
    assert "Keeps:       what is replaced, until 2026-11-28T03:45:20Z" in text


def test_says_how_the_database_is_loaded() -> None:
    load = {"kind": "physical", "reason": "The files of the set's tables are imported."}
    shown = plan_lines({"needed": True, "plan": {**sample_plan(), "load": load}}, PROCEDURE)
    assert "Loads:       The files of the set's tables are imported." in shown
    assert not [line for line in lines() if line.startswith("Loads:")]


def test_shows_checks_warnings_steps_and_people() -> None:
    shown = lines()
    assert f"Checked:     The set is of {SITE}." in shown
    assert "Warning:     The live site's encryption key (a1) is not the set's (b2)." in shown
    assert "Step:        Promote (automation, expected 5 s)" in shown
    assert "Person on call: Reads the plan." in shown


def test_a_site_without_a_database() -> None:
    gone = {"database_exists": False, "exists": False}
    assert "Replaces:    nothing, the site has no database; its folder is missing" in lines(**gone)
    broken = {"database_exists": False, "configuration_valid": False}
    assert any(line.endswith("its folder is there, its configuration cannot be read") for line in lines(**broken))
    assert any(line.endswith("its folder is there") for line in lines(database_exists=False))


def test_nothing_to_do() -> None:
    shown = plan_lines({"needed": False, "plan": sample_plan()}, PROCEDURE)
    assert shown[0].startswith(f"{SITE} already lives from the set {NAME}")
    assert "again=true" in shown[1]


def of_point(**changes: Any) -> str:
    replay = {**REPLAY.as_dict(), **changes}
    return "\n".join(plan_lines({"needed": True, "plan": {**sample_plan(), "replay": replay, "undo": None}}, PROCEDURE))


def test_a_point_in_time_says_what_is_replayed_and_what_could_be() -> None:
    text = of_point()
    assert "Replays:     3 transactions of the site, 356 bytes of 2 binary logs from binlog.000001 on" in text
    assert "Up to:       2026-11-21T08:40:00+05:30, that is 0-1-9, before 0-1-10" in text
    assert "Window:      2026-11-20T18:40:00Z to 2026-11-21T05:46:40Z can be recovered to" in text
    assert "Lost:        what was written" in text
    assert "that is before every transaction\n" in of_point(gtid="", before="")


def test_the_latest_point_loses_nothing_and_says_for_how_long_the_site_is_closed() -> None:
    text = of_point(is_latest=True)
    assert "Lost:        nothing that the log holds" in text
    assert "down while the end of the log is replayed and loaded" in text


def test_an_undo_says_what_becomes_of_each_table() -> None:
    plan = {**sample_plan(), "replay": REPLAY.as_dict(), "undo": UNDO.as_dict()}
    shown = plan_lines({"needed": True, "plan": plan}, PROCEDURE)
    assert "Undoes:      0-1-7 of 2026-11-21T03:05:00Z, no row of which was changed since:" in shown
    assert "             tabSales Invoice: 400 rows come back, 1 rows become what they were" in shown
    assert "             tabVersion: 2 rows go" in shown
