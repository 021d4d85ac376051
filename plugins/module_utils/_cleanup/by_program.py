"""Files that another program looks after: what goes is counted here, and taken away by that program alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Callable

from .._system.errors import LifeboatError
from .tasks import DONE, Task, TaskContext, TaskOutcome

BLOCK_BYTES = 512


def sizes_of(paths: Iterable[Path]) -> list[int]:
    """Return what each file takes on the disk, in bytes; links and what is no file are not counted."""
    return [path.lstat().st_blocks * BLOCK_BYTES for path in paths if path.is_file() and not path.is_symlink()]


def task_of(rule: str, subject: str, sizes: Sequence[int], age_seconds: int, reason: str, folder: Path) -> list[Task]:
    """Return the task for files of such sizes in a folder; none where there is no file."""
    parameters = {"age_seconds": age_seconds}
    place = str(folder.resolve())
    return [Task(rule, subject, len(sizes), sum(sizes), age_seconds, reason, parameters, place)] if sizes else []


def run_program(
    context: TaskContext,
    task: Task,
    commands: Iterable[Sequence[str]],
    sizes: Callable[[], list[int]],
    accepted: Collection[int] = (0,),
) -> TaskOutcome:
    """Let programs take files away, and return how many they took.

    Args:
        context: The I/O.
        task: What is done.
        commands: The programs with their arguments.
        sizes: Counts the files that may go.
        accepted: The exit codes with which a program has done its work.

    Raises:
        LifeboatError: ``command_missing`` or ``command_failed``.
    """
    before = sizes()
    if before:
        for command in commands:
            result = context.run(command)
            if result.exit_code not in accepted:
                raise LifeboatError(
                    f"Cannot clean up {task.subject}: {command[0]} ended with {result.exit_code}. Run it by hand "
                    f"({' '.join(command)}) and see what it says.",
                    "command_failed",
                )
    after = sizes()
    return TaskOutcome(DONE, len(before) - len(after), sum(before) - sum(after))
