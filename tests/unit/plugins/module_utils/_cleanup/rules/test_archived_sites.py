"""Settings of the rule for dropped sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.archived_sites import (
    ARCHIVED_SITES,
    ArchiveSettings,
)


def test_database_stays_unless_it_is_asked_for() -> None:
    repository = Repository(Path("/var/backups/lifeboat"))
    assert ARCHIVED_SITES.settings({}) == ArchiveSettings(30.0, repository, drop_database=False)
    assert ARCHIVED_SITES.settings({"drop_database": True, "older_than_days": 90}).drop_database


@pytest.mark.parametrize(
    "values",
    [{"drop_database": "yes"}, {"repository_path": "sets"}, {"older_than_days": 0}, {"force": True}],
    ids=["text", "relative path", "no grace", "unknown"],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"drop_database|older_than_days"):
        ARCHIVED_SITES.settings(values)
