"""The records of what the modules did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import (
    append_record,
    read_records,
    recorded,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_records_are_read_in_their_order(tmp_path: Path) -> None:
    state_path = tmp_path / "state"
    assert read_records(state_path) == []
    for number in range(3):
        append_record(state_path, {"number": number})
    assert [record["number"] for record in read_records(state_path)] == [0, 1, 2]
    assert (state_path / "records.jsonl").stat().st_mode & 0o777 == 0o600


def test_work_is_recorded_with_its_seconds_and_facts(tmp_path: Path) -> None:
    with recorded(tmp_path, module="site_promotion", site="erp.localhost") as record:
        record["steps"] = []
    (found,) = read_records(tmp_path)
    assert found["seconds"] >= 0
    assert {key: found[key] for key in ("module", "site", "steps")} == {
        "module": "site_promotion",
        "site": "erp.localhost",
        "steps": [],
    }
    assert found["user"]
    assert found["started_at"].endswith("+00:00")
    assert "error_code" not in found


def test_work_that_cannot_be_recorded_has_failed_unless_that_matters_less(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with recorded(tmp_path / "state", is_required=False, module="cleanup") as record:
        record["bytes"] = 5
    with pytest.raises(OSError, match="directory"), recorded(tmp_path / "state", module="site_backup"):
        pass


def test_failed_work_is_recorded_with_its_error_code(tmp_path: Path) -> None:
    with pytest.raises(LifeboatError), recorded(tmp_path, module="site_promotion"):
        raise LifeboatError("It failed.", "disk_space")
    assert json.loads((tmp_path / "records.jsonl").read_text())["error_code"] == "disk_space"
