"""The bytes of a dump, plain or gzip with any number of members, read to the proven end or not at all."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from ..._system.errors import LifeboatError

CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
RAW_READ_BYTES = 256 << 10

# SQL of real sites shrinks 4 to 20 times; gzip reaches 1000 times on one repeated byte.
MAXIMUM_EXPANSION = 200
MINIMUM_LIMIT_BYTES = 1 << 30


def expansion_limit_bytes(artifact_bytes: int) -> int:
    """Return how many bytes of SQL an artifact of this size may unpack to before it counts as a bomb."""
    return max(MINIMUM_LIMIT_BYTES, artifact_bytes * MAXIMUM_EXPANSION)


class SqlStream:
    """Reads the SQL of a dump; see ``open_sql``."""

    def __init__(self, raw: BinaryIO, limit_bytes: int) -> None:
        self._raw = raw
        self._limit_bytes = limit_bytes
        self._pending = b""
        self._member: zlib._Decompress | None = None
        self.compressed_bytes_read = 0
        self.bytes_read = 0
        self._fill()
        self._is_gzip = self._pending[:1] == GZIP_MAGIC[:1]
        if not self._pending:
            raise LifeboatError(
                "Cannot read the dump: it is empty. Choose another backup set.", "artifact_truncated", {"bytes": 0}
            )

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return up to ``size`` bytes of SQL; nothing only at the end, when every check sum was right.

        Raises:
            LifeboatError: ``artifact_truncated`` when the file ends too early, ``artifact_corrupt`` when a check sum
                or the format is wrong or something follows the last member, ``artifact_too_large`` beyond the limit.
        """
        content = self._read_gzip(size) if self._is_gzip else self._read_plain(size)
        self.bytes_read += len(content)
        if self.bytes_read > self._limit_bytes:
            raise LifeboatError(
                f"Gave up reading the dump: it unpacks to more than {self._limit_bytes} bytes, which no dump of this "
                "size should. It was changed since it was looked at, or it was made to fill the disk.",
                "artifact_too_large",
                {"limit_bytes": self._limit_bytes},
            )
        return content

    def _fill(self) -> None:
        content = self._raw.read(RAW_READ_BYTES)
        self.compressed_bytes_read += len(content)
        self._pending += content

    def _read_plain(self, size: int) -> bytes:
        if not self._pending:
            self._fill()
        content, self._pending = self._pending[:size], self._pending[size:]
        return content

    def _read_gzip(self, size: int) -> bytes:
        while True:
            if self._member is None:
                if not self._begin_member():
                    return b""
            elif not self._pending:
                self._fill()
            content = self._unpack(size)
            if content:
                return content

    def _begin_member(self) -> bool:
        while len(self._pending) < len(GZIP_MAGIC):
            before = len(self._pending)
            self._fill()
            if len(self._pending) == before:
                break
        if not self._pending.strip(b"\0"):
            return self._skip_padding()
        if not self._pending.startswith(GZIP_MAGIC):
            if GZIP_MAGIC.startswith(self._pending):
                raise self._truncated()
            raise self._corrupt("something that is not gzip follows its last member")
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        return True

    def _skip_padding(self) -> bool:
        """Read the zero bytes with which tape and block devices fill up; anything else is no part of a dump."""
        while self._pending:
            self._pending = b""
            self._fill()
            if self._pending.strip(b"\0"):
                raise self._corrupt("something that is not gzip follows its last member")
        return False

    def _unpack(self, size: int) -> bytes:
        member = self._member
        if member is None:
            return b""
        at_end = not self._pending
        try:
            content = member.decompress(self._pending, size)
        except zlib.error:
            raise self._corrupt("a check sum or the compressed data is wrong") from None
        if member.eof:
            self._pending, self._member = member.unused_data, None
        else:
            self._pending = member.unconsumed_tail
            if at_end and not content:
                raise self._truncated()
        return content

    def _truncated(self) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the dump: it is truncated; the file ends after {self.compressed_bytes_read} bytes, in the "
            "middle of the compressed data. Choose another backup set, or copy the file again from where it came from.",
            "artifact_truncated",
            {"bytes": self.compressed_bytes_read},
        )

    def _corrupt(self, reason: str) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the dump: it is damaged near byte {self.compressed_bytes_read}; {reason}. "
            "Choose another backup set, or copy the file again from where it came from.",
            "artifact_corrupt",
            {"near_byte": self.compressed_bytes_read},
        )


def open_sql(raw: BinaryIO, limit_bytes: int) -> SqlStream:
    """Open the SQL of a dump.

    Args:
        raw: The artifact, decrypted; gzip (Frappe writes two members: its header and the dump) or plain SQL.
        limit_bytes: Give up when the SQL is longer; see ``expansion_limit_bytes``.

    Raises:
        LifeboatError: ``artifact_truncated`` when there is nothing in it.
    """
    return SqlStream(raw, limit_bytes)
