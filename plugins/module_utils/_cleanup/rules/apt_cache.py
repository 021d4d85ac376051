"""Packages that apt has downloaded and installed, and can download again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..by_program import run_program, sizes_of, task_of
from ..tasks import Planned, Task, TaskContext, TaskOutcome, TaskRule

ID = "apt_cache"
CACHE = "var/cache/apt"


def _settings(values: Mapping[str, Any]) -> None:
    if values:
        raise ValueError("it takes nothing")


def _sizes(context: TaskContext) -> list[int]:
    # apt takes away whatever lies there, but for its own lock.
    return sizes_of(path for path in (context.root / CACHE / "archives").rglob("*") if path.name != "lock")


def _plan(context: TaskContext, _nothing: None) -> Iterator[Planned]:
    folder = context.root / CACHE
    yield from task_of(ID, "the cache of apt", _sizes(context), 0, "can be downloaded again", folder)


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    command = ("apt-get", f"-oDir::Cache={context.root / CACHE}", "clean")
    return run_program(context, task, [command], lambda: _sizes(context))


APT_CACHE = TaskRule(
    id=ID,
    noun="file",
    title="packages that apt has downloaded",
    never_touches="installed packages, kernels among them; apt's lists and settings",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
