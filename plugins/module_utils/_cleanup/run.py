"""One cleanup of a host: plan, apply, undo. One at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any, Callable

from .._bench.layout import ROOT, Bench
from .._checks.history import read_history
from .._recovery.record import recorded
from .._system.errors import LifeboatError
from .._system.files import free_bytes
from .._system.mounts import parse_mounts, read_usages
from .catalogue import RULES, TASK_RULES
from .choice import PROTECTED, Age, Caps, Protection, choose_files
from .clock import refuse_clock_ahead
from .disks import Disk, read_disks
from .find import read_line
from .items import Item
from .kept_plans import keep_plan
from .lines import note_lines, outcome_lines, plan_lines, refusal_lines
from .open_files import open_files, still_open
from .pace import PACED_FILES, gentle_runner, wait_for_disk
from .plan import CleanupPlan, RuleResult, decode_plan, digest, encode_plan
from .quarantine import PLANS_NAME, Quarantine, is_expired, plan_path, run_id
from .registry import places_of
from .removal import QUARANTINED, REMOVED, put_back, remove_empty_quarantine, remove_from_quarantine, take_away
from .search import found_in
from .task_run import apply_tasks, choose_tasks
from .tasks import Note, Refusal, Task, TaskContext

STAYED_SHOWN = 100
MOUNTINFO = Path("/proc/self/mountinfo")
# Whatever a rule says: what makes a site, a server and the system itself.
ALWAYS_PROTECTED = (
    *("*/site_config.json", "*/common_site_config.json", "*/apps.txt", "*/private/files/*", "*/public/files/*"),
    *("*/private/backups/*", "/etc/*", "/boot/*", "/usr/*", "/var/lib/mysql/*", "/var/backups/*"),
)


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
    "lines": [],
    "diff": {},
}


@dataclass(frozen=True)
class CleanupRequest:
    """What was asked for; the options of ``cleanup``.

    Attributes:
        state_path: The folder of the collection's state.
        benches: The benches of the host.
        ages: The rules that are on, and from which age their files may go.
        caps: How much one run takes away at most.
        timeout_seconds: When it stops; what is left waits for the next run.
        protected: Patterns of paths that never go.
        quarantine: Whether files wait before they are gone for good.
        grace_days: For how long.
        now: Seconds since the epoch.
        tasks: The rules that are on and go by their own means, each with its settings.
        root: The folder that stands for ``/`` to those.
    """

    state_path: Path
    benches: Sequence[Bench]
    ages: Mapping[str, Age]
    caps: Caps
    timeout_seconds: float
    protected: tuple[str, ...]
    quarantine: bool
    grace_days: int
    now: float
    tasks: Mapping[str, Any] = field(default_factory=dict)
    root: Path = ROOT

    @property
    def context(self) -> TaskContext:
        """What those rules work with."""
        run = gentle_runner(self.timeout_seconds)
        return TaskContext(self.benches, self.state_path, self.now, self.root, run, protected=self.protected)


def run_clean(request: CleanupRequest, reviewed: CleanupPlan | None, check_mode: bool) -> dict[str, Any]:
    """Take away what may go, or what a reviewed plan lists, and let expired files leave quarantine.

    Returns:
        The result of the module.
    """
    refuse_clock_ahead(request.now)  # also those who apply a plan: what waits in quarantine would be over
    plan = reviewed or make_plan(request)
    expired = expired_runs(request)
    content = encode_plan(plan)
    result: dict[str, Any] = {
        **NOTHING_DONE,
        "changed": bool(plan.items or plan.tasks or expired),
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
    result["lines"] = plan_lines(result["rules"], result["disks"]) + refusal_lines(result["refused"])
    result["lines"] += note_lines(result["noted"])
    if check_mode or not result["changed"]:
        return result
    facts = {"module": MODULE_NAME, "action": "clean", "run": plan.run}
    with recorded(request.state_path, is_required=False, **facts) as record:
        before = _available(result["disks"])
        result["expired_bytes"] = expire(request, expired)
        result.update(apply_plan(request, plan))
        after = _available(result["disks"])
        result["disks"] = [
            {**disk, "available_bytes": before[point], "available_after_bytes": after[point]}
            for disk in result["disks"]
            if (point := disk["point"]) in before and point in after
        ]
        record.update(bytes=result["reclaimed_bytes"], outcomes=result["outcomes"], tasks=result["tasks"])
    # What stayed may be all there was.
    result["changed"] = (
        bool(expired)
        or any(result["outcomes"].get(outcome) for outcome in (REMOVED, QUARANTINED))
        or any(task["count"] for task in result["tasks"])
    )
    result["lines"] += outcome_lines(result) + refusal_lines(result["refused"])
    result["refused"] = [*(vars(refusal) for refusal in plan.refusals), *result["refused"]]
    return result


def run_undo(request: CleanupRequest, run: str, check_mode: bool) -> dict[str, Any]:
    """Put the files of a run back from quarantine, and return the result of the module."""
    plan = _kept_plan(request.state_path, run)
    result = {**NOTHING_DONE, "changed": True, "run": run, "rules": plan.summary()}
    if check_mode:
        return result
    with recorded(request.state_path, module=MODULE_NAME, action="undo", run=run) as record:
        record["outcomes"] = result["outcomes"] = undo(request, run)
    result["lines"] = outcome_lines(result)
    return result


def make_plan(request: CleanupRequest) -> CleanupPlan:
    """Work out what would go. Reads only.

    Raises:
        LifeboatError: ``command_missing``, ``command_failed``.
    """
    protection = _protection(request)
    items: list[Item] = []
    results = []
    room = request.caps
    for rule in RULES:
        if rule.id not in request.ages:
            continue
        left = 0
        kept: list[tuple[str, str]] = []
        chosen: list[Item] = []
        for place, found in found_in(places_of(rule, request.benches)):
            choice = choose_files(
                rule.id,
                place.root,
                found,
                partial(read_line, place.root),
                request.ages[rule.id],
                request.now,
                protection,
                room,
            )
            room = Caps(room.bytes - sum(item.bytes for item in choice.items), room.items - len(choice.items))
            chosen += choice.items
            left += choice.left_items
            kept += choice.kept
        items += chosen
        results.append(RuleResult(rule.id, left, tuple(kept)))
    tasks: list[Task] = []
    refusals: list[Refusal] = []
    notes: list[Note] = []
    for name, settings in request.tasks.items():
        chosen_tasks = choose_tasks(TASK_RULES[name], request.context, settings, room)
        room = Caps(room.bytes - sum(task.bytes for task in chosen_tasks.tasks), room.items - len(chosen_tasks.tasks))
        tasks += chosen_tasks.tasks
        refusals += chosen_tasks.refusals
        notes += chosen_tasks.notes
        results.append(RuleResult(name, chosen_tasks.left_items))
    return CleanupPlan(
        run_id(request.now),
        socket.gethostname(),
        tuple(items),
        tuple(results),
        tuple(tasks),
        tuple(refusals),
        tuple(_disks(request, {item.root for item in items} | {task.folder for task in tasks})),
        tuple(notes),
    )


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
        ``outcomes`` (how many items ended how), ``stayed`` (paths with the reason), ``expected_bytes``,
        ``reclaimed_bytes``, ``held_open`` (files that are gone, but whose room a process keeps), ``tasks`` (what became
        of each), ``refused`` (which of them must not be done, and why).

    Raises:
        LifeboatError: ``cleanup_running``.
    """
    with alone(request.state_path):
        deadline = clock() + request.timeout_seconds
        roots = sorted({Path(item.root) for item in plan.items if Path(item.root).is_dir()})
        before = _free(roots)
        quarantine = Quarantine(plan.run) if request.quarantine and plan.items else None
        if quarantine is not None:
            keep_plan(request.state_path, plan)
        protection = _protection(request)
        looked_after = {(rule.id, str(place.root)) for rule in RULES for place in places_of(rule, request.benches)}
        outcomes: Counter[str] = Counter()
        stayed: list[dict[str, str]] = []
        removed: list[Item] = []
        for index, item in enumerate(plan.items):
            if index and index % PACED_FILES == 0:
                wait_for_disk(request.root, deadline, clock, pause)
            if clock() > deadline:
                outcomes["out of time"] = len(plan.items) - index
                break
            outcome = protection.why(item.path, item.identity.device, item.identity.inode)
            if (item.rule, item.root) not in looked_after:
                outcome = PROTECTED
            outcome = outcome or take_away(item, index, quarantine)
            outcomes[outcome] += 1
            if outcome == REMOVED:
                removed.append(item)
            elif outcome != QUARANTINED and len(stayed) < STAYED_SHOWN:
                stayed.append({"path": item.path, "reason": outcome})
        done = apply_tasks(TASK_RULES, request.context, plan.tasks, deadline)
        return {
            "tasks": done.outcomes,
            "refused": [vars(refusal) for refusal in done.refusals],
            "outcomes": dict(outcomes),
            "stayed": stayed,
            "expected_bytes": sum(item.bytes for item in removed),
            "reclaimed_bytes": sum(_free(roots).values()) - sum(before.values()),
            "held_open": _held_open(removed),
        }


