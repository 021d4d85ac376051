"""Folders that are opened one name at a time, so that no symbolic link can lead the work elsewhere."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import LifeboatError

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class NewFolders:
    """How folders that are missing are made: their permission bits, their user and group."""

    mode: int
    owner: tuple[int, int]


def give_to(descriptor: int, owner: tuple[int, int]) -> None:
    """Give an open file or folder to its owner, where the caller is root; others own what they make already."""
    if os.geteuid() == 0:
        os.fchown(descriptor, *owner)


@contextmanager
def folder_beneath(
    root: Path | int, names: Sequence[str] | Sequence[bytes], new: NewFolders | None = None
) -> Iterator[int]:
    """Yield a descriptor of a folder below a trusted one, following no link on the way.

    Args:
        root: The trusted folder, or an open descriptor of it.
        names: The names below it, outermost first.
        new: How to make the folders that are missing; None to make none.

    Raises:
        LifeboatError: ``path_unsafe`` when a name on the way is a link or not a folder.
        FileNotFoundError: A folder is missing and ``new`` is None.
    """
    descriptor = os.dup(root) if isinstance(root, int) else os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names:
            inner = _open_folder(descriptor, name, new)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def remove_tree_beneath(root: Path, names: Sequence[str]) -> bool:
    """Remove a folder below a trusted one with all that is in it, following no link.

    Returns:
        False when it was not there.
    """
    try:
        with folder_beneath(root, names[:-1]) as parent:
            shutil.rmtree(f"/proc/self/fd/{parent}/{names[-1]}")
            os.fsync(parent)
    except FileNotFoundError:
        return False
    return True


def sync_file_system(descriptor: int) -> None:
    """Wait until the disk has all that was written to the file system of an open file.

    One call for a whole tree: an fsync for each of 100,000 small files would take minutes.

    Raises:
        OSError: The disk did not take it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _open_folder(parent: int, name: str | bytes, new: NewFolders | None) -> int:
    try:
        try:
            return os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        except FileNotFoundError:
            if new is None:
                raise
        os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        give_to(descriptor, new.owner)
        os.fchmod(descriptor, new.mode)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise LifeboatError(
            f"Refused to follow {os.fsdecode(name)!a}: it is a link or not a folder. Move it away and run this again.",
            "path_unsafe",
        ) from None
    return descriptor
