"""The file systems on which something goes: their room, and by how much they grow in a day, as health checks saw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._checks.history import History, Point
from .._checks.subjects.host_disk import steepest_slope
from .._checks.targets.host import HOST_NAME
from .._system.mounts import Mount, Usage, mount_of, read_usages
from .._system.quantities import DAY_SECONDS

# The check that keeps the share that is available of each file system.
SHARES = "H01"


@dataclass(frozen=True)
class Disk:
    """A file system.

    Attributes:
        point: Where it is mounted.
        available_bytes: What those who are not root may still take.
        growth_bytes_a_day: By how much that shrinks; 0 where it does not, None where that is not known.
    """

    point: str
    available_bytes: int
    growth_bytes_a_day: float | None

    def days_gained(self, size_bytes: int) -> float | None:
        """Return for how many days of its growth so many bytes are enough; None where it is not known, or grows not."""
        return round(size_bytes / self.growth_bytes_a_day, 2) if self.growth_bytes_a_day else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def read_disks(folders: Iterable[Path], mounts: Sequence[Mount], history: History, now: float) -> list[Disk]:
    """Return the file systems that hold folders, each once; one that does not answer is left out.

    Args:
        folders: Folders without links.
        mounts: All mounts.
        history: What the health checks of this host saw.
        now: Seconds since the epoch.
    """
    held = {mount.point: mount for folder in folders if (mount := mount_of(folder, mounts))}
    usages = read_usages([Path(point) for point in sorted(held)])
    return [
        Disk(
            str(point),
            usage.available_bytes,
            growth_bytes_a_day(_points(held[str(point)], mounts, history), usage, now),
        )
        for point, usage in sorted(usages.items())
    ]


def growth_bytes_a_day(points: Sequence[Point], usage: Usage, now: float) -> float | None:
    """Return by how many bytes a file system grows in a day; 0 where it does not, None where that is not known. Pure.

    Args:
        points: The available percent that earlier runs saw, oldest first.
        usage: The room that there is now.
        now: Seconds since the epoch.
    """
    slope = steepest_slope([*points, Point(now, usage.available_percent)])
    return None if slope is None else max(0.0, -slope) * DAY_SECONDS * usage.usable_bytes / 100


def disk_of(path: str, disks: Collection[Disk]) -> Disk | None:
    """Return the file system of a path, of some that hold all paths that matter. Pure."""
    holding = [disk for disk in disks if path and Path(path).is_relative_to(disk.point)]
    return max(holding, key=lambda disk: len(disk.point), default=None)


def disks_from(values: Iterable[Mapping[str, Any]]) -> tuple[Disk, ...]:
    """Read what ``as_dict`` of some returned; raises ``TypeError`` on anything else."""
    return tuple(Disk(**value) for value in values)


def _points(mount: Mount, mounts: Sequence[Mount], history: History) -> list[Point]:
    """Return what was seen of a file system, which the checks may know by another of its mounts."""
    points = [mount.point, *(other.point for other in mounts if other.device == mount.device)]
    return next((seen for point in points if (seen := history.points(SHARES, HOST_NAME, point))), [])
