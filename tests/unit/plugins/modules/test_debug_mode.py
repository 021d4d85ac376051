"""``debug_mode`` on a bench made of files, without the slow log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import debug_mode

from tests.modules import run_module

ORIGINAL = '{\n "db_name": "_a",\n "db_password": "hidden"\n}'


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    for name in ("a.example", "b.example"):
        site = tmp_path / "frappe-bench" / "sites" / name
        site.mkdir(parents=True)
        (site / "site_config.json").write_text(ORIGINAL)
    (tmp_path / "frappe-bench" / "sites" / "common_site_config.json").write_text('{"monitor": 1}')
    return tmp_path / "frappe-bench"


def run(bench: Path, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"slow_log": False, "allow_without_timer": True, "min_free_percent": 0, **options}
    places = {"bench_path": str(bench), "state_path": str(bench.parent / "state")}
    return run_module(debug_mode, check_mode=check_mode, **places, **given)


def configuration(bench: Path, site: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((bench / "sites" / site / "site_config.json").read_text())
    return values


def test_all_sites_or_one_and_back(bench: Path) -> None:
    begun = run(bench, site="a.example")
    assert begun["changed"]
    assert begun["servers"] == []
    assert configuration(bench, "a.example") == {**json.loads(ORIGINAL), "logging": 1, "enable_frappe_logger": 1}
    assert [site["site"] for site in run(bench)["sites"]] == ["a.example", "b.example"]
    assert not run(bench)["changed"]
    assert run(bench, state="absent", site="a.example")["changed"]
    assert configuration(bench, "a.example") == json.loads(ORIGINAL)
    assert run(bench, state="absent")["changed"]
    assert not run(bench, state="absent")["changed"]
    assert (bench / "sites" / "b.example" / "site_config.json").read_text() == ORIGINAL


def test_level_that_is_no_number_counts_as_none(bench: Path) -> None:
    path = bench / "sites" / "a.example" / "site_config.json"
    path.write_text('{"logging": "on"}')
    assert run(bench, site="a.example", monitor=False)["changed"]
    assert configuration(bench, "a.example")["logging"] == 1
    run(bench, state="absent")
    assert configuration(bench, "a.example") == {"logging": "on"}
    assert not run(bench, site="a.example", logging=0, monitor=False)["sites"][0]["values"]


def test_two_sites_of_one_name_are_not_mixed_up(bench: Path, tmp_path: Path) -> None:
    run(bench, site="a.example")
    other = tmp_path / "other-bench"
    (bench / "sites").rename(tmp_path / "moved")
    other.mkdir()
    (tmp_path / "moved").rename(other / "sites")
    assert run(other, site="a.example")["error_code"] == "bench_ambiguous"


def test_bench_must_be_there(tmp_path: Path) -> None:
    found = run_module(debug_mode, search_paths=[str(tmp_path / "none")], state_path=str(tmp_path / "state"))
    assert found["error_code"] == "bench_not_found"
    assert run_module(debug_mode, state="absent", state_path=str(tmp_path / "state"))["lines"]


@pytest.mark.parametrize("minutes", [0, 1441])
def test_time_is_bounded(bench: Path, minutes: int) -> None:
    assert run(bench, minutes=minutes)["error_code"] == "debug_time_invalid"
