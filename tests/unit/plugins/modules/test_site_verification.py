"""Options and results of ``site_verification``, on a bench made of files where nothing runs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_verification

from tests.modules import run_module


@pytest.fixture
def bench_path(tmp_path: Path) -> Iterator[Path]:
    """A bench with one site, whose web server and Redis are ports where nobody listens."""
    path = tmp_path / "frappe-bench"
    (path / "sites" / "a.example").mkdir(parents=True)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        common = {"webserver_port": port, "redis_queue": f"redis://127.0.0.1:{port}"}
        (path / "sites" / "common_site_config.json").write_text(json.dumps(common))
        (path / "sites" / "a.example" / "site_config.json").write_text('{"db_name": "_a"}')
        yield path


def test_host_that_cannot_tell_is_healthy(bench_path: Path) -> None:
    result = run_module(site_verification, site="a.example", bench_path=str(bench_path))
    assert (result["failed"], result["changed"], result["healthy"]) == (False, False, True)
    assert [(check["name"], check["outcome"]) for check in result["verification"]] == [
        ("ping", "skipped"),
        ("login", "skipped"),
        ("read", "skipped"),
        ("job", "skipped"),
    ]
    assert "ConnectionError" in result["verification"][3]["reason"]


def test_check_mode_sends_no_job(bench_path: Path) -> None:
    result = run_module(site_verification, site="a.example", bench_path=str(bench_path), check_mode=True)
    assert result["verification"][3]["reason"] == "no job was asked for"


def test_unhealthy_site_fails_or_tells(bench_path: Path) -> None:
    port = json.loads((bench_path / "sites" / "common_site_config.json").read_text())["webserver_port"]
    options = {
        "site": "a.example",
        "bench_path": str(bench_path),
        "url": f"http://127.0.0.1:{port}",
        "timeout_seconds": 0,
        "job_timeout_seconds": 0,
    }
    failed = run_module(site_verification, **options)
    assert failed["failed"]
    assert failed["error_code"] == "site_unhealthy"
    assert failed["details"]["verification"][0]["reason"] == "no answer: Connection refused"
    told = run_module(site_verification, **options, required=False)
    assert (told["failed"], told["healthy"]) == (False, False)


def test_key_needs_its_secret(bench_path: Path) -> None:
    result = run_module(site_verification, site="a.example", bench_path=str(bench_path), api_key="key")
    assert result["failed"]
    assert "api_secret" in result["msg"]
