"""``database_maintenance`` without a server: which sites it takes, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import Thresholds
from ansible_collections.lifeboat.frappe.plugins.modules import database_maintenance

from tests.cleanup_folder import make_bench
from tests.lab.processes import free_port
from tests.modules import run_module


def test_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.site("a.example").config_path.write_text(json.dumps({"db_name": "_a", "db_port": free_port()}))
    found = run_module(database_maintenance, search_paths=[str(tmp_path)], state_path=str(tmp_path / "state"))
    assert [refusal["error_code"] for refusal in found["refused"]] == ["mariadb_unreachable"]
    assert (found["changed"], found["plan"], found["failed"]) == (False, [], False)
    assert not (tmp_path / "state").exists()


def test_folder_that_is_no_bench_is_refused(tmp_path: Path) -> None:
    assert run_module(database_maintenance, bench_path=str(tmp_path))["error_code"] == "bench_not_found"


def test_default_of_each_threshold_is_documented() -> None:
    """The documentation is text: it says the same as the code."""
    for name, value in vars(Thresholds()).items():
        assert f"{name}:\n" in database_maintenance.DOCUMENTATION
        assert f"default: {value}\n" in database_maintenance.DOCUMENTATION
