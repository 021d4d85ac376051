"""Options and results of ``bench_info``, on benches made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import bench_info

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    """A bench with one site."""
    path = tmp_path / "frappe-bench"
    (path / "sites" / "a.example").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    (path / "sites" / "a.example" / "site_config.json").write_text('{"db_name": "_a"}')
    return path


def test_bench_in_a_folder(bench_path: Path) -> None:
    result = run_module(bench_info, bench_path=str(bench_path))
    assert (result["failed"], result["changed"]) == (False, False)
    assert [bench["path"] for bench in result["benches"]] == [str(bench_path)]


def test_benches_below_a_folder_that_have_the_site(bench_path: Path) -> None:
    folder = str(bench_path.parent)
    assert len(run_module(bench_info, search_paths=[folder], site="a.example")["benches"]) == 1
    assert run_module(bench_info, search_paths=[folder], site="b.example", check_mode=True)["benches"] == []


def test_one_way_of_looking_at_a_time(bench_path: Path) -> None:
    result = run_module(bench_info, bench_path=str(bench_path), search_paths=["/srv"])
    assert result["failed"]
    assert "mutually exclusive" in result["msg"]


def test_folder_without_a_bench(tmp_path: Path) -> None:
    assert run_module(bench_info, bench_path=str(tmp_path))["error_code"] == "bench_not_found"
