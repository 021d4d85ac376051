"""How long a recovery will take, from what others took."""

from __future__ import annotations

from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.estimate import estimate_steps
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.work import RecoveryWork

MILLION = 1_000_000


def seconds(records: list[dict[str, Any]], drills: list[dict[str, Any]], **changes: Any) -> dict[str, float]:
    work = {"kind": "logical", "loaded_bytes": 0, "needed_bytes": 0, "files_bytes": 0, "replayed_bytes": None}
    steps = estimate_steps(records, drills, RecoveryWork(**{**work, **changes}, reason=""))
    return {step.name: step.estimate_seconds for step in steps}


def loaded(rate: float, **values: Any) -> dict[str, Any]:
    return {"module": "staging_database", "bytes": rate * MILLION, "seconds": 1, **values}


def drilled(kind: str, **rates: float) -> dict[str, Any]:
    phases = [{"name": name, "bytes": rate * MILLION, "seconds": 1, "outcome": "done"} for name, rate in rates.items()]
    return {"kind": kind, "phases": [*phases, {"name": "load", "bytes": 1, "seconds": 9, "outcome": "failed"}]}


def test_without_records_the_measured_defaults_are_used():
    found = seconds([], [], loaded_bytes=200 * MILLION, files_bytes=100 * MILLION)
    assert found["staging_database"] == 15.0
    assert found["staging_files"] == 2.0
    assert "replay" not in found
    physical = seconds([], [], kind="physical", loaded_bytes=200 * MILLION, replayed_bytes=100 * MILLION)
    assert (physical["staging_database"], physical["replay"]) == (7.0, 7.0)


def test_the_median_of_the_last_recoveries_counts():
    records = [loaded(rate) for rate in (1, 1, 1, 1, 10, 10, 10)]
    records += [{**loaded(1), "bytes": 0}, {"module": "site_promotion", "seconds": 2}]
    assert seconds(records, [], loaded_bytes=100 * MILLION)["staging_database"] == 15.0


def test_each_way_of_loading_has_its_own_rate():
    records = [loaded(1, kind="logical"), loaded(50, kind="physical"), loaded(7, kind="physical+replay")]
    assert seconds(records, [], loaded_bytes=100 * MILLION)["staging_database"] == 105.0
    assert seconds(records, [], kind="physical", loaded_bytes=100 * MILLION)["staging_database"] == 7.0


def test_drills_count_where_there_are_too_few_recoveries():
    drills = [drilled("physical+replay", load=20, files=10, replay=4)] * 4
    work = {"kind": "physical", "loaded_bytes": 100 * MILLION, "files_bytes": 100 * MILLION, "replayed_bytes": MILLION}
    assert seconds([], drills, **work) == {
        "replay": 5.2,
        "staging_database": 10.0,
        "staging_files": 11.0,
        "site_promotion": 5.0,
        "site_verification": 5.0,
    }
    assert seconds([loaded(100, kind="physical")] * 5, drills, **work)["staging_database"] == 6.0


def test_a_replay_is_known_from_the_steps_of_a_recovery():
    steps = [{"name": "staging_database.replay", "bytes": MILLION, "seconds": 1}, {"name": "promote", "seconds": 1}]
    assert seconds([{"module": "site_recovery", "steps": steps}], [], replayed_bytes=10 * MILLION)["replay"] == 15.0
