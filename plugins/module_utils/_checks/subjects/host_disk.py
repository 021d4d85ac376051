"""Checks of the room on the host's file systems: how much there is, for how long, and how many inodes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from ..._system.mounts import Mount, Usage, mount_of
from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS, bytes_text, duration_text
from ..findings import CRITICAL, WARNING
from ..history import Point
from ..registry import Measurement, Remediation, check
from ..targets.host import Host

FULL_DISK_HELP = Remediation(
    "Remove what is no longer needed (old backups, logs, archived sites, deleted files that a process holds), or "
    "enlarge the file system, before MariaDB or Redis must stop writing."
)
# Below this, MariaDB's temporary tables and one dump no longer fit, whatever the share is; a file system that is small
# by design, as /boot, is judged by its share alone.
LEAST_AVAILABLE_BYTES = 2 * 2**30
SMALL_FILE_SYSTEM_BYTES = 20 * 2**30
# A data directory of 50 sites has about 35,000 files.
MOST_FILES = 50_000

# How far back growth is looked at, and how long the runs must reach back for it to mean something.
LONG_WINDOW_SECONDS, LONG_LEAST_SECONDS = 7 * DAY_SECONDS, DAY_SECONDS
SHORT_WINDOW_SECONDS, SHORT_LEAST_SECONDS = 6 * HOUR_SECONDS, HOUR_SECONDS
LEAST_POINTS = 5
# A few hours' growth, as of a nightly backup, matters only where it could fill the disk (node-mixin looks below 40 %
# only).
SHORT_WINDOW_BELOW_PERCENT = 40


@check(
    "H01",
    "disk.available",
    title="Room on the file systems",
    subject="host",
    target=Host,
    measures="what is available to those who are not root, of each file system that holds data",
    source="statvfs of each mount in /proc/self/mountinfo",
    unit="percent",
    warning="15:",
    critical="10:",
    impact="critical",
    remediation=FULL_DISK_HELP,
    reference="awesome-prometheus-alerts HostOutOfDiskSpace (10 %); the room for the next backup: own proposal",
)
def disk_available(target: Host) -> Iterator[Measurement]:
    """Measure the share, and hold it against what the database and the next backup need there."""
    for mount, usage in _answering(target):
        if usage is None:
            yield _silent(mount)
            continue
        severity, needs = _verdict_of_bytes(target, mount, usage)
        room = f"{bytes_text(usage.available_bytes)} of {bytes_text(usage.usable_bytes)}"
        text = f"{mount.point} has {usage.available_percent:.1f} % available ({room}){needs}"
        yield Measurement(usage.available_percent, mount.point, text, severity=severity)


@check(
    "H02",
    "disk.time_to_full",
    title="Time until a file system is full",
    subject="host",
    target=Host,
    measures="when each file system is full if it goes on as in the last 7 days, or as in the last 6 hours",
    source="what earlier runs saw (H01), least squares",
    unit="seconds",
    warning="259200:",
    critical="86400:",
    impact="medium",
    remediation=FULL_DISK_HELP,
    reference="awesome-prometheus-alerts HostDiskMayFillIn24Hours; node-mixin NodeFilesystemSpaceFillingUp",
)
def disk_time_to_full(target: Host) -> Iterator[Measurement]:
    """Extend the line through the shares of the earlier runs to zero."""
    for mount, usage in _answering(target):
        if usage is None:
            yield _silent(mount)
            continue
        now = Point(target.now_seconds, usage.available_percent)
        points = [*target.surroundings.history.points("H01", target.name, mount.point), now]
        seconds = time_to_full_seconds(points)
        if seconds is None:
            text = f"the growth of {mount.point} is known after {LEAST_POINTS} runs within 6 hours, or over a day"
        elif math.isinf(seconds):
            text = f"{mount.point} does not fill up"
        else:
            text = f"{mount.point} is full in {duration_text(seconds)} if it goes on like this"
        yield Measurement(seconds, mount.point, text)


@check(
    "H03",
    "disk.inodes",
    title="Inodes of the file systems",
    subject="host",
    target=Host,
    measures="how many inodes are free, of each file system that has a fixed number of them",
    source="statvfs of each mount in /proc/self/mountinfo",
    unit="percent",
    warning="15:",
    critical="10:",
    impact="critical",
    remediation=Remediation(
        "Find the folders with the most entries (du --inodes -x / | sort -n | tail) and remove what is no longer "
        "needed: sessions, caches, mail queues, old backups. Without an inode no file can be made."
    ),
    reference="awesome-prometheus-alerts HostOutOfInodes (10 %)",
)
def disk_inodes(target: Host) -> Iterator[Measurement]:
    """Measure the share of inodes."""
    for mount, usage in _answering(target):
        if usage is None:
            yield _silent(mount)
        elif usage.inodes:
            percent = 100 * usage.available_inodes / usage.inodes
            text = f"{mount.point} has {percent:.1f} % of its inodes free ({usage.available_inodes:,})"
            yield Measurement(percent, mount.point, text)


def time_to_full_seconds(points: Sequence[Point]) -> float | None:
    """Tell when the last of these shares reaches zero: infinity if it does not fall, None if that is not known yet.

    Args:
        points: Available percent, oldest first; the last one is of now.
    """
    slope = steepest_slope(points)
    if slope is None:
        return None
    return points[-1].value / -slope if slope < 0 else math.inf


def steepest_slope(points: Sequence[Point]) -> float | None:
    """Return by how much a share changes in a second, in the window in which it falls fastest; None if not known yet.

    Args:
        points: Available percent, oldest first; the last one is of now.
    """
    now = points[-1]
    windows = [(LONG_WINDOW_SECONDS, LONG_LEAST_SECONDS)]
    if now.value < SHORT_WINDOW_BELOW_PERCENT:
        windows.append((SHORT_WINDOW_SECONDS, SHORT_LEAST_SECONDS))
    slopes = []
    for window_seconds, least_seconds in windows:
        recent = [point for point in points if point.at_seconds >= now.at_seconds - window_seconds]
        if len(recent) >= LEAST_POINTS and now.at_seconds - recent[0].at_seconds >= least_seconds:
            slopes.append(_slope(recent))
    return min(slopes, default=None)


def _slope(points: Sequence[Point]) -> float:
    """Return the least-squares slope, in units a second, of points that are not all of one moment."""
    mean_time = sum(point.at_seconds for point in points) / len(points)
    mean_value = sum(point.value for point in points) / len(points)
    spread = sum((point.at_seconds - mean_time) ** 2 for point in points)
    return sum((point.at_seconds - mean_time) * (point.value - mean_value) for point in points) / spread


def _answering(target: Host) -> Iterator[tuple[Mount, Usage | None]]:
    for system in target.file_systems:
        # An image or an empty network share has no room by nature.
        if system.usage is None or system.usage.usable_bytes:
            yield system.mount, system.usage


def _silent(mount: Mount) -> Measurement:
    return Measurement(None, mount.point, f"the {mount.kind} file system on {mount.point} does not answer")


def _verdict_of_bytes(target: Host, mount: Mount, usage: Usage) -> tuple[str, str]:
    """Return the severity of too few bytes and why, or nothing where the share decides."""
    is_used = any(_is_on(place, mount, target.mounts) for place in target.places)
    if not is_used or usage.usable_bytes < SMALL_FILE_SYSTEM_BYTES:
        return "", ""
    if usage.available_bytes < LEAST_AVAILABLE_BYTES:
        return CRITICAL, f"; less than {bytes_text(LEAST_AVAILABLE_BYTES)} is too little for a database or a backup"
    backup_bytes = _largest_file_bytes(_files_in(_on(target.backup_folders, mount, target)))
    if usage.available_bytes < backup_bytes:
        return CRITICAL, f"; the largest backup file has {bytes_text(backup_bytes)}, so the next one may not fit"
    folders = _on(target.database_folders, mount, target)
    tables = (path for schema in _folders_in(folders) for path in _files_in([schema]) if path.name.endswith(".ibd"))
    table_bytes = _largest_file_bytes(tables)
    # Nothing breaks yet: a table is only rebuilt on purpose.
    if usage.available_bytes < table_bytes:
        return WARNING, f"; the largest table has {bytes_text(table_bytes)}, so it can no longer be rebuilt"
    return "", ""


def _is_on(folder: Path, mount: Mount, mounts: Sequence[Mount]) -> bool:
    found = mount_of(folder, mounts)
    return found is not None and found.device == mount.device


def _on(folders: Iterable[Path], mount: Mount, target: Host) -> list[Path]:
    real = [Path(os.path.realpath(folder)) for folder in folders]
    return [folder for folder in real if _is_on(folder, mount, target.mounts)]


def _entries(folders: Iterable[Path]) -> Iterator[os.DirEntry[str]]:
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            yield from entries


def _folders_in(folders: Iterable[Path]) -> Iterator[Path]:
    yield from (Path(entry.path) for entry in _entries(folders) if entry.is_dir(follow_symlinks=False))


def _files_in(folders: Iterable[Path]) -> Iterator[os.DirEntry[str]]:
    yield from (entry for entry in _entries(folders) if entry.is_file(follow_symlinks=False))


def _largest_file_bytes(files: Iterable[os.DirEntry[str]]) -> int:
    largest = 0
    for entry in islice(files, MOST_FILES):
        with suppress(OSError):
            largest = max(largest, entry.stat(follow_symlinks=False).st_size)
    return largest
