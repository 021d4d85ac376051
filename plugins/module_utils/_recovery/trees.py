"""File trees of a site that change places with staged ones, so that a kill in between can be told from the inodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .._system.errors import LifeboatError
from .._system.files import exchange_paths, fsync_folder

TREE_NAMES = ("public/files", "private/files")
ASIDE_SUFFIX = ".aside"


@dataclass(frozen=True)
class Tree:
    """A live tree and the one staged for it, by their inode numbers before anything was exchanged."""

    name: str
    live_inode: int
    staged_inode: int


def staged_tree_names(site_path: Path, staging_path: Path) -> list[str]:
    """Return the names of the trees that were staged.

    Raises:
        LifeboatError: ``files_not_exchangeable`` when a live tree is a mount point, which cannot be renamed.
    """
    names = [name for name in TREE_NAMES if (staging_path / name).is_dir()]
    for live in (site_path / name for name in names):
        if not live.is_symlink() and live.is_mount():
            raise LifeboatError(
                f"Cannot exchange {live}: a file system is mounted there. Mount it at another place and put a symbolic "
                "link here, or mount it at the folder of the site, then run this again.",
                "files_not_exchangeable",
                {"path": str(live)},
            )
    return names


def record_trees(site_path: Path, staging_path: Path) -> list[Tree]:
    """Return the staged trees and the live ones that they will replace, which must exist, by their inodes."""
    return [
        Tree(name, _inode(site_path / name), _inode(staging_path / name))
        for name in staged_tree_names(site_path, staging_path)
    ]


def put_in_place(live: Path, other: Path, wanted_inode: int) -> bool:
    """Make the tree with the wanted inode the live one, and leave what was live at ``other``.

    It is atomic where the file system can exchange two paths. Elsewhere it takes three renames, by way of
    ``<other>.aside``; a call after a kill in between goes on where that stopped, in either direction.

    Returns:
        False when everything was in its place.

    Raises:
        LifeboatError: ``files_missing`` when the wanted tree is at neither place.
    """
    aside = other.with_name(other.name + ASIDE_SUFFIX)
    changed = False
    if _inode_or_zero(live) != wanted_inode:
        source = next((path for path in (other, aside) if _inode_or_zero(path) == wanted_inode), None)
        if source is None:
            raise LifeboatError(
                f"Cannot put files in place at {live}: those that belong there are not at {other}. Somebody moved or "
                "deleted them; look for them, then run this again.",
                "files_missing",
                {"path": str(other)},
            )
        if not _inode_or_zero(live) or not exchange_paths(live, source):
            _replace_by_renames(live, source, other, aside)
        changed = True
    if _inode_or_zero(aside):
        aside.rename(other)
        changed = True
    if changed:
        fsync_folder(live.parent)
        fsync_folder(other.parent)
    return changed


def _replace_by_renames(live: Path, source: Path, other: Path, aside: Path) -> None:
    if _inode_or_zero(live):
        live.rename(aside if source == other else other)
        fsync_folder(other.parent)
    source.rename(live)


def _inode(path: Path) -> int:
    return path.lstat().st_ino


def _inode_or_zero(path: Path) -> int:
    try:
        return _inode(path)
    except FileNotFoundError:
        return 0
