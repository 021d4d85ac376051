"""What another program takes away is counted, not believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.by_program import run_program, sizes_of, task_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.apt_cache import APT_CACHE
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import TaskContext
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_links_and_folders_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x" * 5000)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    (size,) = sizes_of(tmp_path.iterdir())
    assert size >= 5000


def test_program_is_run_only_where_something_is_left_and_its_work_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "var" / "cache" / "apt" / "archives" / "a.deb"
    path.parent.mkdir(parents=True)
    path.write_text("x" * 5000)
    ran = []

    def run(arguments: Sequence[str]) -> CommandResult:
        ran.append(tuple(arguments))
        path.unlink()
        return CommandResult(tuple(arguments), 0, "", "")

    context = TaskContext([], tmp_path / "state", 0.0, tmp_path, run)
    (task,) = APT_CACHE.plan(context, None)
    assert APT_CACHE.apply(context, task, 1.0).count == 1
    assert APT_CACHE.apply(context, task, 1.0).count == 0
    assert ran == [("apt-get", f"-oDir::Cache={tmp_path}/var/cache/apt", "clean")]
    assert list(APT_CACHE.plan(context, None)) == []


def test_program_that_fails_is_an_error() -> None:
    context = TaskContext([], Path("/nowhere"), 0.0)
    (task,) = task_of("x", "what is old", [512], 0, "old", Path("/nowhere"))
    failing = replace(context, run=lambda arguments: CommandResult(tuple(arguments), 1, "", "secret"))
    with pytest.raises(LifeboatError, match="what is old: tool ended with 1") as failed:
        run_program(failing, task, [("tool", "--all")], lambda: [512])
    assert failed.value.error_code == "command_failed"
    assert "secret" not in failed.value.message
