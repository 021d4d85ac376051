"""``site_maintenance`` on a bench made of files with no server: the site is closed all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_maintenance

from tests.modules import run_module

ORIGINAL = {"db_name": "_a", "pause_scheduler": False}


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    path = tmp_path / "frappe-bench" / "sites" / "a.example" / "site_config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(ORIGINAL))
    common = {"redis_queue": "redis://127.0.0.1:1", "redis_cache": "redis://127.0.0.1:1"}
    (path.parent.parent / "common_site_config.json").write_text(json.dumps(common))
    return path


def run(config_path: Path, state: str, *, check_mode: bool = False) -> dict[str, Any]:
    return run_module(
        site_maintenance,
        check_mode=check_mode,
        site="a.example",
        state=state,
        bench_path=str(config_path.parents[2]),
        state_path=str(config_path.parents[3] / "state"),
        login_host="127.0.0.1",
        login_port=1,
        config_file=str(config_path.parents[3] / "none"),
    )


def test_site_is_closed_and_opened_without_any_server(config_path: Path) -> None:
    closed = run(config_path, "present")
    assert closed["changed"]
    assert closed["ended_connections"] is None
    assert "Cannot use Redis" in closed["drained"]["skipped"]
    assert json.loads(config_path.read_text()) == {"db_name": "_a", "maintenance_mode": 1, "pause_scheduler": 1}
    assert not run(config_path, "present")["changed"]
    assert run(config_path, "absent")["changed"]
    assert json.loads(config_path.read_text()) == ORIGINAL


def test_check_mode_writes_nothing(config_path: Path) -> None:
    planned = run(config_path, "present", check_mode=True)
    assert planned["changed"]
    assert planned["diff"]["after"] == {"maintenance_mode": 1, "pause_scheduler": 1}
    assert json.loads(config_path.read_text()) == ORIGINAL
    assert not (config_path.parents[3] / "state").exists()


def test_invalid_configuration_is_an_error(config_path: Path) -> None:
    config_path.write_text("{")
    assert run(config_path, "present")["error_code"] == "configuration_invalid"
