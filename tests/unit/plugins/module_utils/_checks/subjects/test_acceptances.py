"""The check of what was accepted."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import NotApplicableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.acceptances import acceptance_expired
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

NOW = 1_800_000_000.0  # 2027-01-15


def host(*acceptances: Acceptance) -> Host:
    return Host("host", Surroundings(now=lambda: NOW, acceptances=acceptances))


def test_each_acceptance_is_told_with_its_reason_and_owner() -> None:
    valid = Acceptance("H01", "It is small", "ops", "2027-01-15")
    expired = Acceptance("B04", "Later", "dba", "2027-01-13", "erp.example.com")
    first, second = acceptance_expired(host(valid, expired))
    assert (first.item, first.value) == ("H01", 0)
    assert first.text == "the acceptance of H01 by ops is valid until 2027-01-15: It is small"
    assert (second.item, second.value) == ("B04 erp.example.com", 2)
    assert second.text == "the acceptance of B04 erp.example.com by dba expired 2 days ago: Later"


def test_without_acceptances_there_is_nothing_to_check() -> None:
    with pytest.raises(NotApplicableError):
        list(acceptance_expired(host()))
