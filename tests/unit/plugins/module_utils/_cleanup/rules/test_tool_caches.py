"""The caches of yarn and uv go as a whole, by the program that made them, for the account that has the bench."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.tool_caches import TOOL_CACHES
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Task, TaskContext
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests.cleanup_folder import make_bench


@pytest.mark.parametrize("is_own", [True, False], ids=["own account", "another account"])
def test_cache_goes_by_the_program_that_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool) -> None:
    user_id = os.geteuid() if is_own else os.geteuid() + 1
    account = SimpleNamespace(pw_name="frappe", pw_dir=str(tmp_path), pw_uid=user_id)
    monkeypatch.setattr(pwd, "getpwuid", lambda _user_id: account)
    ran: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> CommandResult:
        ran.append(arguments)
        shutil.rmtree(tmp_path / ".cache" / "yarn")
        return CommandResult(tuple(arguments), 0, "", "")

    package = tmp_path / ".cache" / "yarn" / "v6" / "npm-x" / "index.js"
    package.parent.mkdir(parents=True)
    package.write_text("x")
    context = TaskContext([make_bench(tmp_path)], tmp_path / "state", 0.0, tmp_path, run)
    (task,) = TOOL_CACHES.plan(context, TOOL_CACHES.settings({}))
    assert isinstance(task, Task)
    assert (task.subject, task.count, task.folder) == (
        "the cache of yarn of frappe",
        1,
        str((tmp_path / ".cache" / "yarn").resolve()),
    )
    assert TOOL_CACHES.apply(context, task, 1.0).count == 1
    own = ["yarn", "cache", "clean"]
    assert ran == [own if is_own else ["runuser", "--login", "frappe", "--command", "yarn cache clean"]]
    assert list(TOOL_CACHES.plan(context, None)) == []
    for change in ({"tool": "sh"}, {"account": "root"}):
        forged = Task.from_dict({**task.as_dict(), "parameters": {**task.parameters, **change}})
        with pytest.raises(KeyError):
            TOOL_CACHES.apply(context, forged, 1.0)


def test_account_that_is_not_known_has_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user_id: int) -> None:
        raise KeyError(user_id)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    context = TaskContext([make_bench(tmp_path)], tmp_path / "state", 0.0, tmp_path)
    assert list(TOOL_CACHES.plan(context, None)) == []
    with pytest.raises(ValueError, match="it takes nothing"):
        TOOL_CACHES.settings({"older_than_days": 1})
