"""The plan of a cleanup as the file that one person reviews and another applies."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.disks import Disk
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.items import FileIdentity, Item
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import (
    CleanupPlan,
    RuleResult,
    decode_plan,
    digest,
    encode_plan,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Refusal, Task
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

IDENTITY = FileIdentity(7, 8, 900, 10)
ITEMS = tuple(Item("logs", "/l", f"/l/{name}", size, 5, "old", IDENTITY) for name, size in (("a", 512), ("b", 1024)))
TASK = Task("rows", "a: tabVersion", 7, 64, 60, "old", {"site": "a"})
JOURNAL = Task("journal", "the journal", 2, 3000, 60, "old", {}, "/var/log/journal")
PLAN = CleanupPlan(
    "20261121T084000Z",
    "app1",
    ITEMS,
    (RuleResult("journal", 0), RuleResult("logs", 3, (("/l/c", "open"),), 5), RuleResult("rows", 1)),
    (TASK, JOURNAL),
    (Refusal("rows", "b", "mariadb_unreachable", "why"),),
    (Disk("/", 9000, 512.0), Disk("/var", 8000, None)),
)


def test_plan_is_the_same_after_its_file() -> None:
    content = encode_plan(PLAN)
    assert decode_plan(content, digest(content), "app1") == PLAN
    values = json.loads(content)
    assert values["bytes"] == 4600
    assert [item["days_gained"] for item in (*values["items"], *values["tasks"])] == [1.0, 2.0, None, None]


def test_summary_tells_what_each_rule_gives() -> None:
    assert PLAN.summary() == {
        "logs": {"items": 2, "bytes": 1536, "left_items": 3, "kept_items": 1, "days_gained": 3.0},
        "rows": {"items": 7, "bytes": 64, "left_items": 1, "kept_items": 0, "days_gained": None},
        "journal": {"items": 2, "bytes": 3000, "left_items": 0, "kept_items": 0, "days_gained": None},
    }


def test_disks_get_what_lies_on_them() -> None:
    own, other = PLAN.disk_summary()
    assert (own["bytes"], own["days_gained"]) == (1536, 3.0)
    assert (other["bytes"], other["days_gained"], other["available_after_bytes"]) == (3000, None, None)


def refused(content: bytes, sha256: str | None = None, host: str = "app1") -> str:
    with pytest.raises(LifeboatError) as error:
        decode_plan(content, sha256 or digest(content), host)
    assert error.value.error_code == "plan_refused"
    return error.value.message


def test_other_plans_than_the_reviewed_one_are_refused() -> None:
    content = encode_plan(PLAN)
    assert "not the one that was reviewed" in refused(content, "0" * 64)
    assert "not the one that was reviewed" in refused(content.replace(b"/l/a", b"/l/z"), digest(content))
    assert "made on app1, and this is app2" in refused(content, host="app2")


@pytest.mark.parametrize(
    "content", [b"no json", b"[]", b"{}", b'{"schema_version": 9}'], ids=["text", "list", "empty", "newer"]
)
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    assert "cannot be understood" in refused(content)
