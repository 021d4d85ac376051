"""Digests of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

READ_BYTES = 1024 * 1024


def file_digest(path: Path, on_read: Callable[[int], object] = int) -> str:
    """Return the SHA-256 of a file; ``on_read`` is told the bytes of each read."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while True:
            content = stream.read(READ_BYTES)
            if not content:
                return digest.hexdigest()
            digest.update(content)
            on_read(len(content))


def file_digests(paths: Sequence[Path], threads: int) -> list[str]:
    """Return the SHA-256 of each of many files, in their order; several are read at once."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(file_digest, paths))
