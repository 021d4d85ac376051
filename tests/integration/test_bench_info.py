"""``bench_info`` on the lab's bench, and on one where nothing runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import bench_info

from tests.lab import Lab
from tests.modules import run_module


def benches(**options: Any) -> list[dict[str, Any]]:
    result = run_module(bench_info, **options)
    assert not result["failed"], result
    assert result["changed"] is False
    found: list[dict[str, Any]] = result["benches"]
    return found


def test_running_bench_is_described(lab: Lab) -> None:
    (bench,) = benches(bench_path=str(lab.bench_path))
    assert bench["path"] == str(lab.bench_path)
    assert bench["apps"] == lab.apps
    assert bench["bench_id"] == lab.bench_id
    assert bench["webserver_port"] == lab.web_port
    assert bench["redis"] == {"cache": lab.redis_cache_url, "queue": lab.redis_queue_url}
    assert bench["database_overrides"] == []
    assert {(service["name"], service["kind"]) for service in bench["services"]} == {
        ("frappe-bench-web:frappe-bench-frappe-web", "web"),
        ("frappe-bench-workers:frappe-bench-frappe-schedule", "schedule"),
        ("frappe-bench-workers:frappe-bench-frappe-short-worker-0", "worker"),
        ("frappe-bench-workers:frappe-bench-frappe-long-worker-0", "worker"),
        ("frappe-bench-redis:frappe-bench-redis-cache", "redis"),
        ("frappe-bench-redis:frappe-bench-redis-queue", "redis"),
    }
    assert {(service["manager"], service["state"]) for service in bench["services"]} == {("supervisor", "running")}
    for site in bench["sites"]:
        configuration = lab.site_config(site["name"])
        assert (site["db_name"], site["db_host"], site["db_port"]) == (
            configuration["db_name"],
            "127.0.0.1",
            lab.login.login_port,
        )
    assert [site["name"] for site in bench["sites"]] == lab.sites


def test_no_secret_is_returned(lab: Lab) -> None:
    text = json.dumps(benches(bench_path=str(lab.bench_path)))
    for site in lab.sites:
        configuration = lab.site_config(site)
        for key in ("db_password", "encryption_key", "backup_encryption_key"):
            assert configuration[key] not in text


def test_bench_is_found_by_its_processes(lab: Lab) -> None:
    assert str(lab.bench_path) in [bench["path"] for bench in benches()]


def test_one_site_is_described(lab: Lab) -> None:
    (bench,) = benches(bench_path=str(lab.bench_path), site="beta.localhost")
    assert [site["name"] for site in bench["sites"]] == ["beta.localhost"]
    assert benches(bench_path=str(lab.bench_path), site="gone.localhost") == []


def test_stopped_service_is_listed_as_stopped(lab: Lab) -> None:
    name = "frappe-bench-workers:frappe-bench-frappe-schedule"
    lab.supervisorctl("stop", name)
    try:
        (bench,) = benches(bench_path=str(lab.bench_path))
        (service,) = [service for service in bench["services"] if service["name"] == name]
        assert (service["kind"], service["state"], service["pid"]) == ("schedule", "stopped", None)
    finally:
        lab.supervisorctl("start", name)


@pytest.fixture
def copied_bench(lab: Lab, tmp_path: Path) -> Path:
    """A copy of the lab's bench in which nothing runs."""
    folder = tmp_path / "copies" / "frappe-bench"
    shutil.copytree(lab.bench_path, folder, symlinks=True)
    return folder


def test_bench_that_does_not_run_is_described_with_its_broken_site(copied_bench: Path) -> None:
    (copied_bench / "sites" / "beta.localhost" / "site_config.json").write_text('{"db_password": "s3cr3t",')
    (bench,) = benches(search_paths=[str(copied_bench.parent)])
    assert bench["services"] == []
    assert [(site["name"], site["configuration_valid"]) for site in bench["sites"]] == [
        ("alpha.localhost", True),
        ("beta.localhost", False),
    ]
    assert "not valid JSON" in bench["sites"][1]["problem"]
    assert "s3cr3t" not in json.dumps(bench)


def test_folder_that_is_no_bench_is_an_error(tmp_path: Path) -> None:
    result = run_module(bench_info, bench_path=str(tmp_path))
    assert result["failed"]
    assert result["error_code"] == "bench_not_found"
