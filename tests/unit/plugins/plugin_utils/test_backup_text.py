from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.filter import backup_lines as lines_filter
from ansible_collections.lifeboat.frappe.plugins.filter import backup_stats as stats_filter
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.backup_text import backup_lines, backup_stats

SET = {
    "name": "20261121_031522-a_b",
    "kinds": ["logical", "physical"],
    "size_bytes": 3 * 1024**2,
    "recovery_point": "2026-11-21T03:15:22Z",
    "position": {"gtid": "0-1-5", "file": "binlog.000003", "offset": 83112},
    "encryption": "",
    "inexact_tables": [],
}
MADE = {
    "site": "a.b",
    "changed": True,
    "plan": {"needed": True, "reason": "There is no set yet."},
    "set": SET,
    "verified": "content",
    "seconds": 4.21,
    "notes": [],
}
FAILED = {"site": "z.z", "failed": True, "msg": "Cannot back up z.z: the disk is full.", "error_code": "disk_space"}


def test_a_set_that_was_made():
    assert backup_lines([MADE]) == [
        "a.b: 20261121_031522-a_b, 3.0 MiB in 4.21 s, logical and physical, not encrypted",
        "  of 2026-11-21T03:15:22Z, GTID 0-1-5 at binlog.000003:83112; every file read again and looked into",
    ]


def test_what_failed_comes_first():
    assert backup_lines([MADE, FAILED])[0] == "z.z: FAILED. Cannot back up z.z: the disk is full."


def test_what_is_worth_a_note():
    made = {
        **MADE,
        "set": {**SET, "position": None, "encryption": "age", "inexact_tables": ["tabError Log"]},
        "verified": "structure",
        "notes": ["./a.b/public/files/x is neither a file nor a folder and was left out."],
    }
    first, second, third, fourth = backup_lines([made])
    assert first.endswith("age encrypted")
    assert second.endswith("the server writes no binary log; every file read again, its key is elsewhere")
    assert third == "  Of a later moment, as they have no transactions: tabError Log."
    assert fourth.startswith("  Note: ./a.b/public/files/x")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"set": {}, "verified": ""}, "a.b: would be backed up. There is no set yet."),
        ({"verified": ""}, "a.b: would be backed up. There is no set yet."),
        (
            {"changed": False, "verified": "", "plan": {"needed": False, "reason": "The newest set x is new enough."}},
            "a.b: nothing to do. The newest set x is new enough.",
        ),
    ],
    ids=["check mode, no set yet", "check mode", "new enough"],
)
def test_no_set_was_made(changes, line):
    assert backup_lines([{**MADE, **changes}]) == [line]


def test_the_statistics_of_a_run():
    assert backup_stats([("app1", [MADE]), ("app2", [FAILED]), ("app3", [])]) == {
        "failed": [{"host": "app2", "site": "z.z", "error_code": "disk_space"}],
        "sets": [
            {
                "host": "app1",
                "site": "a.b",
                "name": "20261121_031522-a_b",
                "size_bytes": 3145728,
                "recovery_point": "2026-11-21T03:15:22Z",
                "position": SET["position"],
                "changed": True,
                "seconds": 4.21,
                "verified": "content",
            }
        ],
    }


def test_both_are_filters():
    assert lines_filter.FilterModule().filters() == {"backup_lines": backup_lines}
    assert stats_filter.FilterModule().filters() == {"backup_stats": backup_stats}
