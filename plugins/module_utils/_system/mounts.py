"""The file systems of a host and their room, read so that one that hangs holds up nobody."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# What keeps data on a disk or on another host. Others are the kernel's own, or images that are full by nature.
DISK_TYPES = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "reiserfs", "vfat", "fuseblk"}
)
NETWORK_TYPES = frozenset({"nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "fuse.glusterfs", "fuse.sshfs"})
ANSWER_SECONDS = 1.0
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A line of ``/proc/self/mountinfo``.

    Attributes:
        device: The kernel's major and minor number, which all mounts of one file system share.
        point: Where it is mounted.
        kind: The type of the file system.
        source: What was mounted.
        is_read_only: Whether the file system itself takes no writes, whatever this mount says.
    """

    device: str
    point: str
    kind: str
    source: str
    is_read_only: bool


@dataclass(frozen=True)
class Usage:
    """The room of a file system, as ``statvfs`` tells it.

    ``available`` is what those who are not root may still take; ``usable`` is that and what is taken. Inodes are 0 in
    number where the file system makes them as needed.
    """

    available_bytes: int
    usable_bytes: int
    available_inodes: int
    inodes: int

    @property
    def available_percent(self) -> float:
        """The share that is available, as df counts it."""
        return 100 * self.available_bytes / self.usable_bytes if self.usable_bytes else 100.0


def parse_mounts(mountinfo: str) -> list[Mount]:
    """Read the text of ``/proc/self/mountinfo`` (proc(5)); of several mounts on one point the last one is seen."""
    mounts: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields, about = before.split(" "), after.split(" ")
        if separator:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
            mounts[point] = Mount(fields[2], point, about[0], about[1], "ro" in about[2].split(","))
    return list(mounts.values())


def mount_of(path: Path, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount that a path without links lies on."""
    holding = [mount for mount in mounts if path.is_relative_to(mount.point)]
    return max(holding, key=lambda mount: len(PurePosixPath(mount.point).parts), default=None)


def file_systems(mounts: Sequence[Mount], places: Iterable[Path]) -> list[Mount]:
    """Return one mount of each file system that holds data: the one nearest to the root.

    Besides disks and network file systems these are the root, ``/tmp`` and those that hold one of the places, whatever
    their type. A container's files in ``/etc``, which are mounts of the host's disk, are left out.

    Args:
        mounts: All mounts.
        places: Folders that matter, without links.
    """
    named = {mount.point for path in (Path("/"), Path("/tmp"), *places) if (mount := mount_of(path, mounts))}  # noqa: S108 (looked at, not written to)
    chosen: dict[str, Mount] = {}
    for mount in sorted(mounts, key=lambda mount: (len(mount.point), mount.point)):
        is_data = mount.kind in DISK_TYPES | NETWORK_TYPES and not mount.point.startswith("/etc/")
        if is_data or mount.point in named:
            chosen.setdefault(mount.device, mount)
    return sorted(chosen.values(), key=lambda mount: mount.point)


def read_usages(folders: Sequence[Path], answer_seconds: float = ANSWER_SECONDS) -> dict[Path, Usage]:
    """Ask file systems for their room, all at once.

    Args:
        folders: A folder on each of them.
        answer_seconds: How long to wait. A network file system whose server is gone answers never.

    Returns:
        What answered in time.
    """
    answers: dict[Path, Usage] = {}

    def ask(folder: Path) -> None:
        try:
            status = os.statvfs(folder)
        except OSError:
            return
        unit = status.f_frsize
        usable_bytes = (status.f_blocks - status.f_bfree + status.f_bavail) * unit
        answers[folder] = Usage(status.f_bavail * unit, usable_bytes, status.f_favail, status.f_files)

    # Threads that nobody waits for: one that hangs in the kernel cannot be ended.
    threads = [threading.Thread(target=ask, args=(folder,), daemon=True) for folder in folders]
    end = time.monotonic() + answer_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(answers)
