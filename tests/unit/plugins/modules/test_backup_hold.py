"""Options and results of ``backup_hold``."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import backup_hold, backup_retention

from tests.backup_sets import SITE, write_repository_set
from tests.modules import run_module

OLDER, NEWER = "20200121_144508-site1_local", "20200122_144508-site1_local"


@pytest.fixture
def places(tmp_path):
    for name in (OLDER, NEWER):
        write_repository_set(tmp_path / "sites" / SITE, name, files={"database.sql.gz": ("database", b"dump")})
    return {"repository_path": str(tmp_path)}


def hold(places, **options):
    return run_module(backup_hold, site=SITE, **{"name": OLDER, **places, **options})


def test_a_set_is_held_and_released_once(places):
    assert hold(places, check_mode=True)["changed"]
    held = hold(places, reason="audit")
    assert (held["changed"], held["hold"]["held"], held["hold"]["reason"]) == (True, True, "audit")
    assert held["diff"] == {"before": {"held": False}, "after": {"held": True}}
    again = hold(places)
    assert (again["changed"], again["hold"]) == (False, held["hold"])
    assert hold(places, state="released")["changed"]
    assert not hold(places, state="released")["changed"]


def test_a_set_that_is_not_there_cannot_be_held_and_need_not_be_released(places):
    assert hold(places, name="other")["error_code"] == "backup_not_found"
    released = hold(places, name="other", state="released")
    assert (released["failed"], released["changed"], released["hold"]) == (False, False, None)


@pytest.mark.promise(24)
def test_retention_leaves_a_held_set_alone_until_it_is_released(places):
    policy = {"keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 1, **places}
    hold(places)
    assert not run_module(backup_retention, **policy)["changed"]
    hold(places, state="released")
    (plan,) = run_module(backup_retention, **policy)["sites"]
    assert [entry["name"] for entry in plan["removed"]] == [OLDER]
