"""Files that came after a set, taken from the live site as the database lists them."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_proof import KnownFile, Trees
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_since import (
    INCOMING,
    TakenFiles,
    take_newer_files,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.beneath import folder_beneath
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

OWNER = (os.geteuid(), os.getegid())


def known(name: str, content: bytes | None = None) -> KnownFile:
    if content is None:
        return KnownFile(f"/files/{name}", frozenset(), frozenset())
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return KnownFile(f"/files/{name}", frozenset({len(content)}), frozenset({digest}))


class Site:
    """Two trees of public files, the staged one and the live one."""

    def __init__(self, folder: Path) -> None:
        self.staged, self.live = folder / "staged", folder / "live"
        self.staged.mkdir()
        self.live.mkdir()
        self.told: list[tuple[int, int, str]] = []

    def put(self, tree: Path, name: str, content: bytes) -> Path:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def take(self, *files: KnownFile) -> TakenFiles:
        with ExitStack() as stack:
            staged = {"files": stack.enter_context(folder_beneath(self.staged, ()))}
            live = Trees({"files": stack.enter_context(folder_beneath(self.live, ()))})
            return take_newer_files(files, staged, live, OWNER, lambda *told: self.told.append(told))

    def contents(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.staged)): path.read_bytes() for path in self.staged.rglob("*") if path.is_file()
        }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_file_that_came_since_is_taken(site: Site) -> None:
    site.put(site.live, "a/new.txt", b"new").chmod(0o666)
    assert site.take(known("a/new.txt", b"new")) == TakenFiles(1, 3)
    assert site.contents() == {"a/new.txt": b"new"}
    assert (site.staged / "a" / "new.txt").stat().st_mode & 0o777 == 0o644
    assert site.told == [(3, 1, "/files/a/new.txt")]


def test_a_file_that_was_replaced_since_is_taken(site: Site) -> None:
    site.put(site.staged, "logo.png", b"older and longer")
    site.put(site.live, "logo.png", b"newer")
    assert site.take(known("logo.png", b"newer")) == TakenFiles(1, 5)
    assert site.contents() == {"logo.png": b"newer"}


@pytest.mark.parametrize(
    ("file", "staged", "live"),
    [
        (known("same.txt", b"same"), b"same", b"same"),
        (known("unknown.txt"), b"of the set", b"of the live site"),
        (known("changed.txt", b"as listed"), None, b"not as listed"),
        (known("gone.txt", b"gone"), None, None),
        (KnownFile("/private/files/x.txt", frozenset({1}), frozenset()), None, None),
    ],
)
def test_nothing_else_is_taken(site: Site, file: KnownFile, staged: Any, live: Any) -> None:
    name = file.url.rpartition("/")[2]
    for tree, content in ((site.staged, staged), (site.live, live)):
        if content is not None:
            site.put(tree, name, content)
    before = site.contents()
    assert site.take(file) == TakenFiles()
    assert site.contents() == before


def test_a_file_of_which_nothing_is_known_is_taken_where_the_set_has_none(site: Site) -> None:
    site.put(site.live, "unknown.txt", b"of the live site")
    assert site.take(known("unknown.txt")).files == 1


def test_a_link_in_the_live_tree_is_not_followed(site: Site) -> None:
    secret = site.put(site.live.parent, "secret", b"secret")
    (site.live / "new.txt").symlink_to(secret)
    assert site.take(known("new.txt", b"secret")) == TakenFiles()
    assert site.contents() == {}


def test_a_folder_in_the_place_of_a_file_is_said(site: Site) -> None:
    (site.staged / "new.txt").mkdir()
    site.put(site.live, "new.txt", b"new")
    with pytest.raises(LifeboatError) as refusal:
        site.take(known("new.txt", b"new"))
    assert refusal.value.error_code == "files_damaged"
    assert set(site.contents()) <= {INCOMING.decode()}
