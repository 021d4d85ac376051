"""What a cleanup did, or would do, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._system.quantities import bytes_text, count_text
from .catalogue import noun_of
from .choice import NEWEST, OPEN, PROTECTED
from .pace import STOP_NAME
from .plan import CleanupPlan
from .removal import CHANGED, GONE, OCCUPIED, QUARANTINED, REMOVED, RESTORED, UNSAFE
from .tasks import BUSY, OUT_OF_TIME, REFUSED, STOPPED, Task

STAYED_LINES = 10
TASK_LINES = 20
ENDINGS = {REMOVED: "deleted", QUARANTINED: "moved to quarantine", RESTORED: "put back"}
LEFT = {
    OUT_OF_TIME: "left for the next run: the time is over (timeout_seconds)",
    STOPPED: f"left: somebody has made {STOP_NAME}",
    GONE: "not there any more",
}
WHY_KEPT = {
    CHANGED: "it was changed since it was chosen",
    UNSAFE: "a link is in its place or on the way to it",
    OCCUPIED: "something else is in its place: move that away, and do this again",
    OPEN: "a process has it open",
    PROTECTED: "it is protected, or not what its rule is about",
    NEWEST: "it is one of the newest by now, which stay",
}
WHY_STOPPED = {
    OUT_OF_TIME: "the time was over (timeout_seconds), the next run goes on",
    BUSY: "the server had more to do, the next run goes on",
    REFUSED: "refused, the reason is below",
    STOPPED: f"somebody has made {STOP_NAME}",
    GONE: "nothing of it is left to do",
}


def plan_lines(plan: CleanupPlan, expired: Sequence[str] = (), grace_days: int | None = None) -> list[str]:
    """Return what would go by each rule, what each file system gets back, and what leaves quarantine.

    Args:
        plan: The plan.
        expired: The runs whose files leave quarantine for good.
        grace_days: For how long the files of the plan wait in quarantine; None where they do not.
    """
    lines: list[str] = []
    idle, refused = [], {refusal.rule for refusal in plan.refusals}
    for rule, found in plan.summary().items():
        if found["items"] or found["left_items"] or found["kept_items"]:
            lines += [_rule_line(rule, found), *_task_lines([task for task in plan.tasks if task.rule == rule])]
        elif rule not in refused:
            idle.append(rule)
    if idle:
        lines.append(f"nothing may go by {', '.join(idle)}")
    if not plan.results:
        lines.append("No rule is on: nothing may go.")
    lines += map(_disk_line, plan.disk_summary())
    if plan.items and grace_days is not None:
        lines.append(
            f"the files wait in quarantine for {count_text(grace_days, 'day')}: the disk gets their room after that"
        )
    if expired:
        lines.append(f"{count_text(len(expired), 'run')} in quarantine for long enough: {', '.join(expired)}")
    return lines


def _rule_line(rule: str, found: Mapping[str, Any]) -> str:
    return (
        f"{rule}: {count_text(found['items'], noun_of(rule))}, {bytes_text(found['bytes'])}"
        + (f", {found['days_gained']:.1f} days of the disk" if found["days_gained"] else "")
        + f"; {found['left_items']} more wait (max_bytes, max_items, max_percent)" * bool(found["left_items"])
        + f"; {found['kept_items']} stay, open or protected" * bool(found["kept_items"])
    )


def _task_lines(tasks: Sequence[Task]) -> list[str]:
    """Return a line for each of the largest: what goes, of what, and why."""
    largest = sorted(tasks, key=lambda task: (-task.bytes, -task.count))
    more = len(tasks) - TASK_LINES
    return [
        f"{task.rule}, {task.subject}: {count_text(task.count, noun_of(task.rule))}, {bytes_text(task.bytes)}; "
        f"{task.reason}"
        for task in largest[:TASK_LINES]
    ] + ([f"{tasks[0].rule}: {more} more of these are in the plan"] if more > 0 else [])


def _disk_line(disk: Mapping[str, Any]) -> str:
    growth = disk["growth_bytes_a_day"]
    if growth is None:
        days = "how many days that is, is unknown: the health checks have not kept its growth for long enough"
    elif growth:
        days = f"it grows by {bytes_text(growth)} a day, so that is {disk['days_gained']:.1f} days"
    else:
        days = "it does not fill up"
    return f"{disk['point']} has {bytes_text(disk['available_bytes'])}, and gets {bytes_text(disk['bytes'])}; {days}"


def refusal_lines(refused: Iterable[Mapping[str, str]]) -> list[str]:
    """Return what rules could not look at, or must not touch; several that meet the same are named together."""
    rules: dict[tuple[str, str], list[str]] = {}
    for refusal in refused:
        rules.setdefault((refusal["subject"], refusal["reason"]), []).append(refusal["rule"])
    return [f"{', '.join(dict.fromkeys(names))}, {subject}: {reason}" for (subject, reason), names in rules.items()]


def note_lines(noted: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what rules tell and leave as it is."""
    return [f"{note['rule']}, {note['subject']}: {note['text']}" for note in noted]


