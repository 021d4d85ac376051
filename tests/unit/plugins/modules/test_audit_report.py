"""``audit_report`` is an action: on a host, it only says so."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.modules import audit_report

from tests.modules import run_module


def test_says_where_it_runs() -> None:
    result = run_module(audit_report, hosts={}, path="/srv")
    assert result["failed"]
    assert "runs where Ansible runs" in result["msg"]
