"""The tarball holds what a user needs, and nothing that lies around in a checkout."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.tools.checkout import tracked_files

TOP_LEVEL = {
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}
SHIPPED_FOLDERS = {"docs", "extensions", "meta", "playbooks", "plugins", "roles"}


def files_of(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def test_top_level_is_what_was_decided(tarball: Path) -> None:
    assert {name.split("/")[0] for name in files_of(tarball)} == TOP_LEVEL


def test_every_tracked_file_of_the_shipped_folders_is_in_it(tarball: Path) -> None:
    tracked = {str(path) for path in tracked_files() if path.parts[0] in SHIPPED_FOLDERS}
    shipped = {name for name in files_of(tarball) if name.split("/")[0] in SHIPPED_FOLDERS}
    assert shipped == tracked


def test_nothing_in_it_is_hidden_compiled_or_large(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    assert not [member.name for member in members if "/." in f"/{member.name}" or "__pycache__" in member.name]
    assert not [member.name for member in members if member.size > 300_000]
    assert not [member.name for member in members if member.issym() or member.islnk()]
