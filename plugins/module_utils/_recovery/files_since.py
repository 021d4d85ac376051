"""Files that a site got after its set was made: a point in time behind the set lists them, the live site has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Callable

from .._backups.extraction import FILE_MODE, FILE_MODE_KEPT
from .._system.beneath import NewFolders, folder_beneath, give_to
from .._system.errors import LifeboatError
from .files_proof import KnownFile, Trees, fits

FOLDER_MODE = 0o755
INCOMING = b".lifeboat-incoming"


@dataclass
class TakenFiles:
    """How many files were taken from the live site, and their bytes."""

    files: int = 0
    bytes: int = 0


def take_newer_files(
    known: Iterable[KnownFile],
    staged: Mapping[str, int],
    live: Trees,
    owner: tuple[int, int],
    tell: Callable[[int, int, str], None],
) -> TakenFiles:
    """Copy into the staged trees what the database lists, they do not have, and the live site has as it is listed.

    Args:
        known: What the database knows.
        staged: Kind of archive to an open folder; the files of another kind stay as they are live.
        live: The live trees.
        owner: User and group of what is copied.
        tell: Told the bytes, the number of files and the name; may raise.
    """
    taken = TakenFiles()
    trees = Trees(staged)
    for file in known:
        if file.kind not in staged:
            continue
        with ExitStack() as stack:
            if _is_in_set(file, trees.open(file, stack)):
                continue
            newer = live.open(file, stack) if file.kind in live else None
            if newer is None or not _is_listed(file, newer):
                continue
            size_bytes = _size_bytes(newer)
            tell(taken.bytes + size_bytes, taken.files + 1, file.url)
            _copy(newer, staged[file.kind], file, owner)
            taken.files += 1
            taken.bytes += size_bytes
    return taken


def _is_in_set(file: KnownFile, there: BinaryIO | None) -> bool:
    """Tell whether the set has the file; one of another size is an older one of the same name."""
    return there is not None and (not file.sizes or _size_bytes(there) in file.sizes)


def _is_listed(file: KnownFile, newer: BinaryIO) -> bool:
    return not (file.hashes or file.sizes) or fits(file, newer)


def _size_bytes(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_size


def _copy(newer: BinaryIO, tree: int, file: KnownFile, owner: tuple[int, int]) -> None:
    parts = next(file.paths())
    with folder_beneath(tree, parts[:-1], NewFolders(FOLDER_MODE, owner)) as folder:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(INCOMING, flags, FILE_MODE, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as copy:
            newer.seek(0)
            shutil.copyfileobj(newer, copy)
            os.fchmod(copy.fileno(), FILE_MODE | (os.fstat(newer.fileno()).st_mode & FILE_MODE_KEPT))
            give_to(copy.fileno(), owner)
        try:
            os.rename(INCOMING, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            raise LifeboatError(
                f"Cannot take the file {file.url} from the live site: {error.strerror}. Look what is there in its set.",
                "files_damaged",
                {"names": [file.url]},
            ) from error
