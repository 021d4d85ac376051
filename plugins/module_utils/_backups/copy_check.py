"""Reading a copy of a set back from off-site, and comparing every byte with its manifest; nothing is written."""

from __future__ import annotations

import hashlib
import json
import tarfile
from contextlib import suppress
from typing import IO

from .._system.digests import READ_BYTES
from .._system.errors import LifeboatError
from .manifest import MANIFEST_NAME, Manifest
from .offsite_sets import OffsiteSet
from .restic_repository import ResticRepository

# Failures of the copy itself; any other is one of the way to it.
_FAULTS = ("offsite_damaged",)


def copy_problem(repository: ResticRepository, copy: OffsiteSet) -> str:
    """Return what is wrong with a copy as a sentence; "" when every file of it is what its manifest says.

    Raises:
        LifeboatError: ``offsite_failed`` and what else keeps it from being read.
    """
    try:
        digests, manifest = _read(repository, copy)
    except LifeboatError as error:
        if error.error_code not in _FAULTS:
            raise
        return error.message
    if hashlib.sha256(manifest).hexdigest() != copy.manifest_sha256:
        return f"The manifest in the copy of {copy.name} is not the one that was copied."
    wanted = {file.path: file.sha256 for file in Manifest.from_dict(json.loads(manifest)).files}
    wrong = sorted(path for path, digest in wanted.items() if digests.get(path) != digest)
    return f"The copy of {copy.name} is not what its manifest says: {', '.join(wrong)}." if wrong else ""


def _read(repository: ResticRepository, copy: OffsiteSet) -> tuple[dict[str, str], bytes]:
    """Return the digest of each file of a copy by its path in the set, and the content of its manifest."""
    digests: dict[str, str] = {}
    manifest = b""
    with repository.archive(copy.snapshot, f"/{copy.name}") as stream:
        # An archive that ends early lacks files; why it does is restic's to say, at the end of the stream.
        with suppress(tarfile.TarError), tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                path = member.name.partition("/")[2]
                if path == MANIFEST_NAME:
                    manifest = content.read()
                else:
                    digests[path] = _digest(content)
        while stream.read(READ_BYTES):
            pass
    return digests, manifest


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for part in iter(lambda: content.read(READ_BYTES), b""):
        digest.update(part)
    return digest.hexdigest()
