"""File trees that change places."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import trees
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.trees import (
    put_in_place,
    record_trees,
    staged_tree_names,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


class Killed(BaseException):
    """Stands for a kill between two renames."""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    live, staged = tmp_path / "site" / "files", tmp_path / "staging" / "files"
    for path, content in ((live, "old"), (staged, "new")):
        path.mkdir(parents=True)
        (path / "file.txt").write_text(content)
    return live, staged


def content(path: Path) -> str:
    return (path / "file.txt").read_text()


def inodes(live: Path, staged: Path) -> tuple[int, int]:
    return live.stat().st_ino, staged.stat().st_ino


def exchanging_is_impossible(_first: Path, _second: Path) -> bool:
    return False


@pytest.mark.parametrize("can_exchange", [True, False])
def test_trees_change_places_there_and_back(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(trees, "exchange_paths", exchanging_is_impossible)
    live, staged = places
    old, new = inodes(live, staged)
    assert put_in_place(live, staged, new)
    assert (content(live), content(staged)) == ("new", "old")
    assert not put_in_place(live, staged, new), "a second call changes nothing"
    assert put_in_place(live, staged, old)
    assert (content(live), content(staged)) == ("old", "new")
    assert [path.name for path in staged.parent.iterdir()] == ["files"]


@pytest.mark.promise(11)
@pytest.mark.parametrize("can_exchange_later", [True, False])
@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("kill_after_renames", [1, 2])
def test_kill_between_the_renames_goes_on_or_back(
    places: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    kill_after_renames: int,
    goes_on: bool,
    can_exchange_later: bool,
) -> None:
    live, staged = places
    old, new = inodes(live, staged)
    renames = 0
    real_rename = Path.rename

    def rename(path: Path, target: Path) -> Path:
        nonlocal renames
        if renames == kill_after_renames:
            raise Killed
        renames += 1
        return real_rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(trees, "exchange_paths", exchanging_is_impossible)
        patch.setattr(Path, "rename", rename)
        with pytest.raises(Killed):
            put_in_place(live, staged, new)
    if not can_exchange_later:
        monkeypatch.setattr(trees, "exchange_paths", exchanging_is_impossible)
    put_in_place(live, staged, new if goes_on else old)
    assert (content(live), content(staged)) == (("new", "old") if goes_on else ("old", "new"))
    assert [path.name for path in staged.parent.iterdir()] == ["files"]


def test_tree_that_somebody_moved_is_missed(places: tuple[Path, Path]) -> None:
    live, staged = places
    with pytest.raises(LifeboatError) as error:
        put_in_place(live, staged, wanted_inode=1)
    assert error.value.error_code == "files_missing"
    assert content(live) == "old"


def test_link_to_another_volume_changes_places_as_a_link(places: tuple[Path, Path], tmp_path: Path) -> None:
    live, staged = places
    volume = tmp_path / "volume"
    live.rename(volume)
    live.symlink_to(volume)
    put_in_place(live, staged, staged.stat().st_ino)
    assert content(live) == "new"
    assert staged.is_symlink()
    assert content(volume) == "old"


def test_only_what_was_staged_is_exchanged(tmp_path: Path) -> None:
    for name in ("site/public/files", "site/private/files", "staging/public/files"):
        (tmp_path / name).mkdir(parents=True)
    (tree,) = record_trees(tmp_path / "site", tmp_path / "staging")
    assert tree.name == "public/files"
    assert tree.live_inode == (tmp_path / "site/public/files").stat().st_ino
    assert tree.staged_inode == (tmp_path / "staging/public/files").stat().st_ino
    assert record_trees(tmp_path / "site", tmp_path / "nothing") == []


def test_mounted_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("site/private/files", "staging/private/files"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "site/private/files")
    with pytest.raises(LifeboatError) as error:
        staged_tree_names(tmp_path / "site", tmp_path / "staging")
    assert error.value.error_code == "files_not_exchangeable"
