"""Whether the files of a set are, byte for byte, those that its manifest names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Callable

from .._system.digests import file_digest
from .manifest import ManifestFile


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
