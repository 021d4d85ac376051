"""Extracting an archive of a site's files into an empty folder, so that nothing in it can reach outside."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Callable

from .._system.beneath import NewFolders, folder_beneath, give_to
from .._system.errors import LifeboatError
from .archives import ArchiveListing, ArchiveReader, Member, list_archive

FILE_MODE = 0o600
FOLDER_MODE = 0o700
# Others may be given no more than reading: the web server often runs as another user than the bench.
FILE_MODE_KEPT = 0o044
FOLDER_MODE_KEPT = 0o055
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

OnProgress = Callable[[int, int, str], None]


def extract_archive(
    reader: ArchiveReader, destination: int, owner: tuple[int, int], on_progress: OnProgress
) -> ArchiveListing:
    """Extract an archive to its end.

    Args:
        reader: The archive.
        destination: A descriptor of the folder that stands for ``files``; empty.
        owner: The user and group that get the files, where the caller is root.
        on_progress: Called with the bytes and the files that were written, and the last name.

    Raises:
        LifeboatError: As ``ArchiveReader.members``; ``disk_space`` when the file system is full.
    """
    with ExitStack() as stack:
        writer = _TreeWriter(destination, owner, on_progress, stack)
        try:
            return list_archive(reader, writer.write)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise LifeboatError(
                "Gave up extracting files: the file system is full. What was extracted is removed; free some space and "
                "run this again.",
                "disk_space",
            ) from error


class _TreeWriter:
    """Writes members; keeps the folder of the last one open, since neighbours follow each other in an archive."""

    def __init__(self, destination: int, owner: tuple[int, int], on_progress: OnProgress, stack: ExitStack) -> None:
        self._destination = destination
        self._owner = owner
        self._on_progress = on_progress
        self._stack = stack
        self._open_parts: tuple[bytes, ...] = ()
        self._open_folder = destination
        self._file_count = 0
        self._written_bytes = 0

    def write(self, member: Member) -> None:
        if member.is_folder:
            descriptor = self._folder(member.parts)
            os.fchmod(descriptor, FOLDER_MODE | (member.mode & FOLDER_MODE_KEPT))
            return
        name = member.parts[-1]
        try:
            descriptor = os.open(name, _FILE_FLAGS, FILE_MODE, dir_fd=self._folder(member.parts[:-1]))
        except (FileExistsError, IsADirectoryError):
            raise LifeboatError(
                f"Refused the archive: it holds {os.fsdecode(name)!a} twice. Use another set.", "archive_refused"
            ) from None
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in self._counted(member):
                stream.write(chunk)
            stream.flush()
            give_to(descriptor, self._owner)
            os.fchmod(descriptor, FILE_MODE | (member.mode & FILE_MODE_KEPT))
            os.utime(descriptor, (member.modified_at, member.modified_at))
        self._file_count += 1

    def _counted(self, member: Member) -> Iterator[bytes]:
        name = os.fsdecode(member.parts[-1])
        self._on_progress(self._written_bytes, self._file_count, name)
        for chunk in member.content:
            yield chunk
            self._written_bytes += len(chunk)
            self._on_progress(self._written_bytes, self._file_count, name)

    def _folder(self, parts: tuple[bytes, ...]) -> int:
        if parts != self._open_parts:
            self._stack.close()
            # The modes of folders that the archive names are set when they come; 0755 is what Frappe makes.
            self._open_folder = self._stack.enter_context(
                folder_beneath(self._destination, parts, NewFolders(FOLDER_MODE | FOLDER_MODE_KEPT, self._owner))
            )
            self._open_parts = parts
        return self._open_folder
