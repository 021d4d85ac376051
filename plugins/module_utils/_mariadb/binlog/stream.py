"""Opening a binary log as a stream, plain or compressed."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..._system.errors import LifeboatError

READ_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@contextmanager
def open_binlog(path: Path) -> Iterator[BinaryIO]:
    """Yield the bytes of a binary log that lies plain, or compressed by gzip or zstd (told by its first bytes).

    Raises:
        LifeboatError: ``binlog_missing`` when it cannot be opened, ``binlog_damaged`` when it cannot be decompressed,
            ``command_missing`` when zstd is needed and not installed.
    """
    try:
        raw = path.open("rb", buffering=READ_BYTES)
    except OSError as error:
        raise LifeboatError(
            f"Cannot open the binary log {path}: {error.strerror}. Look for it on the server, in the archive and in "
            "its off-site copy.",
            "binlog_missing",
            {"file": path.name},
        ) from error
    try:
        magic = raw.read(len(_ZSTD_MAGIC))
        raw.seek(0)
        if magic == _ZSTD_MAGIC:
            with _zstd(raw, path) as stream:
                yield stream
        elif magic.startswith(_GZIP_MAGIC):
            with gzip.open(raw) as unpacked:
                yield cast(BinaryIO, _GzipReader(cast(io.RawIOBase, unpacked), path))
        else:
            yield raw
    finally:
        raw.close()


class _GzipReader(io.BufferedReader):
    """What gzip makes of a file; its errors are errors of the collection."""

    def __init__(self, unpacked: io.RawIOBase, path: Path) -> None:
        super().__init__(unpacked, READ_BYTES)
        self._path = path

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except (EOFError, OSError, zlib.error) as error:
            raise _undecompressed(self._path) from error


@contextmanager
def _zstd(raw: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Yield what zstd makes of a file; who reads to its end learns whether it was whole."""
    os.lseek(raw.fileno(), 0, os.SEEK_SET)  # the buffer of this process has read ahead
    try:
        process = subprocess.Popen(
            ["zstd", "-dcq"], stdin=raw, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=READ_BYTES
        )
    except FileNotFoundError as error:
        raise LifeboatError(
            f"Cannot read {path}: it is compressed by zstd, which is not installed. Install zstd and run this again.",
            "command_missing",
        ) from error
    with process:
        stream = cast(BinaryIO, process.stdout)
        is_at_end = False
        try:
            yield stream
            is_at_end = not stream.read(1)
        finally:
            if not is_at_end:
                process.kill()
        if is_at_end and process.wait() != 0:
            raise _undecompressed(path)


def _undecompressed(path: Path) -> LifeboatError:
    return LifeboatError(
        f"Cannot read the binary log {path}: it cannot be decompressed to its end. It was damaged after it was "
        "written; take another copy of it (the server's own, the off-site one, a replica's).",
        "binlog_damaged",
        {"file": path.name},
    )
