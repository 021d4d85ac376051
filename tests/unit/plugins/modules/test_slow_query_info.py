"""Options of ``slow_query_info``; what it does with them is shown on a real server."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils import _module
from ansible_collections.lifeboat.frappe.plugins.modules import slow_query_info

from tests.modules import run_module


def test_a_source_that_does_not_exist():
    result = run_module(slow_query_info, source="crystal_ball")
    assert result["failed"]
    assert "crystal_ball" in result["msg"]


def test_a_folder_that_is_no_bench(tmp_path: Path):
    result = run_module(slow_query_info, bench_path=str(tmp_path))
    assert result["error_code"] == "bench_not_found"


def test_the_benches_of_the_host_are_found(monkeypatch):
    monkeypatch.setattr(slow_query_info, "find_benches", lambda: ["all"])
    assert slow_query_info.find_module_benches({"bench_path": None}) == ["all"]


def test_without_the_library(tmp_path: Path, monkeypatch):
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "apps.txt").write_text("frappe\n")
    monkeypatch.setattr(_module, "HAS_PYMYSQL", False)
    result = run_module(slow_query_info, bench_path=str(tmp_path))
    assert (result["failed"], result["error_code"]) == (True, "library_missing")
