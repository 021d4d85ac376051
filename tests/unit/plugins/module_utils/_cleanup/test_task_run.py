"""Tasks in the plan, within the caps, and one after another."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.task_run import apply_tasks, choose_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import (
    Note,
    Planned,
    Refusal,
    Task,
    TaskContext,
    TaskOutcome,
    TaskRule,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

DISKS = {"full": errno.ENOSPC, "broken": errno.EIO}
CONTEXT = TaskContext([], Path("/nowhere"), 0.0)


def task(subject: str, size_bytes: int = 10, rule: str = "rows") -> Task:
    return Task(rule, subject, 5, size_bytes, 60, "old", {"subject": subject})


def rule(planned: list[Planned]) -> TaskRule:
    def plan(_context: TaskContext, _settings: Any) -> Iterator[Planned]:
        return iter(planned)

    def apply(_context: TaskContext, wanted: Task, _deadline: float) -> TaskOutcome:
        subject = wanted.parameters["subject"]
        if subject == "refused":
            raise LifeboatError("Refused it.", "server_read_only")
        if subject == "torn":
            return TaskOutcome("refused", 2, 4, LifeboatError("Lost it.", "mariadb_lost"))
        if subject == "forged":
            raise KeyError("site")
        if subject in DISKS:
            raise OSError(DISKS[subject], "no")
        return TaskOutcome("done", wanted.count, wanted.bytes)

    return TaskRule("rows", "row", "x", "x", dict, plan, apply)


def test_caps_leave_tasks_for_the_next_run() -> None:
    refusal = Refusal("rows", "b", "mariadb_unreachable", "why")
    found = rule([task("a"), refusal, task("large", 1000), task("c"), task("d")])
    choice = choose_tasks(found, CONTEXT, {}, Caps(100, 2))
    assert [chosen.subject for chosen in choice.tasks] == ["a", "c"]
    assert (choice.left_items, choice.refusals) == (2, (refusal,))


def test_task_that_fails_does_not_stop_the_others() -> None:
    tasks = [task("refused"), task("torn"), task("forged"), task("x", rule="unknown"), task("good")]
    done = apply_tasks({"rows": rule([])}, CONTEXT, tasks, CONTEXT.clock() + 600)
    assert [(found["outcome"], found["count"]) for found in done.outcomes] == [
        ("refused", 0),
        ("refused", 2),
        ("refused", 0),
        ("refused", 0),
        ("done", 5),
    ]
    codes = [refusal.error_code for refusal in done.refusals]
    assert codes == ["server_read_only", "mariadb_lost", "plan_refused", "plan_refused"]


def test_file_system_that_refuses_does_not_stop_the_others() -> None:
    done = apply_tasks({"rows": rule([])}, CONTEXT, [task("full"), task("broken"), task("good")], 1e12)
    assert [found["outcome"] for found in done.outcomes] == ["refused", "refused", "done"]
    assert [refusal.error_code for refusal in done.refusals] == ["disk_space", "cleanup_failed"]


def test_notes_take_nothing_away() -> None:
    note = Note("rows", "a", 3, 4, "text")
    choice = choose_tasks(rule([note, task("a")]), CONTEXT, {}, Caps(100, 2))
    assert (choice.notes, len(choice.tasks)) == ((note,), 1)


def test_time_that_is_over_leaves_tasks_for_the_next_run() -> None:
    done = apply_tasks({"rows": rule([])}, CONTEXT, [task("good")], CONTEXT.clock() - 1)
    assert [found["outcome"] for found in done.outcomes] == ["out of time"]
    assert done.refusals == []
