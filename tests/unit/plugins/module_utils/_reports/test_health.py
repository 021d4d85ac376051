"""A whole run and its result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import HealthOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Measurement
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.health import check_health

from tests.health_findings import make_check

CHECK = make_check(measure=lambda _host: [Measurement(25, text="a lot")], target=Host)


@pytest.fixture
def options(tmp_path: Path) -> HealthOptions:
    return HealthOptions(
        (CHECK,),
        search_paths=("/none",),
        state_path=tmp_path / "state",
        keep_history=True,
        textfile_path=tmp_path / "l.prom",
    )


def test_result_is_json_and_everything_is_written(options: HealthOptions, tmp_path: Path) -> None:
    result = check_health(options, Surroundings(root=tmp_path), may_write=True)
    assert json.loads(json.dumps(result)) == result
    assert set(result) == {"findings", "summary", "nagios", "benches", "notes", "seconds"}
    assert result["nagios"]["exit_code"] == 2
    assert result["nagios"]["line"].startswith("LIFEBOAT CRITICAL: 1 critical")
    assert 'lifeboat_check_status{check="X01"' in (tmp_path / "l.prom").read_text()
    assert (tmp_path / "state" / "health.jsonl").is_file()


def test_looking_writes_nothing(options: HealthOptions, tmp_path: Path) -> None:
    check_health(options, Surroundings(root=tmp_path), may_write=False)
    check_health(replace(options, keep_history=False, textfile_path=None), Surroundings(root=tmp_path), may_write=True)
    assert list(tmp_path.iterdir()) == []


def test_metrics_that_cannot_be_written_are_told(options: HealthOptions, tmp_path: Path) -> None:
    nowhere = replace(options, textfile_path=tmp_path / "missing" / "l.prom")
    result = check_health(nowhere, Surroundings(root=tmp_path), may_write=True)
    assert "could not be written" in result["notes"][-1]
    assert result["findings"]
