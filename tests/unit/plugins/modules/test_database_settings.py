"""``database_settings`` without a server: what it says when it cannot look at one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.modules import database_settings

from tests.lab.processes import free_port
from tests.modules import run_module


def run(tmp_path: Path, **options: Any) -> dict[str, Any]:
    given = {"search_paths": [str(tmp_path / "no-bench")], "state_path": str(tmp_path / "state"), **options}
    return run_module(database_settings, **given)


def test_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    for state in ("advised", "applied", "restored"):
        failed = run(tmp_path, state=state, login_host="127.0.0.1", login_port=free_port())
        assert failed["error_code"] == "mariadb_unreachable"
    assert not (tmp_path / "state").exists()


def test_reviewed_file_needs_its_digest(tmp_path: Path) -> None:
    failed = run(tmp_path, settings="[mariadbd]\n", login_host="127.0.0.1")
    assert "settings, settings_sha256" in failed["msg"]
