"""What a person reads of a cleanup."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.lines import (
    outcome_lines,
    plan_lines,
    refusal_lines,
)

RESULT = {
    "run": "20261121T084000000000Z",
    "outcomes": {},
    "stayed": [],
    "tasks": [],
    "expected_bytes": 0,
    "reclaimed_bytes": 0,
    "held_open": [],
    "disks": [],
    "expired_runs": [],
    "expired_bytes": 0,
}


def test_plan_says_what_goes_what_waits_and_what_stays() -> None:
    rules = {
        "bench_logs": {"items": 1, "bytes": 2048, "left_items": 0, "kept_items": 0, "days_gained": 3.25},
        "site_logs": {"items": 3, "bytes": 0, "left_items": 4, "kept_items": 2, "days_gained": None},
    }
    assert plan_lines(rules) == [
        "bench_logs: 1 file, 2.0 KiB, 3.2 days of the disk",
        "site_logs: 3 files, 0 bytes; 4 more wait for the next run; 2 stay, open or protected",
    ]
    assert plan_lines({}) == ["No rule is on: nothing may go."]


@pytest.mark.parametrize(
    ("growth", "days", "text"),
    [
        (512.0, 2.0, "it grows by 512 bytes a day, so that is 2.0 days"),
        (0.0, None, "it does not fill up"),
        (None, None, "how many days that is, is unknown: the health checks have not kept its growth for long enough"),
    ],
    ids=["grows", "grows not", "unknown"],
)
def test_plan_says_for_how_many_days_that_is_enough(growth: float | None, days: float | None, text: str) -> None:
    disk = {"point": "/", "available_bytes": 2048, "bytes": 1024, "growth_bytes_a_day": growth, "days_gained": days}
    assert plan_lines({}, [disk])[1] == f"/ has 2.0 KiB, and gets 1.0 KiB; {text}"


def test_outcome_says_what_a_disk_had_and_has() -> None:
    disk = {"point": "/", "available_bytes": 1024, "available_after_bytes": 2048}
    assert outcome_lines({**RESULT, "disks": [disk]}) == ["/ had 1.0 KiB before, and has 2.0 KiB now"]


def test_outcome_says_what_the_disk_got_and_who_keeps_the_rest() -> None:
    held = {"path": "/l/a", "pid": 7, "program": "nginx", "owner": "www-data", "bytes": 1024}
    done = {"outcomes": {"removed": 2}, "expected_bytes": 2048, "reclaimed_bytes": 1024, "held_open": [held]}
    assert outcome_lines({**RESULT, **done}) == [
        "2 files deleted",
        "the disk got 1.0 KiB back, expected were 2.0 KiB",
        "nginx (process 7 of www-data) keeps 1.0 KiB of /l/a, which is deleted: restart it",
    ]


def test_outcome_says_how_to_go_back_and_what_cannot_any_more() -> None:
    done = {"outcomes": {"quarantined": 1}, "stayed": [{"path": "/l/a", "reason": "changed"}]}
    assert outcome_lines({**RESULT, **done, "expired_runs": ["x"], "expired_bytes": 512}) == [
        "1 file moved to quarantine",
        "stays (changed): /l/a",
        "left quarantine for good: 1 run, 512 bytes",
        "put back with: ansible-playbook lifeboat.frappe.cleanup -e undo=20261121T084000000000Z",
    ]
    assert outcome_lines({**RESULT, "outcomes": {"restored": 3}}) == ["3 files put back"]


def test_outcome_says_what_became_of_rows() -> None:
    task = {"rule": "log_tables", "subject": "a: tabVersion", "outcome": "done", "count": 1}
    tasks = [task, {**task, "outcome": "out of time", "count": 2000}]
    assert outcome_lines({**RESULT, "tasks": tasks}) == [
        "a: tabVersion: 1 row deleted",
        "a: tabVersion: 2,000 rows deleted; stopped: out of time",
    ]
    rules = {"log_tables": {"items": 3, "bytes": 0, "left_items": 0, "kept_items": 0, "days_gained": None}}
    assert plan_lines(rules) == ["log_tables: 3 rows, 0 bytes"]
    refused = {"rule": "log_tables", "subject": "a", "error_code": "mariadb_lost", "reason": "Lost it."}
    assert refusal_lines([refused]) == ["log_tables, a: Lost it."]
