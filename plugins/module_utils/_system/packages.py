"""Which of Debian's packages have a newer version in an archive: pure, from the texts that dpkg and apt keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_FIELD = re.compile(r"^(Package|Status|Version): (.*)$", re.MULTILINE)
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
        name: fields["Version"]
        for name, fields in _packages(status)
        if fields.get("Status", "").endswith(" installed") and "Version" in fields
    }


def newer_versions(installed: Mapping[str, str], archives: Iterable[str]) -> dict[str, str]:
    """Return the newest version of each installed package that is newer than what is installed.

    Args:
        installed: Versions by package.
        archives: The texts of lists of packages, as apt keeps them.
    """
    newest = dict(installed)
    for archive in archives:
        for name, fields in _packages(archive):
            if name in newest and version_key(fields.get("Version", "")) > version_key(newest[name]):
                newest[name] = fields["Version"]
    return {name: version for name, version in newest.items() if version != installed[name]}


def version_key(version: str) -> tuple[int, list[_Part], list[_Part]]:
    """Return what orders versions as dpkg does (deb-version(7)): by epoch, upstream version and revision."""
    epoch, colon, rest = version.partition(":")
    upstream, _dash, revision = (rest if colon else version).rpartition("-")
    if not upstream:
        upstream, revision = revision, "0"
    return int(epoch) if colon and epoch.isdigit() else 0, _parts(upstream), _parts(revision)


def _packages(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    name = ""
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        if match[1] == "Package":
            if name:
                yield name, fields
            name, fields = match[2], {}
        else:
            fields[match[1]] = match[2]
    if name:
        yield name, fields


def _parts(text: str) -> list[_Part]:
    return [_Part((*map(_weight, other), 0), int(number or 0)) for other, number in _PIECE.findall(text)]


def _weight(character: str) -> int:
    """Order one character: a tilde comes before the end (0), letters come before all others."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000
