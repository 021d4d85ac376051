"""Settings of the rule for files without a document."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.orphaned_files import (
    ORPHANED_FILES,
    OrphanSettings,
)


def test_nothing_goes_unless_quarantine_is_asked_for() -> None:
    assert ORPHANED_FILES.settings({}) == OrphanSettings(1.0, quarantine=False)
    assert ORPHANED_FILES.settings({"quarantine": True, "older_than_days": 7}) == OrphanSettings(7.0, quarantine=True)


@pytest.mark.parametrize(
    "values", [{"quarantine": "yes"}, {"older_than_days": 0}, {"delete": True}], ids=["text", "new files", "unknown"]
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"quarantine|older_than_days"):
        ORPHANED_FILES.settings(values)
