"""Reading and extracting the archives of a site's files, trusting nothing in them.

Python's ``tarfile`` takes a damaged header in the middle of an archive for its end, and remembers every member; here a
damaged archive is an error and memory does not grow with the archive's content.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Callable, Protocol, cast

from .._mariadb.dump.stream import expansion_limit_bytes
from .._system.errors import LifeboatError
from .artifacts import GZIP_MAGIC
from .names import FILES, PRIVATE_FILES

BLOCK_BYTES = tarfile.BLOCKSIZE
CHUNK_BYTES = 1024 * 1024
# Linux takes no longer path than 4096 bytes and no longer name than 255 (limits.h).
PATH_LIMIT_BYTES = 4096
NAME_LIMIT_BYTES = 255
EXTENSION_LIMIT_BYTES = 64 * 1024
MEMBER_LIMIT = 1_000_000

VISIBILITY = {FILES: "public", PRIVATE_FILES: "private"}


@dataclass(frozen=True)
class ArchiveLimits:
    """Where reading an archive is given up: it is then no backup of files but a bomb.

    Attributes:
        members: Files and folders.
        total_bytes: Bytes after decompression.
    """

    members: int
    total_bytes: int

    @classmethod
    def for_artifact(cls, size_bytes: int, members: int = MEMBER_LIMIT) -> ArchiveLimits:
        """Return the limits for an artifact of this size."""
        return cls(members, expansion_limit_bytes(size_bytes))


class Readable(Protocol):
    """What an archive is read from; ``read`` returns fewer bytes than asked for only at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""


@dataclass(frozen=True)
class Member:
    """A file or a folder of an archive.

    Attributes:
        site: The folder before ``public/files`` or ``private/files``.
        parts: The path below ``files``, empty for that folder itself.
        is_folder: It is a folder.
        size_bytes: The size of a file's content.
        mode: Permission bits as stored.
        modified_at: Seconds since the epoch as stored.
        content: The content of a file in chunks, to be read before the next member.
    """

    site: str
    parts: tuple[bytes, ...]
    is_folder: bool
    size_bytes: int
    mode: int
    modified_at: float
    content: Iterator[bytes]


@dataclass(frozen=True)
class ArchiveListing:
    """What an archive holds: the site that its paths name (None when it holds nothing), files and their bytes."""

    site: str | None
    file_count: int
    size_bytes: int


