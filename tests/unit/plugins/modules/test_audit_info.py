"""Options and results of ``audit_info``, on a bench that is a folder."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.modules import audit_info

from tests.modules import run_module


def test_a_bench_of_which_nothing_runs(tmp_path: Path) -> None:
    site = tmp_path / "bench" / "sites" / "a.example"
    site.mkdir(parents=True)
    (site / "site_config.json").write_text('{"db_name": "_a", "db_password": "s3cr3t", "db_port": 1}')
    (site.parent / "common_site_config.json").write_text('{"redis_cache": "redis://:s3cr3t@127.0.0.1:1"}')
    result = run_module(audit_info, bench_path=str(tmp_path / "bench"), state_path=str(tmp_path), check_mode=True)
    assert (result["failed"], result["changed"]) == (False, False)
    assert [one["site"] for one in result["facts"]["backups"]] == ["a.example"]
    assert result["facts"]["problems"]
    assert "s3cr3t" not in str(result)


def test_no_bench(tmp_path: Path) -> None:
    assert run_module(audit_info, bench_path=str(tmp_path))["error_code"] == "bench_not_found"


def test_one_way_of_looking_at_a_time() -> None:
    assert "mutually exclusive" in run_module(audit_info, bench_path="/a", search_paths=["/b"])["msg"]
