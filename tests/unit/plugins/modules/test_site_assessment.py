"""Options and errors of ``site_assessment``; what it finds is tested with a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_assessment

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    """A bench with one site."""
    path = tmp_path / "frappe-bench"
    (path / "sites" / "a.example").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    (path / "sites" / "a.example" / "site_config.json").write_text('{"db_name": "_a"}')
    return path


def test_a_recovery_that_was_never_begun(bench_path: Path, tmp_path: Path) -> None:
    result = run_module(
        site_assessment,
        site="a.example",
        bench_path=str(bench_path),
        state_path=str(tmp_path / "state"),
        recovery="20261121T031522Z-9f3a",
        scope="loss",
        error_log_path=str(tmp_path / "error.log"),
        check_mode=True,
    )
    assert (result["failed"], result["error_code"]) == (True, "recovery_unknown")
    assert not (tmp_path / "state").exists()


def test_a_site_that_no_bench_has(tmp_path: Path) -> None:
    result = run_module(site_assessment, site="b.example", bench_path=str(tmp_path), recovery="x", scope="corruption")
    assert result["error_code"] == "bench_not_found"


def test_scope_has_to_be_said(bench_path: Path) -> None:
    result = run_module(site_assessment, site="a.example", bench_path=str(bench_path), recovery="x")
    assert "scope" in result["msg"]
