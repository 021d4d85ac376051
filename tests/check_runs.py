"""Runs one check on one target as the module does, for the tests that inject its fault."""

from __future__ import annotations

from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions, run_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Target

# On a busy machine nothing that answers may count as hung: whoever tests what hangs gives it less.
LONG_PATIENCE = Patience(60)
# For tests of whether something answers at all: a busy machine takes longer than is right.
UNHURRIED = {check_id: {"warning": "60"} for check_id in ("D01", "H22", "W01")}


def run_one(check_id: str, target: Target, *others: Target, **options: Any) -> list[Finding]:
    """Run a check through the runner, with two samples where it needs them, and with all the time that it wants.

    Args:
        check_id: The check.
        target: What it looks at. What a target read once it keeps: make a new one after the fault and after its repair.
        others: Further targets of the same run.
        options: Those of ``RunOptions``.
    """
    (check,) = [check for check in all_checks() if check.id == check_id]
    given = {"sample_seconds": 0.6, "deadline_seconds": LONG_PATIENCE.deadline_seconds, **options}
    return run_checks([check], [target, *others], RunOptions(**given))
