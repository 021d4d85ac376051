"""The metrics of drills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import append_drill_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.drill_textfile import (
    drill_textfile,
    write_drill_textfile,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def record(minute: int, outcome: str, rto_seconds: float | None = 12.5, site: str = "a.b") -> dict[str, Any]:
    """Return what the metrics look at."""
    ended_at = f"2026-11-21T03:{minute:02d}:00Z"
    return {"site": site, "ended_at": ended_at, "outcome": outcome, "kind": "logical", "rto_seconds": rto_seconds}


def samples(text: str) -> list[str]:
    """Return the lines that are no comment."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_each_site_has_its_last_drill() -> None:
    """The last success and the last time may be those of an earlier drill."""
    text = drill_textfile({"a.b": [record(0, "passed"), record(1, "failed", None)], "c.d": [record(2, "passed", 3)]})
    assert samples(text) == [
        'lifeboat_drill_ok{site="a.b"} 0',
        'lifeboat_drill_ok{site="c.d"} 1',
        'lifeboat_drill_last_run_timestamp_seconds{site="a.b"} 1795230060',
        'lifeboat_drill_last_run_timestamp_seconds{site="c.d"} 1795230120',
        'lifeboat_drill_last_success_timestamp_seconds{site="a.b"} 1795230000',
        'lifeboat_drill_last_success_timestamp_seconds{site="c.d"} 1795230120',
        'lifeboat_drill_rto_seconds{site="a.b",kind="logical"} 12.5',
        'lifeboat_drill_rto_seconds{site="c.d",kind="logical"} 3',
    ]


def test_a_site_whose_drills_never_passed_has_no_last_success() -> None:
    """Nor any time, when none came so far."""
    text = drill_textfile({"a.b": [record(0, "failed", None)], "c.d": []})
    assert samples(text) == [
        'lifeboat_drill_ok{site="a.b"} 0',
        'lifeboat_drill_last_run_timestamp_seconds{site="a.b"} 1795230000',
    ]


def test_every_site_of_the_host_is_written(tmp_path: Path) -> None:
    """A drill of one site does not take the metrics of the others away."""
    for site in ("a.b", "c.d"):
        append_drill_record(tmp_path / "state", record(0, "passed", site=site))
    write_drill_textfile(tmp_path / "drills.prom", tmp_path / "state")
    assert {'lifeboat_drill_ok{site="a.b"} 1', 'lifeboat_drill_ok{site="c.d"} 1'} <= set(
        samples((tmp_path / "drills.prom").read_text())
    )


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(LifeboatError, match="Make its folder") as failed:
        write_drill_textfile(tmp_path / "absent" / "drills.prom", tmp_path)
    assert failed.value.error_code == "report_unwritable"
