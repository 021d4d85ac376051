"""Finding files in a folder with GNU find, which reads a million of them faster than Python can.

What it prints of a file, its age and its path, stays a line of bytes until the file is chosen: lines sort by age as
they are, so a million files cost neither a million objects nor their memory. The rest is asked of chosen files alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from .._system.errors import LifeboatError
from .pace import lowest_priority
from .quarantine import QUARANTINE_NAME

FIND = "find"
# A pipe that takes as much as is read at once lets find go on meanwhile. Linux numbers the request 1031.
READ_BYTES = 1 << 20
SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)
# The time of the last change, right-justified, comes first: so the order of lines is the order of ages.
FORMAT = r"%22T@ %P\0"
TIME_WIDTH = 22
NANOSECOND_DIGITS = 9
NANOSECONDS = 10**NANOSECOND_DIGITS
BLOCK_BYTES = 512


@dataclass(frozen=True)
class FoundFile:
    """A regular file.

    Attributes:
        path: Its path below the folder that was searched.
        modified_ns: When it was changed, nanoseconds since the epoch.
        device: The number of its file system.
        inode: Its number there.
        size_bytes: Its length.
        freed_bytes: What the disk gets back when it goes: nothing while the file has another name.
        status_changed_ns: When it was put there, renamed, or given other rights or content at last.
    """

    path: str
    modified_ns: int
    device: int
    inode: int
    size_bytes: int
    freed_bytes: int
    status_changed_ns: int


def find_files(folder: Path, names: Sequence[str] = (), depth: int | None = None) -> Iterator[list[bytes]]:
    """Yield lists of lines, one line for each regular file of a folder and of those in it.

    The first list is empty: once it was taken, the search goes on while something else is done.

    No link is followed, and no other file system is entered.

    Args:
        folder: Where to look; nothing is found where it does not exist.
        names: Shell patterns, one of which the name matches; none for every name.
        depth: How many folders deep, 1 for the folder alone; None for all.

    Raises:
        LifeboatError: ``command_missing`` without GNU find, ``command_failed`` when it ends with an error: a folder
            that could not be read is told, never taken for an empty one.
    """
    if not folder.is_dir():
        return
    # A slash at the end: the folder itself may be reached over a link, for instance a disk for the logs.
    if shutil.which(FIND) is None:
        raise LifeboatError(
            "Cannot look for files: GNU find is not installed. Install the package findutils and run this again.",
            "command_missing",
        )
    command = [*lowest_priority(), FIND, "-P", f"{folder.absolute()}/", "-xdev", "-ignore_readdir_race"]
    command += [] if depth is None else ["-maxdepth", str(depth)]
    command += ["-type", "f"]
    if names:
        command += ["(", *[part for name in names for part in ("-o", "-name", name)][1:], ")"]
    command += ["-printf", FORMAT, "-o", "-type", "d", "-name", QUARANTINE_NAME, "-prune"]
    # A file takes any number of complaints; a pipe that nobody empties would hold find up.
    with tempfile.TemporaryFile() as complaints:
        with _started(command, complaints) as find:
            try:
                yield []
                yield from _lines(cast(BinaryIO, find.stdout))
            except GeneratorExit:
                find.kill()
                raise
        complaints.seek(0)
        complaint = complaints.readline().decode(errors="replace").strip()
    if find.returncode != 0:
        raise LifeboatError(
            f"Cannot look through {folder}: {complaint or 'find was ended'}. Nothing of it is taken away.",
            "command_failed",
            {"path": str(folder)},
        )


def line_of(moment: float) -> bytes:
    """Return how the line of a file begins that was changed at a moment, seconds since the epoch."""
    return f"{moment:{TIME_WIDTH}.{NANOSECOND_DIGITS + 1}f}".encode()


def path_of(line: bytes) -> str:
    """Return the path of the file of a line, below the folder that was searched."""
    return os.fsdecode(line[TIME_WIDTH + 1 :])


def read_line(folder: Path, line: bytes) -> FoundFile | None:
    """Return the file of a line; None when it is gone by now, or no regular file any more.

    Args:
        folder: The folder that was searched.
        line: As ``find_files`` gave it.
    """
    return read_file(folder, path_of(line))


def read_file(folder: Path, path: str) -> FoundFile | None:
    """Return a file by its path below a folder; None when it is gone by now, or no regular file any more."""
    try:
        status = os.lstat(f"{folder}/{path}")
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(
        path=path,
        modified_ns=status.st_mtime_ns,
        device=status.st_dev,
        inode=status.st_ino,
        size_bytes=status.st_size,
        freed_bytes=status.st_blocks * BLOCK_BYTES if status.st_nlink == 1 else 0,
        status_changed_ns=status.st_ctime_ns,
    )


def _started(command: Sequence[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    find = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, env=environment
    )
    with suppress(OSError):  # an account may have used up what it may have of larger pipes
        fcntl.fcntl(cast(BinaryIO, find.stdout), SET_PIPE_SIZE, READ_BYTES)
    return find


def _lines(pipe: IO[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    while chunk := pipe.read(READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\0")
        yield lines