def expired_runs(request: CleanupRequest) -> list[str]:
    """Return the runs whose files have been in quarantine for long enough."""
    folder = request.state_path / PLANS_NAME
    # A plan may have waited for its review: the files of a run wait since its plan was kept.
    kept = {path.stem: path.stat().st_mtime for path in folder.glob("*.json")} if folder.is_dir() else {}
    return [run for run in sorted(kept) if is_expired(run, kept[run], request.now, request.grace_days)]


def expire(request: CleanupRequest, runs: Sequence[str]) -> int:
    """Remove the files of runs from quarantine for good, and return their bytes."""
    freed = 0
    with alone(request.state_path):
        for run in runs:
            plan, quarantine = _kept_plan(request.state_path, run), Quarantine(run)
            for index, item in enumerate(plan.items):
                freed += item.bytes * remove_from_quarantine(item, index, quarantine)
            _forget(request.state_path, plan, quarantine)
    return freed


def undo(request: CleanupRequest, run: str) -> dict[str, int]:
    """Put the files of a run back where they were, and return how many ended how.

    Raises:
        LifeboatError: ``cleanup_unknown`` when no such run has files in quarantine; ``cleanup_running``.
    """
    with alone(request.state_path):
        plan, quarantine = _kept_plan(request.state_path, run), Quarantine(run)
        outcomes = Counter(put_back(item, index, quarantine) for index, item in enumerate(plan.items))
        _forget(request.state_path, plan, quarantine)
        return dict(outcomes)


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


