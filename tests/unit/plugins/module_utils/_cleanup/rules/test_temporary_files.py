"""What tmpfiles.d says, and what systemd-tmpfiles would take: of old ones it is estimated, newer ones tell."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.temporary_files import (
    TEMPORARY_FILES,
    Age,
    ages_of,
    exclusion_of,
    is_kept,
    kept_patterns,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Refusal, Task, TaskContext
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult, run_command
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

DAY_SECONDS = 86400
CONFIGURATION = """\
# /usr/lib/tmpfiles.d/tmp.conf
D! /tmp 1777 root root -
e /tmp - - - 10d
e   "/var/tmp/" 1777 root root am:~4w12h
d /var/tmp/app 0755 app app 90min
d /run/app 0755 app app 1s
d /tmp/forever 0755 app app soon
f /tmp/file 0644 root root 1d
x /tmp/systemd-private-%b-*
X /tmp/systemd-private-%b-*/tmp
z
"""


def test_ages_are_those_of_our_folders() -> None:
    assert ages_of(CONFIGURATION) == {
        "/tmp": Age(10 * DAY_SECONDS),
        "/var/tmp": Age(28 * DAY_SECONDS + 12 * 3600, "am"),
        "/var/tmp/app": Age(5400),
    }
    assert ages_of("d /tmp - - - 9d\ne /tmp - - - 2d") == {"/tmp": Age(2 * DAY_SECONDS)}
    assert ages_of("e /tmp - - - 2d\nd /tmp - - - 9d") == {"/tmp": Age(2 * DAY_SECONDS)}


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        ("/tmp/systemd-private-0a-mariadb/x", True),
        ("/tmp/systemd-private-0a-mariadb", True),
        ("/tmp/other/systemd-private", False),
        ("/var/tmp/x", False),
    ],
)
def test_what_is_excluded_stays_with_all_that_is_in_it(path: str, stays: bool) -> None:
    assert is_kept(path, kept_patterns(CONFIGURATION)) is stays


def test_name_cannot_say_anything_else_than_a_name() -> None:
    assert exclusion_of("/tmp/a b%n*\nr /etc/passwd") == "x /tmp/a?b?n??r?/etc/passwd\n"


def test_it_takes_nothing() -> None:
    assert TEMPORARY_FILES.settings({}) is None
    with pytest.raises(ValueError, match="tmpfiles"):
        TEMPORARY_FILES.settings({"older_than_days": 1})


class NewerProgram:
    """systemd-tmpfiles of systemd 256, with a file that it would remove, and removes."""

    def __init__(self, root: Path, exit_code: int = 0) -> None:
        self.old, self.exit_code = root / "tmp" / "old", exit_code
        self.old.parent.mkdir()
        self.old.write_text("x")

    def __call__(self, arguments: Sequence[str]) -> CommandResult:
        if arguments[-1] == "--help":
            return CommandResult(tuple(arguments), 0, "  --dry-run   Just print", "")
        if arguments[-1] == "--cat-config":
            return CommandResult(tuple(arguments), 0, "e /tmp - - - 10d\n", "")
        if arguments[-1] == "--clean":
            self.old.unlink()
            return CommandResult(tuple(arguments), self.exit_code, "", "")
        said = f'Would remove "{self.old}"\nWould restore access time on "{self.old.parent}"\n' * self.old.exists()
        said += f'Would remove "{self.old.parent}/gone-meanwhile"\n'
        return CommandResult(tuple(arguments), 0, "", said)


def planned(context: TaskContext) -> Task:
    (task,) = TEMPORARY_FILES.plan(context, None)
    assert isinstance(task, Task)
    return task


@pytest.mark.parametrize("exit_code", [0, os.EX_DATAERR])
def test_newer_systemd_says_what_would_go(tmp_path: Path, exit_code: int) -> None:
    context = TaskContext([], tmp_path / "state", time.time(), tmp_path, NewerProgram(tmp_path, exit_code))
    task = planned(context)
    assert (task.count, task.age_seconds, task.reason) == (
        1,
        10 * DAY_SECONDS,
        "not used for as long as tmpfiles.d says: /tmp 10 days",
    )
    assert TEMPORARY_FILES.apply(context, task, 1.0).count == 1
    assert list(TEMPORARY_FILES.plan(context, None)) == []


def test_failure_is_told(tmp_path: Path) -> None:
    context = TaskContext([], tmp_path / "state", time.time(), tmp_path, NewerProgram(tmp_path, 73))
    with pytest.raises(LifeboatError, match="ended with 73"):
        TEMPORARY_FILES.apply(context, planned(context), 1.0)
    assert list((tmp_path / "run" / "tmpfiles.d").iterdir()) == []


@pytest.mark.parametrize(
    ("run", "error_code"),
    [
        (lambda _arguments: run_command(["/nowhere/systemd-tmpfiles"]), "command_missing"),
        (lambda arguments: CommandResult(tuple(arguments), 1, "", ""), "command_failed"),
    ],
    ids=["missing", "fails"],
)
def test_without_systemd_tmpfiles_it_is_refused(tmp_path: Path, run: object, error_code: str) -> None:
    (refusal,) = TEMPORARY_FILES.plan(TaskContext([], tmp_path, time.time(), tmp_path, run), None)
    assert isinstance(refusal, Refusal)
    assert refusal.error_code == error_code
