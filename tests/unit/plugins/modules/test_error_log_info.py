"""``error_log_info`` on a bench made of files with no server: what can be read is read, the rest is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import error_log_info
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.known_errors import known_errors

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    bench = tmp_path / "frappe-bench"
    (bench / "sites" / "a.example" / "logs").mkdir(parents=True)
    (bench / "logs").mkdir()
    (bench / "sites" / "a.example" / "site_config.json").write_text(json.dumps({"db_name": "_a", "db_port": 1}))
    common = {"redis_queue": "redis://127.0.0.1:1", "redis_cache": "redis://127.0.0.1:1"}
    (bench / "sites" / "common_site_config.json").write_text(json.dumps(common))
    (bench / "logs" / "web.error.log").write_text("OSError: [Errno 28] No space left on device: '/x'\n" * 3)
    (bench / "sites" / "a.example" / "logs" / "frappe.log").write_text("ValueError: of jane@example.com\n")
    return bench


def run(bench_path: Path, **options: Any) -> dict[str, Any]:
    given = {"sources": ["logs"], "log_paths": [], "known_errors": known_errors(), **options}
    return run_module(error_log_info, bench_path=str(bench_path), state_path=str(bench_path.parent / "state"), **given)


def test_errors_are_counted_and_explained(bench_path: Path) -> None:
    result = run(bench_path)
    assert not result["changed"]
    assert [(error["count"], error["known"], error["sites"]) for error in result["errors"]] == [
        (3, "disk_full", []),
        (1, "", ["a.example"]),
    ]
    assert [known["id"] for known in result["known_errors"]] == ["disk_full"]
    assert result["counts"] == {"events": 4, "errors": 2, "known": 1}
    assert "jane" not in json.dumps(result)


def test_what_cannot_be_read_is_told(bench_path: Path) -> None:
    (bench_path / "logs" / "worker.log").symlink_to("/etc/shadow")
    notes = run(bench_path, sources=["logs", "error_log", "jobs"])["notes"]
    assert len(notes) == 3
    assert any("worker.log cannot be read" in note for note in notes)
    assert any("The Error Log of a.example cannot be read" in note for note in notes)
    assert any("The failed jobs" in note for note in notes)


def test_each_error_is_counted_once_with_a_cursor(bench_path: Path) -> None:
    assert run(bench_path, keep_cursor=True, check_mode=True)["counts"]["events"] == 4
    assert not (bench_path.parent / "state").exists()
    assert run(bench_path, keep_cursor=True)["counts"]["events"] == 4
    assert run(bench_path, keep_cursor=True)["counts"]["events"] == 0
    with (bench_path / "logs" / "web.error.log").open("a") as log:
        log.write("RecursionError: maximum recursion depth exceeded\n")
    assert [error["known"] for error in run(bench_path, keep_cursor=True)["errors"]] == ["recursion"]


def test_too_much_at_once_is_told(bench_path: Path) -> None:
    run(bench_path, keep_cursor=True)
    with (bench_path / "logs" / "web.error.log").open("a") as log:
        log.write("ValueError: x\n" * 100)
    result = run(bench_path, keep_cursor=True, most_bytes=100)
    assert "passed over" in result["notes"][0]


def test_site_narrows_the_look(bench_path: Path) -> None:
    assert run(bench_path, site="other.example")["counts"]["events"] == 3


def test_bad_pattern_is_an_error(bench_path: Path) -> None:
    result = run(bench_path, known_errors=[{"id": "mine", "title": "x", "patterns": ["("]}])
    assert result["error_code"] == "knowledge_invalid"


def test_sites_that_cannot_be_listed_are_told(tmp_path: Path) -> None:
    result = run_module(error_log_info, search_paths=[str(tmp_path)], sources=[], log_paths=[])
    assert result["errors"] == []
