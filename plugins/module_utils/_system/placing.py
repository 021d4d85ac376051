"""Bringing a file to another place: shared where the file system can, else copied, and hashed on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Callable

from .errors import LifeboatError

# With pieces of a mebibyte, Linux takes four times as long to write them (measured: 4.7 against 1.1 s for 2 GB).
CHUNK_BYTES = 256 << 10
# ioctl_ficlone(2): two files share their blocks until one of them is written to.
_FICLONE = 0x40049409
_NEW_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Ownership:
    """Whose a file becomes, and its permission bits."""

    user_id: int
    group_id: int
    mode: int


def copy_file(
    source: Path,
    target: Path,
    ownership: Ownership,
    expected_sha256: str = "",
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> None:
    """Copy a file; where it is known what it must be, exactly the bytes that arrive are hashed and compared.

    Never a hard link: whoever writes to the copy must not write to the original. Nothing is synced.

    Args:
        source: The file.
        target: Where it goes; must not exist. It is removed when the copy failed.
        ownership: Whose the copy becomes, where the caller is root.
        expected_sha256: What its content must be, in hex digits; "" where that was verified before.
        on_bytes: Called with the size of each piece; what it raises ends the copy.

    Raises:
        LifeboatError: ``artifact_missing``; ``artifact_corrupt`` when its content is another one.
        OSError: The target cannot be written.
    """
    with _opened(source) as reader:
        written = os.open(target, _NEW_FILE_FLAGS, ownership.mode)
        try:
            with os.fdopen(written, "r+b", buffering=0) as writer:
                arrived = _share(reader, writer, on_bytes) or _copy(reader, writer, on_bytes)
                os.fchmod(written, ownership.mode)
                if os.geteuid() == 0:
                    os.fchown(written, ownership.user_id, ownership.group_id)
            if expected_sha256 and arrived != expected_sha256:
                raise LifeboatError(
                    f"Refused {source}: its SHA-256 is not the one that the backup wrote down, so it was changed "
                    "since. Use another set, or fetch this file again.",
                    "artifact_corrupt",
                    {"path": str(source)},
                )
        except BaseException:
            target.unlink()
            raise


def move_file(source: Path, target: Path, ownership: Ownership) -> None:
    """Give a file of our own another place and owner; it is copied where that is on another file system.

    Raises:
        LifeboatError: ``artifact_missing``.
        OSError: The target cannot be written.
    """
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(source, target, ownership)
        source.unlink()
    else:
        target.chmod(ownership.mode)
        if os.geteuid() == 0:
            os.chown(target, ownership.user_id, ownership.group_id)


def check_size(path: Path, expected_bytes: int) -> None:
    """Compare the size of a file with what it must be: that costs nothing, and finds every file that was cut.

    Raises:
        LifeboatError: ``artifact_missing``, ``artifact_truncated`` or ``artifact_corrupt``.
    """
    with _opened(path) as reader:
        found_bytes = os.fstat(reader.fileno()).st_size
    if found_bytes != expected_bytes:
        raise LifeboatError(
            f"Refused {path}: it has {found_bytes} bytes, and had {expected_bytes} when it was backed up. Use another "
            "set, or fetch this file again.",
            "artifact_truncated" if found_bytes < expected_bytes else "artifact_corrupt",
            {"path": str(path), "bytes": found_bytes, "expected_bytes": expected_bytes},
        )


def _opened(path: Path) -> FileIO:
    try:
        return FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")
    except OSError as error:
        raise LifeboatError(
            f"Cannot read {path}: {error.strerror}. Look whether it is still there and may be read, or use another "
            "set.",
            "artifact_missing",
            {"path": str(path)},
        ) from error


def _share(reader: FileIO, writer: FileIO, on_bytes: Callable[[int], None]) -> str:
    """Let the copy share the blocks of the original and hash what arrived; "" where the file system cannot."""
    try:
        fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
    except OSError:
        return ""
    digest = hashlib.sha256()
    for piece in _pieces(writer):
        digest.update(piece)
        on_bytes(len(piece))
    return digest.hexdigest()


def _copy(reader: FileIO, writer: FileIO, on_bytes: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(reader):
        digest.update(piece)
        written_bytes = 0
        while written_bytes < len(piece):
            written_bytes += writer.write(piece[written_bytes:])
        on_bytes(written_bytes)
    return digest.hexdigest()


def _pieces(reader: FileIO) -> Iterator[memoryview]:
    """Yield a file in pieces that lie in one buffer: each is used up before the next one is asked for."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while True:
        count = reader.readinto(buffer)
        if not count:
            return
        yield buffer[:count]
