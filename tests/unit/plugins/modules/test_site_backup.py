"""Options and errors of ``site_backup``; what it makes is tested with a real server."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_backup

from tests.modules import run_module


@pytest.fixture
def options(tmp_path):
    (tmp_path / "bench/sites/a.b").mkdir(parents=True)
    (tmp_path / "bench/sites/common_site_config.json").write_text("{}")
    (tmp_path / "bench/sites/a.b/site_config.json").write_text('{"db_name": "_1"}')
    return {
        "site": "a.b",
        "bench_path": str(tmp_path / "bench"),
        "state_path": str(tmp_path / "state"),
        "repository_path": str(tmp_path / "repository"),
        "login_host": "127.0.0.1",
        "login_port": 1,
    }


def test_a_server_that_does_not_run_is_said_and_nothing_is_written(options, tmp_path):
    result = run_module(site_backup, **options)
    assert (result["failed"], result["error_code"]) == (True, "mariadb_unreachable")
    assert not (tmp_path / "repository").exists()


def test_a_site_is_required(options):
    del options["site"]
    assert "missing required arguments: site" in run_module(site_backup, **options)["msg"]


@pytest.mark.parametrize(("option", "value"), [("kinds", ["magical"]), ("encryption", "rot13")])
def test_only_known_kinds_and_ciphers_are_taken(options, option, value):
    assert option in run_module(site_backup, **options, **{option: value})["msg"]


def test_encryption_needs_a_key(options):
    assert run_module(site_backup, encryption="gpg", **options)["error_code"] == "key_missing"
    assert run_module(site_backup, encryption="age", **options)["error_code"] == "key_missing"


def test_an_archive_of_tables_needs_zstd_where_it_was_asked_for(options, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run_module(site_backup, compress_tables=True, **options)
    assert result["error_code"] == "command_missing"
    assert "zstd" in result["msg"]