def _protection(request: CleanupRequest) -> Protection:
    """Return what stays: whatever is mounted below a rule's folder as well, be it of the same file system."""
    roots = {place.root for rule in RULES for place in places_of(rule, request.benches)}
    mounts = parse_mounts(MOUNTINFO.read_text())
    mounted = [f"{escape(mount.point)}/*" for mount in mounts if roots & set(Path(mount.point).parents)]
    return Protection((*ALWAYS_PROTECTED, *mounted, *request.protected), open_files())


def _disks(request: CleanupRequest, folders: set[str]) -> list[Disk]:
    mounts = parse_mounts(MOUNTINFO.read_text())
    real = [Path(folder).resolve() for folder in folders if folder]
    return read_disks(real, mounts, read_history(request.state_path), request.now)


def _available(disks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    usages = read_usages([Path(disk["point"]) for disk in disks])
    return {str(point): usage.available_bytes for point, usage in usages.items()}


def _kept_plan(state_path: Path, run: str) -> CleanupPlan:
    try:
        content = plan_path(state_path, run).read_bytes()
    except FileNotFoundError:
        raise LifeboatError(
            f"Cannot find the files of the cleanup {run} in quarantine: it moved none there, or they were put back or "
            "have expired.",
            "cleanup_unknown",
        ) from None
    return decode_plan(content, digest(content), socket.gethostname())


def _forget(state_path: Path, plan: CleanupPlan, quarantine: Quarantine) -> None:
    """Forget a run none of whose files is left; where one had to stay in quarantine, its plan is the way to it."""
    roots = {Path(item.root) for item in plan.items}
    left = [root for root in roots if not remove_empty_quarantine(root, quarantine)]
    if not left:
        plan_path(state_path, plan.run).unlink()


def _free(roots: Sequence[Path]) -> dict[int, int]:
    return {root.stat().st_dev: free_bytes(root) for root in roots}


@contextmanager
def alone(state_path: Path) -> Iterator[None]:
    """Let no other cleanup of this host run meanwhile.

    The lock is a name in the kernel, which ends with the process and needs no room on a disk that may be full.

    Raises:
        LifeboatError: ``cleanup_running``.
    """
    name = hashlib.sha256(os.fsencode(state_path.resolve())).hexdigest()
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            lock.bind(f"\0lifeboat-cleanup-{name}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise LifeboatError(
                "Cannot clean up: another cleanup of this host is running. Wait until it has ended, then run this "
                "again.",
                "cleanup_running",
            ) from None
        yield
