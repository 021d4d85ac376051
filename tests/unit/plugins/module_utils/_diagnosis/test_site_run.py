"""The run of a diagnosis on a bench made of files: what it does between the looks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, Site
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings, Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis import look
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.site_run import (
    DiagnosisRequest,
    Tools,
    run_diagnosis,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult


def no_manager(arguments: Sequence[str]) -> CommandResult:
    return CommandResult(tuple(arguments), 1, "", "")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Bench(tmp_path / "frappe-bench").site("a.example")
    site.path.mkdir(parents=True)
    site.config_path.write_text(json.dumps({"db_name": "_a", "db_password": "x", "db_port": 1}))
    site.config_path.chmod(0o604)
    common = {"redis_queue": "redis://127.0.0.1:1", "redis_cache": "redis://127.0.0.1:1", "webserver_port": 1}
    site.bench.common_config_path.write_text(json.dumps(common))
    return site


def test_after_a_fix_it_looks_until_the_time_is_over(site: Site, tmp_path: Path) -> None:
    slept: list[float] = []
    tools = Tools(run=no_manager, sleep=slept.append, clock=lambda: float(len(slept)))
    request = DiagnosisRequest(site, LoginOptions(), tmp_path / "state", fix=True, settle_seconds=2)
    result: dict[str, Any] = run_diagnosis(request, Surroundings(runner=no_manager), tools)
    assert slept == [0.5, 0.5]
    assert result["found"]["stage"] == result["broken"]["stage"] == "database"
    assert [record["fixes"][0]["after"] for record in read_records(tmp_path / "state")] == ["mode 0600"]


def test_every_check_has_the_time_that_was_given(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[RunOptions, Patience]] = []

    def run_checks(_checks: Any, targets: Sequence[Target], options: RunOptions) -> list[Finding]:
        found.extend((options, target.surroundings.patience) for target in targets)
        return []

    monkeypatch.setattr(look, "run_checks", run_checks)
    for deadline in ({}, {"deadline_seconds": 40}):
        request = DiagnosisRequest(site, LoginOptions(), tmp_path / "state", **deadline)
        run_diagnosis(request, Surroundings(runner=no_manager), Tools(run=no_manager))
    assert {patience.deadline_seconds for _options, patience in found} == {15, 40}
    assert all(options.deadline_seconds == patience.deadline_seconds for options, patience in found)
    assert {options.timeout_seconds for options, _patience in found} == {60, 160}


def test_without_fix_it_looks_once(site: Site, tmp_path: Path) -> None:
    tools = Tools(run=no_manager, sleep=lambda _seconds: pytest.fail("it waits for nothing"))
    result = run_diagnosis(
        DiagnosisRequest(site, LoginOptions(), tmp_path / "state"), Surroundings(runner=no_manager), tools
    )
    assert not result["changed"]
    assert [step["after"] for step in result["plan"]["steps"]] == ["mode 0600"]
    assert result["diff"] == {"before": "", "after": ""}