class ArchiveReader:
    """Reads the members of one archive, plain or gzip, from a stream that cannot seek.

    Args:
        raw: The artifact's content, decrypted.
        name: How to name the archive in messages.
        kind: files or private_files: which tree it has to hold.
        limits: Where to give up.
    """

    def __init__(self, raw: Readable, name: str, kind: str, limits: ArchiveLimits) -> None:
        self._name = name
        self._kind = kind
        self._limits = limits
        self._read_bytes = 0
        self._left_bytes = 0
        head = raw.read(BLOCK_BYTES)
        prefixed = PrefixedStream(head, raw)
        self._source: Readable = (
            cast(Readable, gzip.GzipFile(fileobj=cast(BinaryIO, prefixed))) if head.startswith(GZIP_MAGIC) else prefixed
        )

    def members(self) -> Iterator[Member]:
        """Yield every member and read the archive to its end.

        Raises:
            LifeboatError: ``artifact_truncated``, ``artifact_corrupt``, ``artifact_too_large``, or ``archive_refused``
                for what a backup of files never holds: links, devices, paths out of the tree, a path twice.
        """
        site: str | None = None
        seen: set[int] = set()
        for header in self._headers():
            member = self._member(header)
            if site not in (None, member.site):
                raise self._refused(f"it holds files of two sites, {site} and {member.site}")
            site = member.site
            identity = hash(member.parts)
            if identity in seen:
                raise self._refused(f"it holds {_printable(header.name)} twice")
            seen.add(identity)
            if len(seen) > self._limits.members:
                raise self._too_large(f"more than {self._limits.members} files and folders")
            self._left_bytes = member.size_bytes
            yield member
            for _chunk in member.content:
                pass

    def _headers(self) -> Iterator[tarfile.TarInfo]:
        long_name: str | None = None
        long_size: int | None = None
        while True:
            block = self._read(BLOCK_BYTES)
            if not block.strip(b"\0"):
                self._check_end()
                return
            try:
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.TarError:
                raise self._corrupt("a header in it is damaged") from None
            if header.size < 0:
                raise self._corrupt("a header in it is damaged")
            if header.type == tarfile.GNUTYPE_LONGNAME:
                long_name = os.fsdecode(self._extension(header).rstrip(b"\0"))
            elif header.type == tarfile.XHDTYPE:
                records = self._pax_records(self._extension(header))
                long_name = records.get("path", long_name)
                long_size = int(records["size"]) if records.get("size", "").isdigit() else None
            else:
                header.name = header.name if long_name is None else long_name
                header.size = header.size if long_size is None else long_size
                long_name = long_size = None
                yield header

    def _extension(self, header: tarfile.TarInfo) -> bytes:
        if header.size > EXTENSION_LIMIT_BYTES:
            raise self._refused("it holds a name of absurd length")
        self._left_bytes = header.size
        return b"".join(self._content())

    def _pax_records(self, content: bytes) -> dict[str, str]:
        records = {}
        while content:
            length_text, _space, _rest = content.partition(b" ")
            length = int(length_text) if length_text.isdigit() else 0
            record = content[len(length_text) + 1 : length]
            key, equals, value = record.partition(b"=")
            if not equals or not value.endswith(b"\n") or length > len(content):
                raise self._corrupt("an extended header in it is damaged")
            if key.startswith(b"GNU.sparse"):
                raise self._refused("it holds a sparse file")
            records[os.fsdecode(key)] = os.fsdecode(value[:-1])
            content = content[length:]
        return records

    def _member(self, header: tarfile.TarInfo) -> Member:
        if header.type == tarfile.GNUTYPE_SPARSE or not (header.isreg() or header.isdir()):
            raise self._refused(
                f"{_printable(header.name)} is neither a file nor a folder (a link, a device or the like)"
            )
        name = os.fsencode(header.name)
        if len(name) > PATH_LIMIT_BYTES or b"\0" in name:
            raise self._refused("it holds a path that no file can have")
        parts = tuple(name.rstrip(b"/").split(b"/")) if header.isdir() else tuple(name.split(b"/"))
        parts = parts[1:] if parts[0] == b"." else parts
        tree = (VISIBILITY[self._kind].encode(), b"files")
        safe = all(part not in (b"", b".", b"..") and len(part) <= NAME_LIMIT_BYTES for part in parts)
        if not safe or parts[1:3] != tree or (len(parts) == len(tree) + 1 and not header.isdir()):
            raise self._refused(f"{_printable(header.name)} is not below <site>/{VISIBILITY[self._kind]}/files")
        return Member(
            site=os.fsdecode(parts[0]),
            parts=parts[len(tree) + 1 :],
            is_folder=header.isdir(),
            size_bytes=0 if header.isdir() else header.size,
            mode=header.mode,
            modified_at=header.mtime,
            content=self._content(),
        )

    def _content(self) -> Iterator[bytes]:
        padding_bytes = -self._left_bytes % BLOCK_BYTES
        while self._left_bytes:
            chunk = self._read(min(self._left_bytes, CHUNK_BYTES))
            self._left_bytes -= len(chunk)
            if not self._left_bytes:
                self._read(padding_bytes)
            yield chunk

    def _check_end(self) -> None:
        # GNU tar ends an archive with two blocks of zeros and fills up the record: data behind them was hidden there.
        self._read_zeros(BLOCK_BYTES)
        while self._read_zeros(CHUNK_BYTES, at_most=True):
            pass

    def _read_zeros(self, size: int, at_most: bool = False) -> int:
        block = self._read(size, at_most)
        if block.strip(b"\0"):
            raise self._corrupt("there is data behind its end")
        return len(block)

    def _read(self, size: int, at_most: bool = False) -> bytes:
        try:
            content = self._source.read(size)
        except EOFError:
            raise self._truncated() from None
        except (OSError, zlib.error) as error:
            # An OSError with a number is the disk's; gzip raises them without one for damaged content.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise self._corrupt("its compressed content is damaged") from None
        if len(content) < size and not at_most:
            raise self._truncated()
        self._read_bytes += len(content)
        if self._read_bytes > self._limits.total_bytes:
            raise self._too_large(f"more than {self._limits.total_bytes} bytes")
        return content

    def _refused(self, reason: str) -> LifeboatError:
        return LifeboatError(
            f"Refused the archive {self._name}: {reason}. A backup of files never holds that; use another set.",
            "archive_refused",
        )

    def _corrupt(self, reason: str) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the archive {self._name}: {reason}. Use another set, or fetch this artifact again.",
            "artifact_corrupt",
        )

    def _truncated(self) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the archive {self._name}: it is truncated. Use another set, or fetch this artifact again.",
            "artifact_truncated",
        )

    def _too_large(self, what: str) -> LifeboatError:
        return LifeboatError(
            f"Gave up the archive {self._name}: it holds {what}, so it is taken for a bomb. Use another set, or raise "
            "member_limit when the site really has so many files.",
            "artifact_too_large",
        )


class PrefixedStream:
    """A stream whose first bytes were already read."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        if len(head) == size:
            return head
        return head + self._rest.read(size - len(head))


def list_archive(reader: ArchiveReader, on_member: Callable[[Member], None] = lambda _member: None) -> ArchiveListing:
    """Read an archive to its end and return what it holds.

    Args:
        reader: The archive.
        on_member: Called with each member before its content is passed over, so that it can keep it.
    """
    site: str | None = None
    file_count = size_bytes = 0
    for member in reader.members():
        on_member(member)
        site = member.site
        file_count += not member.is_folder
        size_bytes += member.size_bytes
    return ArchiveListing(site, file_count, size_bytes)


def _printable(name: str) -> str:
    return ascii(name[:200])
