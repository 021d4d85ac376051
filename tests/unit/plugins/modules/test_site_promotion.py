"""Options of ``site_promotion``, on a bench made of files with no server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_promotion

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    path = tmp_path / "frappe-bench"
    (path / "sites" / "a.example").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    return path


def test_promotion_needs_to_know_which_recovery(bench_path: Path) -> None:
    result = run_module(site_promotion, site="a.example", bench_path=str(bench_path))
    assert result["failed"]
    assert "recovery" in result["msg"]


@pytest.mark.parametrize("state", ["promoted", "rolled_back", "retired", "expired"])
def test_server_that_cannot_be_reached_changes_nothing(bench_path: Path, tmp_path: Path, state: str) -> None:
    state_path = tmp_path / "state"
    result = run_module(
        site_promotion,
        site="a.example",
        bench_path=str(bench_path),
        state_path=str(state_path),
        state=state,
        recovery="20261121T031522Z-9f3a",
        login_host="127.0.0.1",
        login_port=1,
        config_file=str(tmp_path / "none"),
    )
    assert result["error_code"] == "mariadb_unreachable"
    assert not state_path.exists()


def test_site_does_not_lead_out_of_the_bench(bench_path: Path) -> None:
    result = run_module(site_promotion, site="..", bench_path=str(bench_path), state="expired")
    assert result["error_code"] == "path_unsafe"
