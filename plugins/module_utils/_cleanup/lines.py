"""What a cleanup did, or would do, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._system.quantities import bytes_text, count_text
from .catalogue import noun_of
from .removal import QUARANTINED, REMOVED, RESTORED
from .tasks import DONE

STAYED_LINES = 10
ENDINGS = {REMOVED: "deleted", QUARANTINED: "moved to quarantine", RESTORED: "put back"}


def plan_lines(rules: Mapping[str, Mapping[str, Any]], disks: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Return what each rule would take away, and what each file system gets back."""
    lines = [
        f"{rule}: {count_text(found['items'], noun_of(rule))}, {bytes_text(found['bytes'])}"
        + (f", {found['days_gained']:.1f} days of the disk" if found["days_gained"] else "")
        + f"; {found['left_items']} more wait for the next run" * bool(found["left_items"])
        + f"; {found['kept_items']} stay, open or protected" * bool(found["kept_items"])
        for rule, found in rules.items()
    ] or ["No rule is on: nothing may go."]
    return [*lines, *map(_disk_line, disks)]


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
    """Return what rules could not look at, or must not touch."""
    return [f"{refusal['rule']}, {refusal['subject']}: {refusal['reason']}" for refusal in refused]


def note_lines(noted: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what rules tell and leave as it is."""
    return [f"{note['rule']}, {note['subject']}: {note['text']}" for note in noted]


def outcome_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what became of the plan, and what the disk got back."""
    outcomes = result["outcomes"]
    lines = [
        f"{count_text(outcomes[outcome], 'file')} {text}" for outcome, text in ENDINGS.items() if outcome in outcomes
    ]
    lines += [f"stays ({stayed['reason']}): {stayed['path']}" for stayed in result["stayed"][:STAYED_LINES]]
    if REMOVED in outcomes:
        lines.append(
            f"the disk got {bytes_text(result['reclaimed_bytes'])} back, expected were "
            f"{bytes_text(result['expected_bytes'])}"
        )
    lines += [
        f"{disk['point']} had {bytes_text(disk['available_bytes'])} before, and has "
        f"{bytes_text(disk['available_after_bytes'])} now"
        for disk in result["disks"]
    ]
    lines += [
        f"{file['program']} (process {file['pid']} of {file['owner']}) keeps {bytes_text(file['bytes'])} of "
        f"{file['path']}, which is deleted: restart it"
        for file in result["held_open"]
    ]
    lines += [
        f"{task['subject']}: {count_text(task['count'], noun_of(task['rule']))} "
        + ENDINGS.get(task["outcome"], "deleted")
        + f"; stopped: {task['outcome']}" * (task["outcome"] not in (DONE, *ENDINGS))
        for task in result["tasks"]
    ]
    if result["expired_runs"]:
        lines.append(
            f"left quarantine for good: {count_text(len(result['expired_runs']), 'run')}, "
            f"{bytes_text(result['expired_bytes'])}"
        )
    if QUARANTINED in outcomes:
        lines.append(f"put back with: ansible-playbook lifeboat.frappe.cleanup -e undo={result['run']}")
    return lines
