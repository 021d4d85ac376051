"""The settings of the rule for jobs of removed sites; its work on a real queue is in tests/faults."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.stale_jobs import STALE_JOBS


def test_it_takes_nothing() -> None:
    assert STALE_JOBS.settings({}) is None
    with pytest.raises(ValueError, match="it takes nothing"):
        STALE_JOBS.settings({"older_than_days": 0})
