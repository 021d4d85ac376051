"""Options of ``binlog_archive``; what it does with them is shown on a real server."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils import _module
from ansible_collections.lifeboat.frappe.plugins.modules import binlog_archive

from tests.modules import run_module


def test_a_source_that_does_not_exist():
    assert "carrier_pigeon" in run_module(binlog_archive, source="carrier_pigeon")["msg"]


def test_a_server_that_does_not_answer(tmp_path):
    login = {"login_host": "127.0.0.1", "login_port": 1, "config_file": str(tmp_path / "none")}
    result = run_module(binlog_archive, repository_path=str(tmp_path / "repository"), **login)
    assert (result["failed"], result["error_code"]) == (True, "mariadb_unreachable")
    assert not (tmp_path / "repository").exists()


def test_a_site_that_is_on_no_bench(tmp_path):
    result = run_module(binlog_archive, site="erp.example.com", bench_path=str(tmp_path))
    assert result["error_code"] == "bench_not_found"


def test_without_the_library(monkeypatch):
    monkeypatch.setattr(_module, "HAS_PYMYSQL", False)
    assert run_module(binlog_archive)["error_code"] == "library_missing"
