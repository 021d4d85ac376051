"""One cleanup of a host: plan, apply, undo. One at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

from .._recovery.record import recorded
from .._system.files import free_bytes
from .._system.mounts import mount_of, parse_mounts, read_usages
from .alone import alone
from .catalogue import RULES, TASK_RULES
from .clock import refuse_clock_ahead
from .file_run import FilesDone, take_files
from .guard import MOUNTINFO, guard_of, protection_of
from .items import Item
from .kept_plans import forget_plan, keep_plan, kept_runs, read_kept_plan
from .lines import note_lines, outcome_lines, plan_lines, refusal_lines, undo_lines
from .open_files import still_open
from .pace import stop_path
from .plan import CleanupPlan, digest, encode_plan
from .planning import CleanupRequest, make_plan
from .quarantine import Quarantine, is_expired
from .removal import QUARANTINED, REMOVED, put_back, remove_from_quarantine
from .task_run import apply_tasks

MODULE_NAME = "cleanup"
NOTHING_DONE: dict[str, Any] = {
    "plan": "",
    "plan_sha256": "",
    "rules": {},
    "expired_runs": [],
    "expired_bytes": 0,
    "outcomes": {},
    "stayed": [],
    "tasks": [],
    "refused": [],
    "noted": [],
    "expected_bytes": 0,
    "reclaimed_bytes": 0,
    "held_open": [],
    "disks": [],
    "undo_runs": [],
    "lines": [],
    "diff": {},
}


def run_clean(request: CleanupRequest, reviewed: CleanupPlan | None, check_mode: bool) -> dict[str, Any]:
    """Take away what may go, or what a reviewed plan lists, and let expired files leave quarantine.

    Returns:
        The result of the module.
    """
    refuse_clock_ahead(request.now)  # also those who apply a plan: what waits in quarantine would be over
    plan = reviewed or make_plan(request)
    expired = expired_runs(request)
    content = encode_plan(plan)
    stop = stop_path(request.state_path)
    result: dict[str, Any] = {
        **NOTHING_DONE,
        "changed": bool(plan.items or plan.tasks or expired) and not stop.exists(),
        "run": plan.run,
        "plan": content.decode(),
        "plan_sha256": digest(content),
        "rules": plan.summary(),
        "expired_runs": expired,
        "refused": [vars(refusal) for refusal in plan.refusals],
        "noted": [vars(note) for note in plan.notes],
        "disks": plan.disk_summary(),
        "diff": {
            "before": {"items": [*(item.path for item in plan.items), *(task.subject for task in plan.tasks)]},
            "after": {"items": []},
        },
    }
    result["lines"] = [
        *plan_lines(plan, expired, request.grace_days if request.quarantine else None),
        *refusal_lines(result["refused"]),
        *note_lines(result["noted"]),
        *([f"{stop} is there: nothing goes until somebody removes it"] if stop.exists() else []),
    ]
    if check_mode or not result["changed"]:
        return result
    facts = {"module": MODULE_NAME, "action": "clean", "run": plan.run}
    with recorded(request.state_path, is_required=False, **facts) as record:
        before = _available(result["disks"])
        gone, left = expire(request, expired)
        result.update(apply_plan(request, plan))
        result["stayed"] = left.stayed + result["stayed"]
        after = _available(result["disks"])
        result["expired_runs"], result["expired_bytes"] = gone, left.removed_bytes
        result["disks"] = [
            {**disk, "available_bytes": before[point], "available_after_bytes": after[point]}
            for disk in result["disks"]
            if (point := disk["point"]) in before and point in after
        ]
        record.update(bytes=result["reclaimed_bytes"], outcomes=result["outcomes"], tasks=result["tasks"])
    # What stayed may be all there was.
    result["changed"] = (
        bool(gone or left.removed)
        or any(result["outcomes"].get(outcome) for outcome in (REMOVED, QUARANTINED))
        or any(task["count"] for task in result["tasks"])
    )
    result["lines"] += outcome_lines(result) + refusal_lines(result["refused"])
    result["refused"] = [*(vars(refusal) for refusal in plan.refusals), *result["refused"]]
    return result


def run_undo(request: CleanupRequest, run: str, check_mode: bool) -> dict[str, Any]:
    """Put the files of a run back from quarantine, and return the result of the module."""
    plan = read_kept_plan(request.state_path, run)
    result = {**NOTHING_DONE, "changed": True, "run": run, "rules": plan.summary()}
    if check_mode:
        return {**result, "lines": undo_lines(plan)}
    with recorded(request.state_path, module=MODULE_NAME, action="undo", run=run) as record:
        done = undo(request, run)
        record["outcomes"] = result["outcomes"] = dict(done.outcomes)
    result["stayed"] = done.stayed
    result["lines"] = outcome_lines(result)
    return result


def apply_plan(
    request: CleanupRequest,
    plan: CleanupPlan,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Take away what a plan lists, each item looked at again, and say what the disks got back.

    A plan that somebody else made may be older: an item that changed since then stays. While others wait for the disk,
    this waits.

    Returns:
        ``outcomes`` (how many files ended how), ``stayed`` (paths with the reason), ``expected_bytes``,
        ``reclaimed_bytes``, ``held_open`` (files that are gone, but whose room a process keeps), ``tasks`` (what became
        of each), ``refused`` (which of them must not be done, and why), ``undo_runs`` (what can be put back).

    Raises:
        LifeboatError: ``cleanup_running``, ``command_missing``, ``command_failed``.
    """
    context = replace(request.context, clock=clock, pause=pause)
    with alone(request.state_path):
        deadline = clock() + request.timeout_seconds
        folders = {Path(item.root) for item in plan.items} | {Path(task.folder) for task in plan.tasks if task.folder}
        held = _mount_points(folder for folder in folders if folder.is_dir())
        protection = protection_of(RULES, request.benches, request.protected)
        keep_newest = {result.rule: result.keep_newest for result in plan.results}
        guard = guard_of(RULES, request.benches, protection, plan.items, keep_newest)
        before = _free(held)
        quarantine = Quarantine(plan.run) if request.quarantine and plan.items else None
        if quarantine is not None:
            keep_plan(request.state_path, plan)
        files = take_files(plan.items, quarantine, guard, context, deadline)
        tasks = apply_tasks(TASK_RULES, context, plan.tasks, deadline)
        own = [plan.run] if files.outcomes[QUARANTINED] else []
        return {
            "tasks": tasks.outcomes,
            "refused": [vars(refusal) for refusal in tasks.refusals],
            "outcomes": dict(files.outcomes),
            "stayed": files.stayed,
            "expected_bytes": files.removed_bytes + tasks.expected_bytes,
            "reclaimed_bytes": sum(_free(held).values()) - sum(before.values()),
            "held_open": _held_open(files.removed),
            "undo_runs": [*own, *(task["run"] for task in tasks.outcomes if task["run"] and task["count"])],
        }


