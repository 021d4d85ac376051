"""Compressing a log on its way to the disk: by zstd where it is installed, else by gzip."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Callable, cast

from .._system.children import bound_command
from .._system.errors import LifeboatError
from .._system.files import NO_SPACE

ZSTD, GZIP = "zstd", "gzip"
SUFFIXES = {ZSTD: ".zst", GZIP: ".gz"}
# Of the row events of a site, level 3 of zstd and level 6 of gzip leave about a fifth.
_ZSTD_LEVEL = "-3"
_GZIP_LEVEL = 6


def best_compression() -> str:
    """Return ``zstd`` where this host has it, else ``gzip``."""
    return ZSTD if shutil.which("zstd") else GZIP


@contextmanager
def compressing(method: str, target: BinaryIO) -> Iterator[Callable[[bytes], object]]:
    """Yield what takes plain bytes; at the end of the block the target has all of them, compressed.

    Args:
        method: ``zstd`` or ``gzip``.
        target: An unbuffered file that is open for writing.

    Raises:
        LifeboatError: ``command_failed`` when zstd fails.
        OSError: The target cannot be written; also when zstd could not.
    """
    if method == GZIP:
        with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as stream:
            yield stream.write
        return
    with tempfile.TemporaryFile() as messages:
        command = bound_command(["zstd", "-q", _ZSTD_LEVEL, "-c"])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=target, stderr=messages) as process:
            plain = cast(BinaryIO, process.stdin)
            try:
                yield plain.write
                plain.close()
            except BrokenPipeError:
                pass  # its exit code says why it ended
            except BaseException:
                process.kill()
                with suppress(BrokenPipeError):  # what it did not take yet goes with it
                    plain.close()
                raise
        if process.returncode != 0:
            messages.seek(0)
            text = messages.read().decode(errors="replace")
            for code in NO_SPACE:
                if os.strerror(code) in text:
                    raise OSError(code, os.strerror(code))
            raise LifeboatError(
                f"Cannot compress a binary log: zstd ended with exit code {process.returncode}. Look whether it works "
                "on this host, or remove it, then gzip is used.",
                "command_failed",
            )
