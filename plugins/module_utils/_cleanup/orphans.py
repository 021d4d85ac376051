"""Files of a site against the File documents of its database, in both directions."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable
from urllib.parse import unquote

from .._bench.layout import Site
from .find import FoundFile, find_files, read_line

# Where Frappe keeps what has a URL of its own, below the folder of a site.
TREES = {"public/files": "/files/", "private/files": "/private/files/"}
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Document:
    """What a File document says: the URLs of the file and its thumbnail, its size and the MD5 of its content."""

    url: str
    thumbnail_url: str = ""
    size_bytes: int = 0
    content_hash: str = ""


@dataclass(frozen=True)
class LocalFile:
    """A file on the disk: its path below the site's folder, and what ``read_line`` says of it."""

    path: str
    found: FoundFile


@dataclass(frozen=True)
class Comparison:
    """What both sides say.

    Attributes:
        files: How many files there are.
        orphans: Those that no document knows.
        missing: The documents whose file is not there.
        elsewhere: Of how many of those the content is in the file of another document.
    """

    files: int
    orphans: tuple[LocalFile, ...]
    missing: tuple[Document, ...]
    elsewhere: int

    @property
    def size_bytes(self) -> int:
        """What the disk would get back."""
        return sum(file.found.freed_bytes for file in self.orphans)


def local_files(site: Site) -> Iterator[LocalFile]:
    """Yield the files of a site that may have a document; no link is followed.

    Raises:
        LifeboatError: ``command_missing`` or ``command_failed``.
    """
    for folder in TREES:
        for lines in find_files(site.path / folder):
            for found in filter(None, map(partial(read_line, site.path / folder), lines)):
                yield LocalFile(f"{folder}/{found.path}", found)


def url_of(path: str) -> str:
    """Return the URL of a file, by its path below the site's folder. Pure.

    Raises:
        ValueError: It is none of those that have a URL of their own.
    """
    for folder, prefix in TREES.items():
        name = path[len(folder) + 1 :]
        if path.startswith(f"{folder}/") and ".." not in name.split("/"):
            return prefix + name
    raise ValueError("no file of a site")


def known_keys(documents: Iterable[Document]) -> set[str]:
    """Return by what the files of documents are known."""
    return {
        key for document in documents for url in (document.url, document.thumbnail_url) if url for key in keys_of(url)
    }


def keys_of(url: str) -> set[str]:
    """Return the names that a URL may mean: as written and as a browser writes it, without a query, in one form. Pure.

    The same letter may be written in two ways in Unicode, and file systems keep what they were given.
    """
    plain = url.partition("?")[0]
    return {unicodedata.normalize("NFC", name) for name in (url, plain, unquote(url), unquote(plain))}


def compare(documents: Iterable[Document], files: Iterable[LocalFile]) -> Comparison:
    """Compare both sides. Pure.

    Args:
        documents: The documents of local files; folders left out.
        files: The files on the disk.
    """
    listed = list(documents)
    known, seen = known_keys(listed), set()
    orphans, count = [], 0
    for file in files:
        count += 1
        key = unicodedata.normalize("NFC", url_of(file.path))
        if key in known:
            seen.add(key)
        else:
            orphans.append(file)
    missing = tuple(document for document in listed if not keys_of(document.url) & seen)
    present = {document.content_hash for document in listed if keys_of(document.url) & seen}
    elsewhere = sum(bool(document.content_hash) and document.content_hash in present for document in missing)
    return Comparison(count, tuple(orphans), missing, elsewhere)


def may_go(comparison: Comparison, md5_of: Callable[[LocalFile], str]) -> list[LocalFile]:
    """Return the orphans but for those whose content a document misses: they are its file, under another name.

    Args:
        comparison: What both sides say.
        md5_of: Reads a file, and returns the MD5 of its content, as Frappe keeps it.
    """
    sizes = {document.size_bytes for document in comparison.missing}
    hashes = {document.content_hash for document in comparison.missing if document.content_hash}
    return [
        file
        for file in comparison.orphans
        if not hashes or (file.found.size_bytes not in sizes and 0 not in sizes) or md5_of(file) not in hashes
    ]


def md5_of(path: Path) -> str:
    """Return the MD5 of a file's content, by which Frappe knows it; "" where it cannot be read."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
