"""Whether the files of a set are, byte for byte, those that its manifest names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Callable

from .manifest import ManifestFile

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


def changed_files(folder: Path, files: Iterable[ManifestFile], on_read: Callable[[int, str], None]) -> list[str]:
    """Return a sentence for each file of a set that is not what the manifest says.

    Args:
        folder: The set's folder.
        files: What the manifest names.
        on_read: Is told the bytes of each read and the file's path in the set.

    Raises:
        OSError: A file cannot be read.
    """

    def is_changed(file: ManifestFile) -> bool:
        return file_digest(folder / file.path, lambda size: on_read(size, file.path)) != file.sha256

    return [
        f"{file.path} is not what the manifest says: it was changed after the set was made."
        for file in files
        if is_changed(file)
    ]
