"""Which files processes have open: none of them goes, and one that was deleted meanwhile keeps its room on the disk."""

from __future__ import annotations

import os
import pwd
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC_PATH = Path("/proc")


@dataclass(frozen=True)
class OpenFile:
    """A file that a process has open; ``owner`` is the account of the process, or its number where it has no name."""

    device: int
    inode: int
    size_bytes: int
    pid: int
    program: str
    owner: str
    is_deleted: bool


def open_files(proc_path: Path = PROC_PATH) -> frozenset[tuple[int, int]]:
    """Return device and inode of every file that a process has open; of other accounts' processes only as root."""
    return frozenset((found.device, found.inode) for found in _descriptors(proc_path))


def still_open(files: Collection[tuple[int, int]], proc_path: Path = PROC_PATH) -> list[OpenFile]:
    """Return those of the files, given by device and inode, that are deleted and that a process has open, once each."""
    # The number of a deleted file that nobody has open may be that of another file by now.
    found = {(file.device, file.inode): file for file in _descriptors(proc_path) if file.is_deleted}
    return [found[key] for key in sorted(found.keys() & set(files))]


def _descriptors(proc_path: Path) -> Iterator[OpenFile]:
    for process in proc_path.iterdir():
        if not process.name.isdigit():
            continue
        # A process may end at any moment, and another account's may not be looked at.
        with suppress(OSError):
            program = (process / "comm").read_text(errors="replace").strip()
            owner = _account(process.stat().st_uid)
            for descriptor in os.scandir(process / "fd"):
                with suppress(OSError):
                    status = Path(descriptor.path).stat()
                    pid, is_deleted = int(process.name), status.st_nlink == 0
                    yield OpenFile(status.st_dev, status.st_ino, status.st_size, pid, program, owner, is_deleted)


def _account(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)
