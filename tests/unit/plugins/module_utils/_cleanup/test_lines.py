"""What a person reads of a cleanup."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.disks import Disk
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.items import FileIdentity, Item
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.lines import (
    TASK_LINES,
    outcome_lines,
    plan_lines,
    refusal_lines,
    undo_lines,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import CleanupPlan, RuleResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Refusal, Task

RUN = "20261121T084000000000Z"
RESULT = {
    "run": RUN,
    "outcomes": {},
    "stayed": [],
    "tasks": [],
    "expected_bytes": 0,
    "reclaimed_bytes": 0,
    "held_open": [],
    "disks": [],
    "expired_runs": [],
    "expired_bytes": 0,
    "undo_runs": [],
}
ITEM = Item("bench_logs", "/l", "/l/a", 2048, 60, "old", FileIdentity(1, 2, 3, 4))
TABLE = Task("log_tables", "a: tabVersion", 3, 100, 60, "rows older than 30 days", {})


def plan_of(**parts: Any) -> CleanupPlan:
    return CleanupPlan(**{"run": RUN, "host": "app1", "items": (), "results": (), **parts})


def test_plan_says_what_goes_what_waits_and_what_stays() -> None:
    results = (RuleResult("bench_logs", 0), RuleResult("site_logs", 4, (("/l/b", "open"), ("/l/c", "protected"))))
    results += (RuleResult("journal", 0), RuleResult("sessions", 0))
    plan = plan_of(items=(ITEM,), results=results, disks=(Disk("/", 4096, 1024.0),))
    assert plan_lines(plan) == [
        "bench_logs: 1 file, 2.0 KiB, 2.0 days of the disk",
        "site_logs: 0 files, 0 bytes; 4 more wait (max_bytes, max_items, max_percent); 2 stay, open or protected",
        "nothing may go by journal, sessions",
        "/ has 4.0 KiB, and gets 2.0 KiB; it grows by 1.0 KiB a day, so that is 2.0 days",
    ]
    assert plan_lines(plan_of()) == ["No rule is on: nothing may go."]


def test_plan_names_each_table_and_why() -> None:
    smaller = Task("log_tables", "b: tabVersion", 2, 10, 60, "rows older than 30 days", {})
    assert plan_lines(plan_of(tasks=(smaller, TABLE), results=(RuleResult("log_tables", 0),))) == [
        "log_tables: 5 rows, 110 bytes",
        "log_tables, a: tabVersion: 3 rows, 100 bytes; rows older than 30 days",
        "log_tables, b: tabVersion: 2 rows, 10 bytes; rows older than 30 days",
    ]
    many = plan_of(tasks=(TABLE,) * (TASK_LINES + 2), results=(RuleResult("log_tables", 0),))
    assert plan_lines(many)[-1] == "log_tables: 2 more of these are in the plan"


def test_plan_says_what_quarantine_means_for_the_disk() -> None:
    lines = plan_lines(plan_of(items=(ITEM,), results=(RuleResult("bench_logs", 0),)), ["x", "y"], 7)
    assert lines[-2:] == [
        "the files wait in quarantine for 7 days: the disk gets their room after that",
        "2 runs in quarantine for long enough: x, y",
    ]


@pytest.mark.parametrize(
    ("growth", "text"),
    [
        (512.0, "it grows by 512 bytes a day, so that is 4.0 days"),
        (0.0, "it does not fill up"),
        (None, "how many days that is, is unknown: the health checks have not kept its growth for long enough"),
    ],
    ids=["grows", "grows not", "unknown"],
)
def test_plan_says_for_how_many_days_that_is_enough(growth: float | None, text: str) -> None:
    plan = plan_of(items=(ITEM,), disks=(Disk("/", 2048, growth),))
    assert plan_lines(plan)[-1] == f"/ has 2.0 KiB, and gets 2.0 KiB; {text}"


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
    assert outcome_lines({**RESULT, "expected_bytes": 2048, "reclaimed_bytes": -1024}) == [
        "the disk has 1.0 KiB less than before, though 2.0 KiB went: something else wrote meanwhile"
    ]


def test_outcome_says_how_to_go_back_and_what_cannot_any_more() -> None:
    done = {"outcomes": {"quarantined": 1, "changed": 1}, "stayed": [{"path": "/l/a", "reason": "changed"}]}
    done |= {"expired_runs": ["x"], "expired_bytes": 512, "undo_runs": [RUN]}
    assert outcome_lines({**RESULT, **done}) == [
        "1 file moved to quarantine",
        "stays: /l/a: it was changed since it was chosen",
        "left quarantine for good: 1 run, 512 bytes",
        f"put back with: ansible-playbook lifeboat.frappe.cleanup -e undo={RUN}",
    ]
    assert outcome_lines({**RESULT, "outcomes": {"restored": 3}}) == ["3 files put back"]
    assert undo_lines(plan_of(items=(ITEM,))) == [
        f"1 file of {RUN} would be put back, as far as they wait in quarantine"
    ]


def test_outcome_counts_what_it_does_not_name() -> None:
    stayed = [{"path": f"/l/{number}", "reason": "read-only file system"} for number in range(12)]
    done = {"outcomes": {"read-only file system": 12, "out of time": 3, "gone": 1}, "stayed": stayed}
    lines = outcome_lines({**RESULT, **done})
    assert lines[:3] == [
        "3 files left for the next run: the time is over (timeout_seconds)",
        "1 file not there any more",
        "stays: /l/0: read-only file system",
    ]
    assert lines[-1] == "2 more files stay: the result names the first hundred (stayed)"


def test_outcome_says_what_became_of_rows() -> None:
    task = {"rule": "log_tables", "subject": "a: tabVersion", "outcome": "done", "count": 1, "run": ""}
    moved = {"rule": "orphaned_files", "subject": "a: files", "outcome": "quarantined", "count": 2, "run": RUN}
    tasks = [task, {**task, "outcome": "out of time", "count": 2000}, moved]
    assert outcome_lines({**RESULT, "tasks": tasks}) == [
        "a: tabVersion: 1 row deleted",
        "a: tabVersion: 2,000 rows deleted; the time was over (timeout_seconds), the next run goes on",
        "a: files: 2 files moved to quarantine",
    ]
    refused = {"rule": "log_tables", "subject": "a", "error_code": "mariadb_lost", "reason": "Lost it."}
    again = [{**refused, "rule": rule} for rule in ("sessions", "log_tables")]
    other = {**refused, "subject": "b"}
    assert refusal_lines([refused, *again, other]) == ["log_tables, sessions, a: Lost it.", "log_tables, b: Lost it."]
    plan = plan_of(results=(RuleResult("log_tables", 0),), refusals=(Refusal(**refused),))
    assert plan_lines(plan) == [], "what was refused is told, not that nothing may go"
