"""A file system of two megabytes, which can be filled to its last byte."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable

import pytest

BLOCK_BYTES = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """Mount one at a folder, and yield what fills it; skips where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")

    def fill() -> None:
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * BLOCK_BYTES):
                pass

    try:
        yield fill
    finally:
        subprocess.run(["umount", folder], check=True)
