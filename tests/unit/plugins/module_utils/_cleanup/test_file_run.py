"""Files go one after another; one that stays stops no other."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Protection
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.file_run import (
    STAYED_SHOWN,
    FilesDone,
    take_files,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.guard import Guard
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.items import FileIdentity, Item
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import Place
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import TaskContext


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    found = []
    for name in ("a.log.1", "b.log.1", "c.log.1"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        status = path.stat()
        identity = FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        found.append(Item("logs", str(path.parent), str(path), 4096, 60, "old", identity))
    return found


def guard_of_logs(items: list[Item], newest: frozenset[str] = frozenset()) -> Guard:
    root = items[0].root
    return Guard(Protection(), {("logs", root): [Place(Path(root), ("*.log.[0-9]*",), 1)]}, newest)


def context_in(folder: Path) -> TaskContext:
    return TaskContext([], folder, 0.0, folder, clock=lambda: 5.0)


def test_what_the_guard_keeps_stays_and_the_others_go(items: list[Item], tmp_path: Path) -> None:
    done = take_files(items, None, guard_of_logs(items, frozenset({items[0].path})), context_in(tmp_path), 10.0)
    assert (done.outcomes, done.removed_bytes) == ({"one of the newest": 1, "removed": 2}, 8192)
    assert done.stayed == [{"path": items[0].path, "reason": "one of the newest"}]
    other = [replace(items[0], rule="another")]
    assert take_files(other, None, guard_of_logs(items), context_in(tmp_path), 10.0).outcomes == {"protected": 1}


def test_file_that_the_system_keeps_stops_no_other(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refuse_one(name: str, *, dir_fd: int) -> None:
        if name == "a.log.1":
            raise PermissionError(1, "Operation not permitted")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse_one)
    done = take_files(items, None, guard_of_logs(items), context_in(tmp_path), 10.0)
    assert done.outcomes == {"operation not permitted": 1, "removed": 2}


def test_end_of_time_and_the_file_that_stops_it_leave_the_rest(items: list[Item], tmp_path: Path) -> None:
    assert take_files(items, None, guard_of_logs(items), context_in(tmp_path), 4.0).outcomes == {"out of time": 3}
    (tmp_path / "cleanup.stop").touch()
    assert take_files(items, None, guard_of_logs(items), context_in(tmp_path), 10.0).outcomes == {"stopped": 3}
    assert all(Path(item.path).exists() for item in items)


def test_what_stays_is_named_up_to_a_limit(items: list[Item]) -> None:
    done = FilesDone()
    for _turn in range(STAYED_SHOWN + 1):
        done.note(items[0], "changed")
    done.note(items[0], "gone")
    assert (len(done.stayed), done.outcomes) == (STAYED_SHOWN, {"changed": STAYED_SHOWN + 1, "gone": 1})
