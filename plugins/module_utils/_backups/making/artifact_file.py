"""Writing one file of a set: encrypted on the way where asked, counted, hashed, and on the disk at the end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ..manifest import ManifestFile
from .encryption import Encryption, encrypting
from .filters import Write


class ArtifactFile:
    """A file that is being written; ``described`` when its block has ended.

    Attributes:
        write: Takes the next part of the content.
    """

    def __init__(self, path: Path, kind: str, stream: BinaryIO) -> None:
        self.write: Write = self._store
        self._path = path
        self._kind = kind
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    @property
    def described(self) -> ManifestFile:
        """What the manifest says of the file."""
        return ManifestFile(self._path.name, self._kind, self._size_bytes, self._digest.hexdigest())

    def _store(self, content: bytes) -> None:
        self._stream.write(content)
        self._digest.update(content)
        self._size_bytes += len(content)


@contextmanager
def new_artifact(path: Path, kind: str, encryption: Encryption) -> Iterator[ArtifactFile]:
    """Yield a new file that only its owner may read.

    At the end the disk has it, and the memory of the system no longer: who reads it again reads what is on the disk.

    Args:
        path: Where it goes; nothing is there.
        kind: Its kind of artifact.
        encryption: How it is encrypted.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        artifact = ArtifactFile(path, kind, stream)
        with ExitStack() as stack:
            artifact.write = stack.enter_context(encrypting(encryption, artifact.write))
            yield artifact
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
