"""The record of a drill, put together from what was measured and proven."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.lock import running_drill
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.phases import Phases
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.point import DrillPoint
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.record import (
    drill_error,
    record_of_dead,
    summarise_drill,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.trend import Trend

SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "drill-record.schema.json").read_text())
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
ENDED = "2026-11-21T03:05:00Z"
RUNNING = running_drill("20261121T030000Z-9f3a", "a.b", Path("/scratch"), NOW)
SET = {
    "name": "20261121_020000-a_b",
    "folder": "/b",
    "location": "local",
    "kinds": ["logical"],
    "size_bytes": 5,
    "recovery_point": "2026-11-21T02:00:00Z",
    "encrypted": False,
    "versions": {},
    "reasons": ["not in a record"],
}


def measured(*names: str) -> Phases:
    """Return phases of a second each."""
    seconds = iter(range(100))
    phases = Phases(lambda _name, _event: None, lambda: float(next(seconds)))
    for name in names:
        with phases.run(name):
            pass
    return phases


def record(plan: dict[str, Any], phases: Phases, **values: Any) -> dict[str, Any]:
    """Return a record, which is in the shape that is documented."""
    common: dict[str, Any] = {"kind": "", "point": None, "findings": (), "trend": None, "error": None, **values}
    made = summarise_drill(running=RUNNING, bench_path="/bench", plan=plan, phases=phases, ended_at=ENDED, **common)
    jsonschema.validate(made, SCHEMA)
    return made


def test_the_time_of_a_recovery_is_that_of_the_phases_that_it_has_as_well() -> None:
    """Proofs count for the drill, and cleaning up for neither."""
    replay = {"target": "t", "gtid": "0-1-7", "bytes": 3, "transactions": 2, "files": ["not in a record"]}
    plan = {"set": SET, "recovery_point": "2026-11-21T02:30:00Z", "replay": replay}
    made = record(
        plan,
        measured("verify", "load", "replay", "files", "prove", "cleanup"),
        kind="logical+replay",
        point=DrillPoint("newest", "/b/x", "The newest set."),
        findings=[Finding("tables", "ok", "All is well.")],
        trend=Trend(4.0, 0.0, None, 0, 1.5),
    )
    assert (made["outcome"], made["rto_seconds"], made["seconds"]) == ("passed", 4.0, 5.0)
    assert made["recovery_point"] == "2026-11-21T02:30:00Z"
    assert "reasons" not in made["set"]
    assert "files" not in made["replay"]


def test_a_drill_that_did_not_come_to_its_proofs_has_no_time_of_a_recovery() -> None:
    """It would be compared with those that did."""
    error = {"code": "disk_space", "reason": "Full."}
    made = record({"set": SET}, measured("verify", "load", "cleanup"), error=error)
    assert (made["outcome"], made["rto_seconds"], made["seconds"]) == ("failed", None, 2.0)
    assert made["recovery_point"] == SET["recovery_point"]


def test_a_drill_without_a_set_is_recorded_as_well() -> None:
    """With nothing invented."""
    made = record({}, measured("verify"), error={"code": "backup_not_found", "reason": "None."})
    assert (made["set"], made["recovery_point"], made["replay"]) == (None, None, None)


def test_a_dead_drill_is_recorded_as_failed() -> None:
    """With the phase in which it died, if it came so far."""
    made = record_of_dead(RUNNING, "/bench", ENDED)
    jsonschema.validate(made, SCHEMA)
    assert (made["outcome"], made["error"]["code"], made["phases"]) == ("failed", "module_killed", [])
    assert " during " not in made["error"]["reason"]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((), None),
        (("budget",), "drill_too_slow"),
        (("budget", "trend"), "drill_too_slow"),
        (("trend", "rows"), "drill_failed"),
    ],
    ids=["none", "the budget", "only time", "a proof as well"],
)
def test_what_failed_has_a_code_of_its_own(names: tuple[str, ...], code: str | None) -> None:
    """Too slow is another thing than unproven."""
    findings = [Finding("tables", "ok", "Well."), *(Finding(name, "failed", f"Wrong {name}.") for name in names)]
    error = drill_error("a.b", findings)
    assert (error["code"] if error else None) == code
    assert all(f"Wrong {name}." in (error or {})["reason"] for name in names)
