"""Proving staged files: all that the archives held is there, and what the database knows of files fits.

A plain tar carries no checksum of content. The database does: ``tabFile`` holds the size and the MD5 of each file, so a
bit that flipped in an archive is found here.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote

from .._backups.names import FILES, PRIVATE_FILES
from .._mariadb.connection import LoginOptions, connect, execute, server_errors
from .._system.beneath import folder_beneath
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter

if TYPE_CHECKING:
    from pymysql.connections import Connection

CHUNK_BYTES = 1024 * 1024
DAMAGED_SHOWN = 10
MISSING_SHOWN = 20
# Reading files takes time between two rows; by default the server gives a slow reader up after 60 seconds.
WRITE_TIMEOUT_SECONDS = 3600
URL_PREFIXES = ((PRIVATE_FILES, "/private/files/"), (FILES, "/files/"))
# What is no file at all must not make anybody wait.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MD5 = re.compile(r"[0-9a-f]{32}")
_LOCAL_FILES = (
    "SELECT file_url, file_size, content_hash FROM tabFile WHERE COALESCE(is_folder, 0) = 0"
    " AND (file_url LIKE '/files/_%' OR file_url LIKE '/private/files/_%') ORDER BY BINARY file_url"
)


@dataclass(frozen=True)
class KnownFile:
    """What the database knows of one local file, from all rows that name it.

    Attributes:
        url: As stored, for example ``/private/files/contract.pdf``.
        sizes: Sizes in bytes; empty where none is known.
        hashes: MD5 checksums; empty where none is known.
    """

    url: str
    sizes: frozenset[int]
    hashes: frozenset[str]

    @property
    def kind(self) -> str:
        """The kind of archive that holds the file."""
        return self._kind_and_prefix[0]

    @property
    def _kind_and_prefix(self) -> tuple[str, str]:
        return next((kind, prefix) for kind, prefix in URL_PREFIXES if self.url.startswith(prefix))

    def paths(self) -> Iterator[list[bytes]]:
        """Yield where the file may be below its tree: as written, and as a browser would write it."""
        relative = self.url[len(self._kind_and_prefix[1]) :]
        for text in dict.fromkeys((relative, unquote(relative))):
            parts = text.encode().split(b"/")
            if not any(part in (b"", b".", b"..") or b"\0" in part for part in parts):
                yield parts


@dataclass
class FilesProof:
    """What was found. Names are shown up to a limit, numbers are exact.

    Attributes:
        listed: Local files that the database lists and whose kind of archive the set has.
        matched: Those whose checksum, or size where there is no checksum, is right.
        unchecked: Those of which the database knows neither.
        outdated: Those that differ from the database in the same way as the live file: the row was not kept up.
        missing: Those that the archives do not hold.
        damaged: Those that differ from the database.
    """

    listed: int = 0
    matched: int = 0
    unchecked: int = 0
    outdated: int = 0
    missing: int = 0
    damaged: int = 0
    missing_names: list[str] = field(default_factory=list)
    damaged_names: list[str] = field(default_factory=list)

    def as_dict(self, archives: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """Return the proof as the record holds it."""
        not_recovered = [
            f"{count} files that the database lists {what}: {_some(names, count)}."
            for count, what, names in (
                (self.missing, "are not in the set's archives", self.missing_names),
                (self.damaged, "are damaged in the set's archives", self.damaged_names),
            )
            if count
        ]
        return {
            "archives": {kind: dict(counted) for kind, counted in archives.items()},
            **{name: value for name, value in vars(self).items() if not name.startswith("_")},
            "not_recovered": not_recovered,
        }


class Trees:
    """File trees of a site by the kind of their archive, read without following links.

    Args:
        descriptors: Kind of archive to an open folder; kinds that are not there are left out.
    """

    def __init__(self, descriptors: Mapping[str, int]) -> None:
        self._descriptors = dict(descriptors)

    def __contains__(self, kind: str) -> bool:
        return kind in self._descriptors

    def open(self, known: KnownFile, stack: ExitStack) -> BinaryIO | None:
        """Open the file that a row names; None where there is none."""
        for parts in known.paths():
            try:
                folder = stack.enter_context(folder_beneath(self._descriptors[known.kind], parts[:-1]))
                descriptor = os.open(parts[-1], _FILE_FLAGS, dir_fd=folder)
            except (OSError, LifeboatError):
                continue
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return stack.enter_context(os.fdopen(descriptor, "rb"))
            os.close(descriptor)
        return None


def count_files(descriptor: int) -> dict[str, int]:
    """Return the number of files below a folder and their bytes."""
    sizes = [
        os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        for _path, _folders, names, folder in os.fwalk(dir_fd=descriptor)
        for name in names
    ]
    return {"files": len(sizes), "bytes": sum(sizes)}


def known_files(login: LoginOptions, database: str) -> Iterator[KnownFile]:
    """Yield what a database knows of its local files, ordered by their URLs; memory does not grow with their number."""
    import pymysql.cursors  # noqa: PLC0415 (the module says which library is missing before it comes here)

    with server_errors(f"read the files that {database} lists"):
        connection: Connection[Any] = connect(login, database, cursorclass=pymysql.cursors.SSCursor)
        with connection, connection.cursor() as cursor:
            execute(connection, "SET SESSION net_write_timeout = %s", (WRITE_TIMEOUT_SECONDS,))
            cursor.execute(_LOCAL_FILES)
            yield from group_rows(cursor)


def group_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[KnownFile]:
    """Put the rows (URL, size, checksum) of one file together; they come ordered by URL."""
    for url, same in groupby(rows, key=itemgetter(0)):
        facts = list(same)
        yield KnownFile(
            url=str(url),
            sizes=frozenset(int(size) for _url, size, _hash in facts if size),
            hashes=frozenset(str(digest) for _url, _size, digest in facts if digest and _MD5.fullmatch(str(digest))),
        )


def compare_files(known: Iterable[KnownFile], staged: Trees, live: Trees, progress: ProgressReporter) -> FilesProof:
    """Compare staged files with what the database knows of them; nothing is decided here.

    Args:
        known: What the database knows.
        staged: The staged trees; files of a kind that was not staged are left out.
        live: The live trees. A file that is the same there was not damaged in the archive.
        progress: Is told the bytes that were read.
    """
    proof = FilesProof()
    read_bytes = 0
    for file in known:
        if file.kind not in staged:
            continue
        proof.listed += 1
        with ExitStack() as stack:
            stream = staged.open(file, stack)
            if stream is None:
                proof.missing += 1
                proof.missing_names += [file.url][: MISSING_SHOWN - len(proof.missing_names)]
                continue
            read_bytes += os.fstat(stream.fileno()).st_size
            _compare_one(file, stream, live, proof)
        progress.update(done_bytes=read_bytes, done_items=proof.listed, item_name=file.url)
    return proof


def _compare_one(file: KnownFile, staged: BinaryIO, live: Trees, proof: FilesProof) -> None:
    if not file.hashes and not file.sizes:
        proof.unchecked += 1
    elif fits(file, staged):
        proof.matched += 1
    elif _same_as_live(file, staged, live):
        proof.outdated += 1
    else:
        proof.damaged += 1
        proof.damaged_names += [file.url][: DAMAGED_SHOWN - len(proof.damaged_names)]


def fits(file: KnownFile, stream: BinaryIO) -> bool:
    """Tell whether a file is what the database knows of it, by its checksum, else by its size."""
    if file.hashes:
        return _md5(stream) in file.hashes
    return os.fstat(stream.fileno()).st_size in file.sizes


def _same_as_live(file: KnownFile, staged: BinaryIO, live: Trees) -> bool:
    if file.kind not in live:
        return False
    with ExitStack() as stack:
        stream = live.open(file, stack)
        return stream is not None and _md5(stream) == _md5(staged)


def _md5(stream: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _some(names: list[str], count: int) -> str:
    return ", ".join(names) + (" and others" if count > len(names) else "")


def refuse_damaged(proof: FilesProof, accepted: bool) -> None:
    """Refuse staged files of which some are damaged, unless that was accepted.

    Raises:
        LifeboatError: ``files_damaged``.
    """
    if not proof.damaged or accepted:
        return
    raise LifeboatError(
        f"Refused the staged files: {proof.damaged} of the {proof.listed} that the database lists are not what it "
        f"knows by size and checksum: {_some(proof.damaged_names, proof.damaged)}. Their archive was damaged after it "
        "was written. Use another set, or go on without them with accept_damaged_files=true.",
        "files_damaged",
        {"damaged": proof.damaged, "names": proof.damaged_names},
    )
