"""Options and results of ``health_check``, on a host without a bench."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lifeboat.frappe.plugins.doc_fragments import health_settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.modules import health_check

from tests.modules import run_module
from tests.tools.checkout import ROOT

ACCEPTED = {"id": "H01", "reason": "why", "owner": "who", "expires": "2020-01-31"}


def run(tmp_path: Path, **options: Any) -> dict[str, Any]:
    where = {"search_paths": [str(tmp_path / "none")], "state_path": str(tmp_path / "state"), "checks": ["A01"]}
    return run_module(health_check, **{**where, **options})


def test_it_returns_the_same_keys_and_changes_nothing(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result["failed"], result["changed"]) == (False, False)
    documented = set(yaml.safe_load(health_check.RETURN))
    assert documented | {"changed", "failed", "invocation"} == set(result)
    assert set(result["summary"]) == {"counts", "score", "coverage", "worst"}
    (finding,) = result["findings"]
    assert set(finding) == set(yaml.safe_load(health_check.RETURN)["findings"]["contains"])
    assert "No bench was found" in result["notes"][0]


def test_expired_acceptance_is_a_finding(tmp_path: Path) -> None:
    result = run(tmp_path, accepted=[ACCEPTED])
    assert [(finding["id"], finding["severity"]) for finding in result["findings"]] == [("A01", "warning")]
    assert "expired" in result["findings"][0]["text"]
    assert result["nagios"]["exit_code"] == 1


def test_check_mode_keeps_no_history_and_writes_no_metrics(tmp_path: Path) -> None:
    wanted = {"keep_history": True, "textfile_path": str(tmp_path / "l.prom")}
    run(tmp_path, check_mode=True, **wanted)
    assert list(tmp_path.iterdir()) == []
    run(tmp_path, **wanted)
    assert {path.name for path in tmp_path.iterdir()} == {"state", "l.prom"}


@pytest.mark.parametrize(
    ("options", "error_code"),
    [
        ({"checks": ["Z99"]}, "check_unknown"),
        ({"skip": ["Z99"]}, "check_unknown"),
        ({"thresholds": {"A01": {"warning": "often"}}}, "threshold_invalid"),
        ({"accepted": [{**ACCEPTED, "expires": "one day"}]}, "acceptance_invalid"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(tmp_path: Path, options: dict[str, Any], error_code: str) -> None:
    result = run(tmp_path, **options)
    assert result["failed"]
    assert result["error_code"] == error_code


def test_named_bench_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert run_module(health_check, bench_path=str(tmp_path))["error_code"] == "bench_not_found"


def test_subjects_are_those_of_the_registry(tmp_path: Path) -> None:
    result = run(tmp_path, subjects=["weather"])
    assert result["failed"]
    assert "subjects" in result["msg"]


def test_documentation_says_every_setting_with_its_default() -> None:
    described = yaml.safe_load(health_settings.ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: option["default"] for name, option in described.items()} == {
        each.name: list(each.default) if isinstance(each.default, tuple) else each.default for each in fields(Settings)
    }
    arguments = health_check.settings_arguments()
    for name, option in described.items():
        assert {"type": option["type"], "elements": option.get("elements")} == {
            "type": arguments[name]["type"],
            "elements": arguments[name].get("elements"),
        }


def test_documented_times_are_the_defaults_of_the_runner() -> None:
    described = yaml.safe_load(health_check.DOCUMENTATION)["options"]
    for name in ("sample_seconds", "deadline_seconds", "timeout_seconds"):
        assert described[name]["default"] == getattr(RunOptions(), name)


def test_role_passes_every_option_of_the_module() -> None:
    described = set(yaml.safe_load(health_check.DOCUMENTATION)["options"])
    for name in ("benches", "health_settings", "login"):
        fragment = importlib.import_module(f"ansible_collections.lifeboat.frappe.plugins.doc_fragments.{name}")
        described |= set(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    passed = yaml.safe_load((ROOT / "roles" / "health" / "vars" / "main.yml").read_text())["__health_options"]
    assert set(passed) == described - {"connect_timeout"}, (
        "a check waits for a connection as long as its deadline lets it"
    )
