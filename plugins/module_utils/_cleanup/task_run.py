"""Planning and applying what rules take away by their own means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._system.errors import LifeboatError
from .._system.files import NO_SPACE
from .choice import Caps
from .tasks import REFUSED, Note, Refusal, Task, TaskContext, TaskOutcome, TaskRule, TasksDone


@dataclass(frozen=True)
class TaskChoice:
    """What a rule's tasks are, how many exceed the caps, what it could not look at, and what it tells."""

    tasks: tuple[Task, ...]
    left_items: int
    refusals: tuple[Refusal, ...]
    notes: tuple[Note, ...]


def choose_tasks(rule: TaskRule, context: TaskContext, settings: Any, room: Caps) -> TaskChoice:
    """Return what a rule wants to be done, as far as the caps leave room: a task that does not fit waits.

    Raises:
        LifeboatError: What the rule refuses as a whole.
    """
    tasks: list[Task] = []
    refusals: list[Refusal] = []
    notes: list[Note] = []
    left_items = total_bytes = 0
    for planned in rule.plan(context, settings):
        if isinstance(planned, Refusal):
            refusals.append(planned)
        elif isinstance(planned, Note):
            notes.append(planned)
        elif len(tasks) < room.items and total_bytes + planned.bytes <= room.bytes:
            tasks.append(planned)
            total_bytes += planned.bytes
        else:
            left_items += 1
    return TaskChoice(tuple(tasks), left_items, tuple(refusals), tuple(notes))


def apply_tasks(
    rules: Mapping[str, TaskRule], context: TaskContext, tasks: Sequence[Task], deadline: float
) -> TasksDone:
    """Do the tasks of a plan one after another; one that is refused does not stop the others.

    Args:
        rules: The rules by their ids.
        context: The I/O.
        tasks: What to do.
        deadline: The time of the context's clock at which to stop.
    """
    done = TasksDone()
    for task in tasks:
        why_over = context.why_over(deadline)
        outcome = TaskOutcome(why_over) if why_over else _apply(rules, context, task, deadline)
        if outcome.error is not None:
            done.refusals.append(Refusal(task.rule, task.subject, outcome.error.error_code, outcome.error.message))
        ended = {"outcome": outcome.outcome, "count": outcome.count, "bytes": outcome.bytes, "run": outcome.run}
        done.outcomes.append({"rule": task.rule, "subject": task.subject, **ended})
        if task.folder and not outcome.run:
            done.expected_bytes += outcome.bytes
    return done


def _apply(rules: Mapping[str, TaskRule], context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    try:
        return rules[task.rule].apply(context, task, deadline)
    except LifeboatError as error:
        return TaskOutcome(REFUSED, error=error)
    except OSError as error:
        failed = LifeboatError(
            f"Cannot clean up {task.subject}: {error.strerror or type(error).__name__}. What was done of it stays "
            "done, and the next run goes on. Where the disk is full, clean up files first.",
            "disk_space" if error.errno in NO_SPACE else "cleanup_failed",
        )
        return TaskOutcome(REFUSED, error=failed)
    except (KeyError, TypeError, ValueError) as error:
        refused = LifeboatError(
            f"Refused to clean up {task.subject}: the plan says something else than a rule would "
            f"({type(error).__name__}). Make a plan again, with --check.",
            "plan_refused",
        )
        return TaskOutcome(REFUSED, error=refused)
