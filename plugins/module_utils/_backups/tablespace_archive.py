"""Unpacking the archive that holds the files of a set's tables: exactly those that its description names."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Callable, cast

from .._mariadb.tablespaces.tablespace_set import TablespaceFile
from .._system.children import bound_command, find_program
from .._system.errors import LifeboatError
from .archives import BLOCK_BYTES, CHUNK_BYTES, ArchiveLimits, ArchiveReader, Member, PrefixedStream, Readable
from .artifacts import open_artifact

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# A header and the padding of its content; a long name has both for itself.
BLOCKS_PER_MEMBER = 8
END_BYTES = 2 * CHUNK_BYTES
FILE_MODE = 0o600
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack_tablespaces(
    archive: Path,
    key: str | None,
    files: Mapping[str, TablespaceFile],
    folder: Path | None,
    on_bytes: Callable[[int], object] = int,
) -> None:
    """Unpack the files of tables, each compared with what it must be.

    Args:
        archive: A tar archive, as it is or compressed by zstd, as it is or encrypted after that.
        key: What opens it where it is encrypted.
        files: The files that it holds, by name.
        folder: Where they go, empty; None to compare them only.
        on_bytes: Told the bytes of each piece.

    Raises:
        LifeboatError: What ``open_artifact`` raises; ``archive_refused`` when it holds something else,
            ``artifact_truncated`` when it holds less, ``artifact_corrupt`` when a file is another one than it must be.
    """
    with open_artifact(archive, key) as stored, _decompressed(stored, archive) as content:
        reader = _TablespaceReader(content, archive.name, files)
        found = {_unpack(member, files, folder, archive, on_bytes) for member in reader.members()}
    missing = sorted(set(files) - found)
    if missing:
        raise LifeboatError(
            f"Cannot use {archive}: {len(missing)} files of tables are not in it, for instance {missing[0]}. Use "
            "another set, or fetch this artifact again.",
            "artifact_truncated",
            {"path": str(archive), "missing": len(missing)},
        )


class _TablespaceReader(ArchiveReader):
    """Reads an archive of which every member is known beforehand: no other, and none of another size, is taken."""

    def __init__(self, content: Readable, name: str, files: Mapping[str, TablespaceFile]) -> None:
        total_bytes = sum(file.size_bytes for file in files.values())
        limits = ArchiveLimits(len(files), total_bytes + len(files) * BLOCKS_PER_MEMBER * BLOCK_BYTES + END_BYTES)
        super().__init__(content, name, "", limits)
        self._files = files

    def _member(self, header: tarfile.TarInfo) -> Member:
        expected = self._files.get(header.name)
        if expected is None or not header.isreg() or header.size != expected.size_bytes:
            raise self._refused("it holds something else than the files of the set's tables")
        return Member("", (os.fsencode(header.name),), False, header.size, FILE_MODE, header.mtime, self._content())


def _unpack(
    member: Member,
    files: Mapping[str, TablespaceFile],
    folder: Path | None,
    archive: Path,
    on_bytes: Callable[[int], object],
) -> str:
    name = os.fsdecode(member.parts[0])
    digest = hashlib.sha256()
    place = Path(os.devnull) if folder is None else folder / name
    flags = os.O_WRONLY if folder is None else _FILE_FLAGS
    with os.fdopen(os.open(place, flags, FILE_MODE), "wb", buffering=0) as target:
        for piece in member.content:
            digest.update(piece)
            target.write(piece)
            on_bytes(len(piece))
    if digest.hexdigest() != files[name].sha256:
        raise LifeboatError(
            f"Refused {name} in {archive}: its SHA-256 is not the one that the backup wrote down, so it was changed "
            "since. Use another set, or fetch this artifact again.",
            "artifact_corrupt",
            {"path": str(archive), "file": name},
        )
    return name


@contextmanager
def _decompressed(stored: BinaryIO, archive: Path) -> Iterator[Readable]:
    head = stored.read(len(ZSTD_MAGIC))
    content = PrefixedStream(head, stored)
    if head != ZSTD_MAGIC:
        yield content
        return
    command = bound_command([find_program("zstd", "zstd"), "--decompress", "--quiet", "--stdout"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        feeder = _Feeder(content, process)
        feeder.start()
        try:
            yield _ZstdStream(archive, process, feeder)
        finally:
            process.kill()
            feeder.join()


class _Feeder(threading.Thread):
    """Gives a program its input; ``error`` is why the input could not be read to its end."""

    def __init__(self, content: Readable, process: subprocess.Popen[bytes]) -> None:
        super().__init__(name="zstd", daemon=True)
        self.error: LifeboatError | None = None
        self._content = content
        self._stdin = cast(BinaryIO, process.stdin)

    def run(self) -> None:
        """Write until the end, or until the program takes no more."""
        try:
            with self._stdin as stdin:
                while True:
                    piece = self._content.read(CHUNK_BYTES)
                    if not piece:
                        return
                    stdin.write(piece)
        except LifeboatError as error:
            self.error = error
        except BrokenPipeError:
            pass  # what comes out of it says why


class _ZstdStream:
    """The content of an archive that zstd unpacks."""

    def __init__(self, archive: Path, process: subprocess.Popen[bytes], feeder: _Feeder) -> None:
        self._archive = archive
        self._process = process
        self._feeder = feeder

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end of content that is whole."""
        content = cast(BinaryIO, self._process.stdout).read(size)
        if len(content) != size:
            self._feeder.join()
            if self._feeder.error is not None:
                raise self._feeder.error
            if self._process.wait() != 0:
                raise LifeboatError(
                    f"Cannot read the archive {self._archive}: its compressed content is damaged or cut. Use another "
                    "set, or fetch this artifact again.",
                    "artifact_corrupt",
                    {"path": str(self._archive)},
                )
        return content
