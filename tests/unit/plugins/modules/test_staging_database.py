"""Options and errors of ``staging_database``; what it stages is tested with a real server."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import staging_database

from tests.modules import run_module


@pytest.fixture
def options(tmp_path):
    (tmp_path / "bench/sites/a.b").mkdir(parents=True)
    (tmp_path / "bench/sites/common_site_config.json").write_text("{}")
    return {
        "site": "a.b",
        "bench_path": str(tmp_path / "bench"),
        "state_path": str(tmp_path / "state"),
        "recovery": "20261121T031522Z-9f3a",
        "login_host": "127.0.0.1",
        "login_port": 1,
    }


def test_a_server_that_does_not_run_is_said(options, tmp_path):
    result = run_module(staging_database, **options)
    assert (result["failed"], result["error_code"]) == (True, "mariadb_unreachable")
    assert "nothing listens" in result["msg"]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["site", "recovery"])
def test_site_and_recovery_are_required(options, name):
    del options[name]
    result = run_module(staging_database, **options)
    assert result["failed"]
    assert f"missing required arguments: {name}" in result["msg"]


def test_a_binary_log_is_logged_or_skipped(options):
    result = run_module(staging_database, binary_log="sometimes", **options)
    assert result["failed"]
    assert "logged, skipped" in result["msg"]


def test_a_name_that_leads_elsewhere_is_refused(options):
    options["recovery"] = "../../etc"
    assert run_module(staging_database, **options)["error_code"] == "path_unsafe"