def expired_runs(request: CleanupRequest) -> list[str]:
    """Return the runs whose files have been in quarantine for long enough."""
    # A plan may have waited for its review: the files of a run wait since its plan was kept.
    kept = kept_runs(request.state_path)
    return [run for run, kept_at in kept.items() if is_expired(run, kept_at, request.now, request.grace_days)]


def expire(request: CleanupRequest, runs: Sequence[str]) -> tuple[list[str], FilesDone]:
    """Remove the files of runs from quarantine for good.

    Returns:
        The runs of which nothing is left there, and what became of the files.
    """
    done = FilesDone()
    gone = []
    with alone(request.state_path):
        for run in runs:
            plan, quarantine = read_kept_plan(request.state_path, run), Quarantine(run)
            for index, item in enumerate(plan.items):
                done.note(item, remove_from_quarantine(item, index, quarantine))
            if forget_plan(request.state_path, plan, quarantine):
                gone.append(run)
    return gone, done


def undo(request: CleanupRequest, run: str) -> FilesDone:
    """Put the files of a run back where they were, and return what became of them.

    Raises:
        LifeboatError: ``cleanup_unknown`` when no such run has files in quarantine; ``cleanup_running``.
    """
    done = FilesDone()
    with alone(request.state_path):
        plan, quarantine = read_kept_plan(request.state_path, run), Quarantine(run)
        for index, item in enumerate(plan.items):
            done.note(item, put_back(item, index, quarantine))
        forget_plan(request.state_path, plan, quarantine)
    return done


def _held_open(removed: Sequence[Item]) -> list[dict[str, Any]]:
    paths = {(item.identity.device, item.identity.inode): item.path for item in removed}
    return [
        {
            "path": paths[file.device, file.inode],
            "pid": file.pid,
            "program": file.program,
            "owner": file.owner,
            "bytes": file.size_bytes,
        }
        for file in still_open(paths)
    ]


def _available(disks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    usages = read_usages([Path(disk["point"]) for disk in disks])
    return {str(point): usage.available_bytes for point, usage in usages.items()}


def _mount_points(folders: Iterable[Path]) -> list[Path]:
    """Return where the file systems of folders are mounted: a folder may go with what is in it."""
    mounts = parse_mounts(MOUNTINFO.read_text())
    return sorted({Path(mount.point) for folder in folders if (mount := mount_of(folder.resolve(), mounts))})


def _free(roots: Sequence[Path]) -> dict[int, int]:
    return {root.stat().st_dev: free_bytes(root) for root in roots}
