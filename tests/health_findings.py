"""Checks and findings made up for the tests of what judges, counts and reports them."""

from __future__ import annotations

from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import (
    OK,
    Finding,
    Thresholds,
    judge,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Check, Measurement, Remediation
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Target


def make_check(check_id: str = "X01", **changes: Any) -> Check:
    """A check that measures nothing, entered nowhere."""
    values: dict[str, Any] = {
        "name": f"made.{check_id.lower()}",
        "title": "Something made up",
        "subject": "host",
        "target": Target,
        "measures": "a number",
        "source": "nowhere",
        "unit": "count",
        "warning": "10",
        "critical": "20",
        "impact": "high",
        "remediation": Remediation("Do something.", "lifeboat.frappe.recover"),
        "reference": "own proposal",
        "is_sampled": False,
        "measure": lambda _target: [],
    }
    return Check(id=check_id, **{**values, **changes})


def make_finding(
    check_id: str = "X01",
    severity: str = OK,
    *,
    target: str = "host",
    item: str = "",
    text: str = "seen",
    value: float | None = 1.0,
    **changes: Any,
) -> Finding:
    """A finding of a made-up check; ``changes`` are fields of the check."""
    check = make_check(check_id, **changes)
    measurement = Measurement(value, item, text, severity=severity)
    return judge(check, target, measurement, Thresholds(check.warning, check.critical))
