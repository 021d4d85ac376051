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

from .errors import LifeboatError

# What the system says when a file system, or what an account may use of it, is full.
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EPERM)
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
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # What write(2) and fsync(2) refuse is of no file, and the temporary's name says nothing.
            error.filename = str(path)
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
    """Append one line to a file and wait until the disk has it. Nobody else appends to it meanwhile.

    Raises:
        OSError: The line cannot be written; nothing of it is in the file then.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
    try:
        size_bytes = os.fstat(descriptor).st_size
        try:
            _write_all(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)
        except OSError as error:
            # A part of a line would make one that nobody can read with the line after it.
            os.ftruncate(descriptor, size_bytes)
            error.filename = str(path)
            raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    # write(2) takes a part without complaint where a file system has room for that alone, and refuses the rest.
    while content:
        content = content[os.write(descriptor, content) :]


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


def file_failure(error: OSError) -> LifeboatError | None:
    """Say what the system's refusal to read or write a file means for who runs this, and what to do.

    Returns:
        ``disk_space`` or ``file_refused``; None where the error is not of a file, or says nothing that helps.
    """
    place = str(error.filename or "a file")
    if error.errno in NO_SPACE:
        reason, code = "its file system is full. Free some space there", "disk_space"
    elif error.errno == errno.EROFS:
        reason, code = (
            "its file system is read-only. Find out why (dmesg), mount it for writing",
            "file_refused",
        )
    elif error.errno == errno.EIO:
        reason, code = "the disk reported an error. Look at the kernel's log (dmesg)", "file_refused"
    elif error.errno in NOT_ALLOWED and error.filename:
        reason, code = "the account that this runs as may not. Run it as root (become)", "file_refused"
    elif error.errno in (errno.EISDIR, errno.ENOTDIR):
        reason, code = "there is a folder where a file belongs, or a file in place of a folder. Move it", "file_refused"
    else:
        return None
    return LifeboatError(
        f"Cannot use {place}: {reason}, then run this again.", code, {"path": place, "system_error": error.strerror}
    )
