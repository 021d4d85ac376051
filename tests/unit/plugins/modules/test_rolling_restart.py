"""``rolling_restart`` without a bench; what it does is tested on the lab."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.modules import rolling_restart

from tests.modules import run_module


def test_folder_that_is_no_bench_is_an_error(tmp_path: Path) -> None:
    failed = run_module(rolling_restart, bench_path=str(tmp_path), state_path=str(tmp_path / "state"))
    assert failed["error_code"] == "bench_not_found"
    assert not (tmp_path / "state").exists()
