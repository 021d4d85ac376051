"""Options and results of ``backup_retention``."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import backup_retention

from tests.backup_sets import SITE, write_repository_set
from tests.modules import run_module

NAMES = [f"202001{day}_000000-site1_local" for day in (17, 18, 19)]


@pytest.fixture
def places(tmp_path):
    for name in NAMES:
        write_repository_set(tmp_path / "sites" / SITE, name, files={"database.sql.gz": ("database", b"dump")})
    return {"repository_path": str(tmp_path), "state_path": str(tmp_path / "state")}


def test_check_mode_tells_and_a_second_run_has_nothing_to_do(places):
    policy = {"keep_daily": 1, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 0}
    planned = run_module(backup_retention, check_mode=True, **places, **policy)
    done = run_module(backup_retention, **places, **policy)
    assert planned == done
    assert (done["changed"], done["freed_bytes"], done["diff"]["after"]) == (True, 8, {SITE: NAMES[2:]})
    again = run_module(backup_retention, site=SITE, **places, **policy)
    assert (again["changed"], again["sites"][0]["removed"], again["refused"]) == (False, [], [])


def test_the_usual_policy_keeps_a_week_of_days(places):
    assert not run_module(backup_retention, **places)["changed"]
