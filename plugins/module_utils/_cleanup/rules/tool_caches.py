"""What yarn and uv keep of packages, by themselves: a package that lost a part would be installed without it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..._bench.layout import Bench
from ..by_program import run_program, sizes_of, task_of
from ..tasks import Planned, Task, TaskContext, TaskOutcome, TaskRule

ID = "tool_caches"
CACHES = {"uv": ".cache/uv", "yarn": ".cache/yarn"}


def _settings(values: Mapping[str, Any]) -> None:
    if values:
        raise ValueError("it takes nothing")


def accounts_of(benches: Sequence[Bench]) -> dict[str, pwd.struct_passwd]:
    """Return the accounts to which benches belong, by their names."""
    found = {}
    for user_id in sorted({bench.owner[0] for bench in benches}):
        try:
            account = pwd.getpwuid(user_id)
        except KeyError:
            continue
        found[account.pw_name] = account
    return found


def _plan(context: TaskContext, _nothing: None) -> Iterator[Planned]:
    for account in accounts_of(context.benches).values():
        for tool, name in CACHES.items():
            folder = Path(account.pw_dir, name)
            subject = f"the cache of {tool} of {account.pw_name}"
            for task in task_of(ID, subject, _sizes(folder), 0, "can be downloaded again", folder):
                yield replace(task, parameters={"account": account.pw_name, "tool": tool})


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    tool, account = str(task.parameters["tool"]), accounts_of(context.benches)[str(task.parameters["account"])]
    folder, command = Path(account.pw_dir, CACHES[tool]), [tool, "cache", "clean"]
    if account.pw_uid != os.geteuid():
        # A login shell knows where the account has its tools.
        command = ["runuser", "--login", account.pw_name, "--command", " ".join(command)]
    return run_program(context, task, [command], lambda: _sizes(folder))


def _sizes(folder: Path) -> list[int]:
    return sizes_of(folder.rglob("*"))


TOOL_CACHES = TaskRule(
    id=ID,
    noun="file",
    title="packages that yarn and uv have downloaded for the bench's account",
    never_touches="installed packages, env/ and node_modules/; a part of a package without the rest; other accounts",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
