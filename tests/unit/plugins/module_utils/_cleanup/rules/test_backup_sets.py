"""Settings of the rule for backup sets: those of the collection's retention."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import RetentionPolicy
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.backup_sets import (
    BACKUP_SETS,
    POLICY,
    SetSettings,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import RETENTION_ARGUMENTS


def test_policy_is_that_of_the_retention() -> None:
    assert asdict(POLICY) == {name: argument["default"] for name, argument in RETENTION_ARGUMENTS.items()}
    assert BACKUP_SETS.settings({}) == SetSettings(Repository(Path("/var/backups/lifeboat")), POLICY)
    settings = BACKUP_SETS.settings({"repository_path": "/sets", "keep_daily": "3", "keep_minimum": 1})
    assert settings == SetSettings(Repository(Path("/sets")), RetentionPolicy(3, 4, 6, 0, 1))


@pytest.mark.parametrize(
    "values",
    [{"keep_hourly": 1}, {"keep_daily": "all"}, {"keep_daily": -1}, {"repository_path": "sets"}],
    ids=["unknown", "text", "negative", "relative path"],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"keep_|repository_path"):
        BACKUP_SETS.settings(values)
