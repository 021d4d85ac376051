"""Archives of a site's files, in the form in which bench writes them: ``./<site>/public/files/...`` in a tar."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Callable, cast

from ..._bench.layout import Site
from ..._system.beneath import folder_beneath
from ..archives import VISIBILITY
from ..names import FILES, PRIVATE_FILES
from .filters import Write

COPY_BYTES = 1024 * 1024
# The archives of a site's files, by kind, and what bench calls them.
ARCHIVES = ((FILES, "files"), (PRIVATE_FILES, "private-files"))


@dataclass
class ArchiveResult:
    """What went into an archive.

    Attributes:
        file_count: Files.
        size_bytes: Their bytes.
        left_out: Paths that are no files or folders (links, sockets); no recovery would take them from an archive.
        changed: Paths of files that became shorter while they were read; the archive holds zeros in place of the rest.
    """

    file_count: int = 0
    size_bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    """A name in a folder that is open."""

    folder: int
    name: str
    status: os.stat_result
    path: str


def files_size_bytes(site: Site, kind: str) -> int:
    """Return the bytes of the files of a tree of a site; nothing where the tree is not there.

    Args:
        site: The site.
        kind: ``files`` or ``private_files``.
    """
    with _tree(site, kind) as tree:
        entries = () if tree is None else _entries(tree, "")
        return sum(entry.status.st_size for entry in entries if stat.S_ISREG(entry.status.st_mode))


def write_files_archive(
    site: Site, kind: str, write: Write, on_file: Callable[[int, int], None] = lambda _files, _bytes: None
) -> ArchiveResult:
    """Write a tree of a site's files as an archive, following no link: the site's own account may put one there.

    A file that goes away before it is read is left out, as one that was deleted a moment earlier would be.

    Args:
        site: The site.
        kind: ``files`` or ``private_files``.
        write: Takes the archive.
        on_file: Is told the files and bytes that are done.

    Raises:
        LifeboatError: ``path_unsafe`` when the tree itself is a link.
    """
    root = f"./{site.name}/{VISIBILITY[kind]}/files"
    result = ArchiveResult()
    sink = cast(BinaryIO, ArchiveSink(write))
    with (
        _tree(site, kind) as tree,
        tarfile.open(fileobj=sink, mode="w|", format=tarfile.GNU_FORMAT, bufsize=COPY_BYTES) as archive,
    ):
        if tree is None:
            return result
        archive.addfile(_header(os.fstat(tree), root, tarfile.DIRTYPE))
        for entry in _entries(tree, root):
            _add(archive, entry, result)
            on_file(result.file_count, result.size_bytes)
    return result


@contextmanager
def _tree(site: Site, kind: str) -> Iterator[int | None]:
    """Yield the open folder of a tree; None where a site that never had a file has none."""
    with ExitStack() as stack:
        try:
            names = (site.name, VISIBILITY[kind], "files")
            tree: int | None = stack.enter_context(folder_beneath(site.bench.sites_path, names))
        except FileNotFoundError:
            tree = None
        yield tree


def _entries(folder: int, path: str) -> Iterator[_Entry]:
    """Walk a tree by open folders; the content of a folder follows its entry, sorted by name."""
    for name in sorted(os.listdir(folder)):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield _Entry(folder, name, status, f"{path}/{name}")
        if stat.S_ISDIR(status.st_mode):
            try:
                with folder_beneath(folder, (name,)) as inner:
                    yield from _entries(inner, f"{path}/{name}")
            except FileNotFoundError:
                continue


def _add(archive: tarfile.TarFile, entry: _Entry, result: ArchiveResult) -> None:
    if stat.S_ISDIR(entry.status.st_mode):
        archive.addfile(_header(entry.status, entry.path, tarfile.DIRTYPE))
    elif not stat.S_ISREG(entry.status.st_mode):
        result.left_out.append(entry.path)
    else:
        _add_file(archive, entry, result)


def _add_file(archive: tarfile.TarFile, entry: _Entry, result: ArchiveResult) -> None:
    try:
        descriptor = os.open(
            entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=entry.folder
        )
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        source = _ExactlyLong(stream, status.st_size)
        archive.addfile(_header(status, entry.path, tarfile.REGTYPE), cast(BinaryIO, source))
    result.file_count += 1
    result.size_bytes += status.st_size
    if source.missing_bytes:
        result.changed.append(entry.path)


def _header(status: os.stat_result, path: str, kind: bytes) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.type = kind
    header.mode = stat.S_IMODE(status.st_mode)
    header.uid, header.gid = status.st_uid, status.st_gid
    header.mtime = int(status.st_mtime)
    header.size = status.st_size if kind == tarfile.REGTYPE else 0
    return header


class _ExactlyLong:
    """A file as long as it was when it was opened: what was added since is not read, what was cut off is zeros."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self._stream = stream
        self._left_bytes = size_bytes
        self.missing_bytes = 0

    def read(self, size: int) -> bytes:
        wanted = min(size, self._left_bytes)
        content = self._stream.read(wanted)
        self.missing_bytes += wanted - len(content)
        self._left_bytes -= wanted
        return content.ljust(wanted, b"\0")


class ArchiveSink:
    """What tarfile writes to."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, content: bytes) -> int:
        """Pass the next part on."""
        self._write(content)
        return len(content)
