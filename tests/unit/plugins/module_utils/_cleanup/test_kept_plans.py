"""The list of the files that go to quarantine is kept before the first of them goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.kept_plans import keep_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import CleanupPlan, encode_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.quarantine import plan_path
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

PLAN = CleanupPlan("20261121T084000123456Z", "app1", (), ())


def test_plan_is_found_by_its_run(tmp_path: Path) -> None:
    keep_plan(tmp_path, PLAN)
    assert plan_path(tmp_path, PLAN.run).read_bytes() == encode_plan(PLAN)


def test_plan_that_cannot_be_kept_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "cleanup").touch()
    with pytest.raises(LifeboatError, match="Nothing was taken away") as refused:
        keep_plan(tmp_path, PLAN)
    assert refused.value.error_code == "disk_space"
