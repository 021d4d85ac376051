"""``site_diagnosis`` on a bench made of files with no server: the first thing that is broken is named all the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_diagnosis

from tests.modules import run_module

OTHER = 65534


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    path = tmp_path / "frappe-bench" / "sites" / "a.example" / "site_config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"db_name": "_a", "db_password": "x", "db_port": 1}))
    path.chmod(0o640)
    common = {"redis_queue": "redis://127.0.0.1:1", "redis_cache": "redis://127.0.0.1:1", "webserver_port": 1}
    (path.parent.parent / "common_site_config.json").write_text(json.dumps(common))
    return path


def run(config_path: Path, **options: Any) -> dict[str, Any]:
    given = {"site": "a.example", "settle_seconds": 0, "config_file": "/nonexistent", **options}
    return run_module(
        site_diagnosis,
        bench_path=str(config_path.parents[2]),
        state_path=str(config_path.parents[3] / "state"),
        **given,
    )


def test_first_stage_that_is_broken_is_named(config_path: Path) -> None:
    result = run(config_path)
    assert not result["changed"]
    assert not result["healthy"]
    assert (result["broken"]["stage"], result["broken"]["check"]) == ("database", "D01")
    assert "systemctl start mariadb" in result["broken"]["command"]
    assert result["stages"]["configuration"] == "ok"
    assert [problem["check"] for problem in result["also_broken"]] == ["R01", "R01", "W01"][
        -len(result["also_broken"]) :
    ]
    assert not (config_path.parents[3] / "state").exists()


def test_configuration_of_the_bench_that_is_broken_is_named(config_path: Path) -> None:
    (config_path.parent.parent / "common_site_config.json").write_text("{")
    first = run(config_path, fix=True)["broken"]
    assert (first["stage"], first["check"]) == ("configuration", "F01")
    assert "common_site_config.json" in first["command"]


def test_site_without_a_folder_is_named(config_path: Path) -> None:
    assert run(config_path, site="other.example")["broken"]["check"] == "F01"


def test_fix_in_check_mode_changes_nothing(config_path: Path) -> None:
    config_path.chmod(0o644)
    planned = run(config_path, fix=True, check_mode=True)
    assert planned["changed"]
    assert [step["after"] for step in planned["plan"]["steps"]] == ["mode 0640"]
    assert planned["fixed"] == []
    assert planned["diff"] == {"before": f"{config_path}: mode 0644\n", "after": f"{config_path}: mode 0640\n"}
    assert config_path.stat().st_mode & 0o777 == 0o644
    done = run(config_path, fix=True)
    assert done["changed"]
    assert [fix["after"] for fix in done["fixed"]] == ["mode 0640"]
    assert not run(config_path, fix=True)["changed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_configuration_that_the_bench_may_not_read_is_named_and_given_back(config_path: Path) -> None:
    for path in (config_path.parents[2], *config_path.parents[2].rglob("*")):
        os.chown(path, OTHER, OTHER)
    os.chown(config_path, 0, 0)
    config_path.chmod(0o600)
    first = run(config_path)["broken"]
    assert (first["stage"], first["check"]) == ("configuration", "")
    assert "may not read site_config.json" in first["text"]
    result = run(config_path, fix=True)
    assert [(fix["before"], fix["after"]) for fix in result["fixed"]] == [("owner root", f"owner {OTHER}")]
    assert result["broken"]["stage"] == "database"
    assert config_path.stat().st_uid == OTHER


def test_fix_that_fails_says_why(config_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config_path.chmod(0o644)

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    (fix,) = run(config_path, fix=True)["fixed"]
    assert "failed: Operation not permitted" in fix["after"]


def test_checks_are_left_out_by_their_ids(config_path: Path) -> None:
    result = run(config_path, skip=["D01", "R01"])
    assert result["stages"]["database"] == "skipped"
    assert result["broken"]["stage"] not in ("database", "redis")
    assert run(config_path, skip=["X99"])["error_code"] == "check_unknown"
