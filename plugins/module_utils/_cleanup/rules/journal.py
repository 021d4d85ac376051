"""The system's journal: archived files whose entries are old, by journald's own means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._system.quantities import DAY_SECONDS
from ..by_program import run_program, sizes_of, task_of
from ..settings import older_than_days
from ..tasks import Planned, Task, TaskContext, TaskOutcome, TaskRule

ID = "journal"
FOLDERS = ("var/log/journal", "run/log/journal")
DEFAULT_DAYS = 14.0
LEAST_DAYS = 1.0
# The time of the first entry, in microseconds, is in the name of a file that is written no more.
_ARCHIVED = re.compile(r"@(?:[0-9a-f]{32}-[0-9a-f]{16}-(?P<time>[0-9a-f]{16})\.journal|(?P<broken>[0-9a-f]{16})-.*~)$")


@dataclass(frozen=True)
class JournalSettings:
    """How many days the journal goes back at least; not less than one."""

    older_than_days: float


def _settings(values: Mapping[str, Any]) -> JournalSettings:
    return JournalSettings(older_than_days(values, DEFAULT_DAYS, LEAST_DAYS))


def begins_before(name: str, seconds: float) -> bool:
    """Tell whether a file of the journal is archived and begins before a moment, given in Unix time. Pure."""
    match = _ARCHIVED.search(name)
    return match is not None and int(match["time"] or match["broken"], 16) / 1e6 < seconds


def _sizes(context: TaskContext, age_seconds: int) -> list[int]:
    return [
        size
        for folder in _folders(context)
        for size in sizes_of(
            path for path in folder.glob("*/*@*") if begins_before(path.name, context.now - age_seconds)
        )
    ]


def _folders(context: TaskContext) -> list[Path]:
    return [folder for name in FOLDERS if (folder := context.root / name).is_dir()]


def _plan(context: TaskContext, settings: JournalSettings) -> Iterator[Planned]:
    age_seconds = int(settings.older_than_days * DAY_SECONDS)
    reason = f"archived, with entries older than {settings.older_than_days:g} days"
    sizes, folder = _sizes(context, age_seconds), context.root / FOLDERS[0]
    yield from task_of(ID, "the system's journal", sizes, age_seconds, reason, folder)


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    age_seconds = int(task.parameters["age_seconds"])
    if age_seconds < LEAST_DAYS * DAY_SECONDS:
        raise ValueError("too much of the journal")
    commands = [
        ("journalctl", f"--directory={folder}", f"--vacuum-time={age_seconds}s") for folder in _folders(context)
    ]
    return run_program(context, task, commands, lambda: _sizes(context, age_seconds))


JOURNAL = TaskRule(
    id=ID,
    noun="file",
    title="archived files of the system's journal",
    never_touches="the files that journald is writing to; logs of other programs",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
