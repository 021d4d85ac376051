"""Options of ``site_recovery``, on a bench made of files with no server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_recovery

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    path = tmp_path / "frappe-bench"
    (path / "sites" / "a.example").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    return path


@pytest.mark.parametrize("state", ["finished", "abandoned"])
def test_an_end_needs_to_know_which_recovery(bench_path: Path, state: str) -> None:
    result = run_module(site_recovery, site="a.example", bench_path=str(bench_path), state=state)
    assert result["failed"]
    assert "recovery" in result["msg"]


def test_a_holder_is_described_whole(bench_path: Path) -> None:
    result = run_module(site_recovery, site="a.example", bench_path=str(bench_path), holder={"host": "a"})
    assert result["failed"]
    assert "holder" in result["msg"]


def test_a_server_that_cannot_be_reached_changes_nothing(bench_path: Path, tmp_path: Path) -> None:
    state_path = tmp_path / "state"
    result = run_module(
        site_recovery,
        site="a.example",
        bench_path=str(bench_path),
        state_path=str(state_path),
        login_host="127.0.0.1",
        login_port=1,
        config_file=str(tmp_path / "none"),
    )
    assert result["error_code"] == "mariadb_unreachable"
    assert not state_path.exists()
