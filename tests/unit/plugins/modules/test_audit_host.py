"""``audit_host`` is an action: on a host, it only says so."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.modules import audit_host

from tests.modules import run_module


def test_says_where_it_runs() -> None:
    result = run_module(audit_host)
    assert result["failed"]
    assert "runs where Ansible runs" in result["msg"]
