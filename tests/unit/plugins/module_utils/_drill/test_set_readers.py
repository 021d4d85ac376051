"""Sets that a recovery or a drill reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_lock import is_locked
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.lock import LOCK_NAME, drill_lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.set_readers import is_read
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lifecycle import RECOVERY_STEP

SITE = "site1.local"
SET, OTHER = Path("/repository/sites/site1.local/a"), Path("/repository/sites/site1.local/b")


@pytest.fixture
def journal(tmp_path):
    """Of a recovery that began with a set."""
    journal = Journal.open(tmp_path, SITE, "20261121T031522Z-9f3a")
    journal.append(RECOVERY_STEP, "begin", plan={"set": {"folder": str(SET)}})
    return journal


def test_a_recovery_reads_its_set_until_it_has_ended(tmp_path, journal):
    assert is_read(tmp_path, SITE, SET)
    assert not is_read(tmp_path, SITE, OTHER)
    journal.append(RECOVERY_STEP, "done")
    assert not is_read(tmp_path, SITE, SET)


def test_a_recovery_without_a_plan_reads_nothing(tmp_path):
    Journal.open(tmp_path, SITE, "20261121T031522Z-9f3a").append("lock", "taken")
    assert not is_read(tmp_path, SITE, SET)


def test_a_drill_may_read_any_set(tmp_path):
    assert not is_read(tmp_path, SITE, SET)
    with drill_lock(tmp_path, SITE):
        assert is_read(tmp_path, SITE, SET)
    assert not is_read(tmp_path, SITE, SET)


def test_asking_makes_nothing(tmp_path):
    assert not is_locked(tmp_path / SITE / LOCK_NAME)
    assert list(tmp_path.iterdir()) == []
