"""Options and errors of ``staging_files``; what it stages is tested with a real server."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import staging_files

from tests.modules import run_module


@pytest.fixture
def options(tmp_path):
    (tmp_path / "bench/sites/a.b").mkdir(parents=True)
    (tmp_path / "bench/sites/common_site_config.json").write_text("{}")
    return {
        "site": "a.b",
        "bench_path": str(tmp_path / "bench"),
        "state_path": str(tmp_path / "state"),
        "recovery": "20261121T031522Z-9f3a",
    }


def test_a_recovery_that_was_never_begun_is_said(options):
    assert run_module(staging_files, **options)["error_code"] == "recovery_unknown"


def test_nothing_staged_is_nothing_to_remove(options, tmp_path):
    result = run_module(staging_files, state="absent", **options)
    assert (result["changed"], result["files"], result["bytes"], result["steps"]) == (False, 0, 0, [])
    assert result["plan"] == {"extracts": [], "removes": False, "keeps_live": []}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["site", "recovery"])
def test_site_and_recovery_are_required(options, name):
    del options[name]
    result = run_module(staging_files, **options)
    assert result["failed"]
    assert f"missing required arguments: {name}" in result["msg"]


def test_a_name_that_leads_elsewhere_is_refused(options):
    options["recovery"] = "../../etc"
    assert run_module(staging_files, **options)["error_code"] == "path_unsafe"
