"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

# What the system says when a file system, or what an account may use of it, is full.
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path) -> None:
    """Create a folder that its owner alone may enter, with its parents, and wait until the disk has their names."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        fsync_folder(path.parent)


def write_atomically(path: Path, content: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Replace a file by one rename; readers see the old content or the new, never a part.

    Args:
        path: The file; its folder exists.
        content: The whole new content.
        mode: Permission bits of the new file.
        owner: User and group id, or None to keep the caller's.
    """
    descriptor, temporary_name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(temporary_name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), mode)
            if owner is not None:
                os.fchown(stream.fileno(), *owner)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def remove_unfinished_writes(path: Path) -> None:
    """Remove the temporary files that kills in ``write_atomically`` left beside a file that nobody writes now."""
    for leftover in path.parent.glob(f".{path.name}.*"):
        leftover.unlink()


def write_json_atomically(path: Path, value: Any, mode: int = 0o600) -> None:
    """Write a value as readable JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n", mode)


def append_line_durably(path: Path, line: str, mode: int = 0o600) -> None:
    """Append one line to a file and wait until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exchange_paths(first: Path, second: Path) -> bool:
    """Exchange two paths in one atomic step.

    Returns:
        False when the file system cannot (the caller then needs two renames and a journal); nothing was changed then.

    Raises:
        OSError: Any other failure of renameat2(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    result = libc.renameat2(
        _AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), ctypes.c_uint(_RENAME_EXCHANGE)
    )
    if result == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(first))


def free_bytes(path: Path) -> int:
    """Return the bytes that an unprivileged writer may still use on the file system of a path."""
    return shutil.disk_usage(path).free