def undo_lines(plan: CleanupPlan) -> list[str]:
    """Return what an undo would put back, as far as it still waits."""
    return [f"{count_text(len(plan.items), 'file')} of {plan.run} would be put back, as far as they wait in quarantine"]


def outcome_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what became of the plan, and what the disks got back."""
    outcomes = result["outcomes"]
    lines = [
        f"{count_text(outcomes[outcome], 'file')} {text}"
        for outcome, text in {**ENDINGS, **LEFT}.items()
        if outcome in outcomes
    ]
    shown = result["stayed"][:STAYED_LINES]
    lines += [f"stays: {stayed['path']}: {WHY_KEPT.get(stayed['reason'], stayed['reason'])}" for stayed in shown]
    more = sum(outcomes.values()) - sum(outcomes.get(outcome, 0) for outcome in {**ENDINGS, **LEFT}) - len(shown)
    lines += [f"{count_text(more, 'more file')} stay: the result names the first hundred (stayed)"] * (more > 0)
    lines += _disk_outcomes(result)
    lines += map(_task_outcome, result["tasks"])
    if result["expired_runs"] or result["expired_bytes"]:
        lines.append(
            f"left quarantine for good: {count_text(len(result['expired_runs']), 'run')}, "
            f"{bytes_text(result['expired_bytes'])}"
        )
    return [
        *lines,
        *(f"put back with: ansible-playbook lifeboat.frappe.cleanup -e undo={run}" for run in result["undo_runs"]),
    ]


def _disk_outcomes(result: Mapping[str, Any]) -> list[str]:
    lines = []
    expected, reclaimed = result["expected_bytes"], result["reclaimed_bytes"]
    if expected and reclaimed >= 0:
        lines.append(f"the disk got {bytes_text(reclaimed)} back, expected were {bytes_text(expected)}")
    elif expected:
        lines.append(
            f"the disk has {bytes_text(-reclaimed)} less than before, though {bytes_text(expected)} went: something "
            "else wrote meanwhile"
        )
    lines += [
        f"{disk['point']} had {bytes_text(disk['available_bytes'])} before, and has "
        f"{bytes_text(disk['available_after_bytes'])} now"
        for disk in result["disks"]
    ]
    return lines + [
        f"{file['program']} (process {file['pid']} of {file['owner']}) keeps {bytes_text(file['bytes'])} of "
        f"{file['path']}, which is deleted: restart it"
        for file in result["held_open"]
    ]


def _task_outcome(task: Mapping[str, Any]) -> str:
    why = WHY_STOPPED.get(task["outcome"], "")
    return (
        f"{task['subject']}: {count_text(task['count'], noun_of(task['rule']))} "
        + ("moved to quarantine" if task["run"] else "deleted")
        + f"; {why}" * bool(why)
    )
