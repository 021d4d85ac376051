"""The plan of a cleanup: what would go, as a value that one person reviews and another applies. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._system.errors import LifeboatError
from .disks import Disk, disk_of, disks_from
from .items import Item
from .tasks import Note, Refusal, Task

SCHEMA_VERSION = 1
_ENCODER = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True)
class RuleResult:
    """What one rule found.

    Attributes:
        rule: Its id.
        left_items: How many more may go later.
        kept: What stays though it is old enough, each with the reason.
        keep_newest: How many of the newest of each folder stay whatever their age.
    """

    rule: str
    left_items: int
    kept: tuple[tuple[str, str], ...] = ()
    keep_newest: int = 0


@dataclass(frozen=True)
class CleanupPlan:
    """What goes, in this order, and what each rule left.

    Attributes:
        run: The id of the run that made the plan.
        host: The host that it is for.
        items: What goes.
        results: One for each rule that looked.
        tasks: What rules take away by their own means, after the items.
        refusals: What rules could not look at, or must not touch.
        disks: The file systems on which something goes.
        notes: What rules tell and leave as it is.
    """

    run: str
    host: str
    items: tuple[Item, ...]
    results: tuple[RuleResult, ...]
    tasks: tuple[Task, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    disks: tuple[Disk, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def bytes(self) -> int:
        """What the disks, tables and Redis servers get back."""
        return sum(item.bytes for item in self.items) + sum(task.bytes for task in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, the shape of its file."""
        disks = self._disks_of_folders()
        return {
            "schema_version": SCHEMA_VERSION,
            "run": self.run,
            "host": self.host,
            "bytes": self.bytes,
            "items": [{**item.as_dict(), "days_gained": _days(disks[item.root], item.bytes)} for item in self.items],
            "tasks": [{**task.as_dict(), "days_gained": _days(disks[task.folder], task.bytes)} for task in self.tasks],
            "disks": [disk.as_dict() for disk in self.disks],
            "refusals": [vars(refusal) for refusal in self.refusals],
            "notes": [vars(note) for note in self.notes],
            "rules": {
                result.rule: {
                    "left_items": result.left_items,
                    "kept": [list(kept) for kept in result.kept],
                    "keep_newest": result.keep_newest,
                }
                for result in self.results
            },
        }

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return how many items, bytes and days of the disks' growth each rule gives."""
        items, sizes = Counter(item.rule for item in self.items), Counter[tuple[str, str]]()
        for item in self.items:
            sizes[item.rule, item.root] += item.bytes
        for task in self.tasks:
            items[task.rule] += task.count
            sizes[task.rule, task.folder] += task.bytes
        disks = self._disks_of_folders()
        summary: dict[str, dict[str, Any]] = {}
        for result in self.results:
            folders = {folder: size for (rule, folder), size in sizes.items() if rule == result.rule}
            days = [_days(disks[folder], size) for folder, size in folders.items()]
            summary[result.rule] = {
                "items": items[result.rule],
                "bytes": sum(folders.values()),
                "left_items": result.left_items,
                "kept_items": len(result.kept),
                "days_gained": round(sum(day for day in days if day is not None), 2) if any(days) else None,
            }
        return summary

    def disk_summary(self) -> list[dict[str, Any]]:
        """Return what each file system gets back, and for how many days of its growth that is enough."""
        disks = self._disks_of_folders()
        sizes = Counter[str]()
        for folder, size in (*((i.root, i.bytes) for i in self.items), *((t.folder, t.bytes) for t in self.tasks)):
            disk = disks[folder]
            if disk is not None:
                sizes[disk.point] += size
        return [
            {
                **disk.as_dict(),
                "available_after_bytes": None,
                "bytes": sizes[disk.point],
                "days_gained": disk.days_gained(sizes[disk.point]),
            }
            for disk in self.disks
        ]

    def _disks_of_folders(self) -> dict[str, Disk | None]:
        folders = {item.root for item in self.items} | {task.folder for task in self.tasks}
        return {folder: disk_of(folder, self.disks) for folder in folders}


def encode_plan(plan: CleanupPlan) -> bytes:
    """Return the content of a plan's file, with a line for each thing that goes; the same plan gives the same bytes."""
    members = [f'"{name}": {_lines_of(value)}' for name, value in sorted(plan.as_dict().items())]
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def digest(content: bytes) -> str:
    """Return the sha256 by which a reviewed plan is known."""
    return hashlib.sha256(content).hexdigest()


def decode_plan(content: bytes, sha256: str, host: str) -> CleanupPlan:
    """Return the plan that was reviewed.

    Raises:
        LifeboatError: ``plan_refused`` when it is another one, of another host, or none at all.
    """
    if digest(content) != sha256:
        raise _refused(f"its sha256 is {digest(content)}, not {sha256}: it is not the one that was reviewed")
    try:
        values = json.loads(content)
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is {values['schema_version']}, not {SCHEMA_VERSION}")
        plan = CleanupPlan(
            run=str(values["run"]),
            host=str(values["host"]),
            items=tuple(Item.from_dict(_stated(item)) for item in values["items"]),
            results=_results(values["rules"]),
            tasks=tuple(Task.from_dict(_stated(task)) for task in values["tasks"]),
            refusals=tuple(Refusal(**refusal) for refusal in values["refusals"]),
            disks=disks_from(values["disks"]),
            notes=tuple(Note(**note) for note in values["notes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(f"it cannot be understood ({error})") from error
    if plan.host != host:
        raise _refused(f"it was made on {plan.host}, and this is {host}")
    return plan


def _lines_of(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _ENCODER.encode(value)
    return "[\n" + ",\n".join(map(_ENCODER.encode, value)) + "\n]"


def _days(disk: Disk | None, size_bytes: int) -> float | None:
    return None if disk is None else disk.days_gained(size_bytes)


def _stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of an item, without what follows from the disks."""
    return {name: value for name, value in values.items() if name != "days_gained"}


def _results(rules: Mapping[str, Any]) -> tuple[RuleResult, ...]:
    return tuple(
        RuleResult(
            rule,
            int(values["left_items"]),
            tuple((str(path), str(why)) for path, why in values["kept"]),
            int(values["keep_newest"]),
        )
        for rule, values in rules.items()
    )


def _refused(why: str) -> LifeboatError:
    return LifeboatError(
        f"Refused to apply the plan of a cleanup: {why}. Nothing was taken away. Make a plan again, with --check.",
        "plan_refused",
    )
