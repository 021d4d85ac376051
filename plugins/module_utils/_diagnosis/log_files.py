"""Reading the new part of a log: bounded, whole lines, past a rotation, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Position:
    """How far a log was read: the file by its inode, and the byte after the last whole line."""

    inode: int
    offset_bytes: int


@dataclass(frozen=True)
class LogPart:
    """What was read of a log.

    Attributes:
        text: Whole lines.
        position: How far it is read now.
        written_seconds: When the log was last written to, in Unix time.
        skipped_bytes: What was new but more than is read at once: the oldest of it was passed over.
    """

    text: str
    position: Position
    written_seconds: float
    skipped_bytes: int


def read_new_part(path: Path, before: Position | None, most_bytes: int) -> LogPart | None:
    """Read what a log has got since it was last read, or its end where it never was; None where there is none.

    Args:
        path: The log. What was rotated away to ``NAME.1`` meanwhile is read as well.
        before: How far it was read, None for never.
        most_bytes: The most that is read, from the end.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = _open(path)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        is_same = before is not None and before.inode == status.st_ino and before.offset_bytes <= status.st_size
        start = before.offset_bytes if before is not None and is_same else 0
        skipped = max(0, status.st_size - start - most_bytes)
        stream.seek(start + skipped)
        content = stream.read(most_bytes)
        if skipped:
            content = content[content.find(b"\n") + 1 :]
    end = content.rfind(b"\n") + 1
    offset = status.st_size - (len(content) - end) if end or not content else start
    rotated = b"" if is_same or before is None or skipped else _rest_of_rotated(path, before, most_bytes - len(content))
    text = (rotated + content[:end]).decode(errors="replace")
    # A log that was never read has no new part: its start is passed over without a word.
    return LogPart(text, Position(status.st_ino, offset), status.st_mtime, skipped if before is not None else 0)


def read_positions(kept: Mapping[str, object]) -> dict[str, Position]:
    """Read the positions of logs from what was kept of them; what is not one is left out."""
    return {
        path: Position(*values)
        for path, values in kept.items()
        if isinstance(values, list) and len(values) == len(fields(Position)) and all(isinstance(v, int) for v in values)
    }


def _rest_of_rotated(path: Path, before: Position, most_bytes: int) -> bytes:
    descriptor = _open(path.with_name(f"{path.name}.1"))
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_ino != before.inode:
            return b""
        stream.seek(before.offset_bytes)
        return stream.read(max(0, most_bytes))


def _open(path: Path) -> int | None:
    """Open a plain file for reading; whoever may write into the folder must not lead us elsewhere."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor
