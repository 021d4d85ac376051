"""Working out what a cleanup of a host would take away. Reads only."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from .._bench.layout import ROOT, Bench
from .._checks.history import read_history
from .._system.mounts import parse_mounts
from .catalogue import RULES, TASK_RULES
from .choice import Age, Caps, choose_files
from .disks import Disk, read_disks
from .find import read_line
from .guard import MOUNTINFO, protection_of
from .items import Item
from .pace import gentle_runner
from .plan import CleanupPlan, RuleResult
from .quarantine import run_id
from .registry import places_of
from .search import found_in
from .task_run import choose_tasks
from .tasks import Note, Refusal, Task, TaskContext


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


def make_plan(request: CleanupRequest) -> CleanupPlan:
    """Work out what would go. Reads only.

    Raises:
        LifeboatError: ``command_missing``, ``command_failed``.
    """
    protection = protection_of(RULES, request.benches, request.protected)
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
            room = room.less(sum(item.bytes for item in choice.items), len(choice.items))
            chosen += choice.items
            left += choice.left_items
            kept += choice.kept
        items += chosen
        results.append(RuleResult(rule.id, left, tuple(kept), request.ages[rule.id].keep_newest))
    tasks: list[Task] = []
    refusals: list[Refusal] = []
    notes: list[Note] = []
    for name, settings in request.tasks.items():
        chosen_tasks = choose_tasks(TASK_RULES[name], request.context, settings, room)
        room = room.less(sum(task.bytes for task in chosen_tasks.tasks), len(chosen_tasks.tasks))
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


def _disks(request: CleanupRequest, folders: set[str]) -> list[Disk]:
    mounts = parse_mounts(MOUNTINFO.read_text())
    real = [Path(folder).resolve() for folder in folders if folder]
    return read_disks(real, mounts, read_history(request.state_path), request.now)
