"""Which of Debian's packages have a newer version in an archive: pure, from the texts that dpkg and apt keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_PIECE = re.compile(r"(\D*)(\d*)")


class _Part(NamedTuple):
    """A run of other characters and the number after it, as they are compared."""

    weights: tuple[int, ...]
    number: int


def installed_versions(status: str) -> dict[str, str]:
    """Return the versions of the installed packages.

    Args:
        status: The text of ``/var/lib/dpkg/status``.
    """
    return {
        _field(paragraph, "Package"): _field(paragraph, "Version")
        for paragraph in _paragraphs(status)
        if _field(paragraph, "Status").endswith(" installed")
    }


def newer_versions(installed: Mapping[str, str], archives: Iterable[str]) -> dict[str, str]:
    """Return the newest version of each installed package that is newer than what is installed.

    Args:
        installed: Versions by package.
        archives: The texts of lists of packages, as apt keeps them.
    """
    newest = dict(installed)
    for archive in archives:
        for paragraph in _paragraphs(archive):
            name = _field(paragraph, "Package")
            if name in newest and version_key(version := _field(paragraph, "Version")) > version_key(newest[name]):
                newest[name] = version
    return {name: version for name, version in newest.items() if version != installed[name]}


def version_key(version: str) -> tuple[int, list[_Part], list[_Part]]:
    """Return what orders versions as dpkg does (deb-version(7)): by epoch, upstream version and revision."""
    epoch, colon, rest = version.partition(":")
    upstream, _dash, revision = (rest if colon else version).rpartition("-")
    if not upstream:
        upstream, revision = revision, "0"
    return int(epoch) if colon and epoch.isdigit() else 0, _parts(upstream), _parts(revision)


def _paragraphs(text: str) -> Iterator[str]:
    """Yield one paragraph after the other: all of them at once would take as much memory again as the text."""
    start = 0
    while start < len(text):
        end = text.find("\n\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 2


def _field(paragraph: str, name: str) -> str:
    """Return a field of a paragraph, empty where it has none (found as text: the lists of Ubuntu have 40 MB)."""
    start = paragraph.find(f"{name}: ")
    # The name may also stand within a description, or end another one.
    while start > 0 and paragraph[start - 1] != "\n":
        start = paragraph.find(f"{name}: ", start + 1)
    return "" if start < 0 else paragraph[start + len(name) + 2 :].partition("\n")[0]


def _parts(text: str) -> list[_Part]:
    return [_Part((*map(_weight, other), 0), int(number or 0)) for other, number in _PIECE.findall(text)]


def _weight(character: str) -> int:
    """Order one character: a tilde comes before the end (0), letters come before all others."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000
