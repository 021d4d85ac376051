"""Taking one file away: looked at again, reached over no link, into quarantine or for good; and back."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Callable

from .._system.beneath import NewFolders, folder_beneath
from .._system.errors import LifeboatError
from .items import FileIdentity, Item
from .quarantine import QUARANTINE_NAME, Quarantine

REMOVED, QUARANTINED, RESTORED = "removed", "quarantined", "restored"
GONE, CHANGED, OCCUPIED, UNSAFE = "gone", "changed", "occupied", "unsafe"


def take_away(item: Item, index: int, quarantine: Quarantine | None) -> str:
    """Take a file away if it is still the one that was chosen.

    Args:
        item: The file.
        index: Its number in the plan.
        quarantine: Where it waits; None to remove it for good.

    Returns:
        ``removed`` or ``quarantined``; or why it stays: ``gone``, ``changed``, ``unsafe`` (a link is on the way),
        ``occupied`` (a run of the same id has put something into its place in quarantine), or what the system says
        where it refuses, for example ``operation not permitted``.
    """

    def take() -> str:
        *folders, name = _names_below_root(item)
        with folder_beneath(Path(item.root), folders) as folder:
            why = _why_not(folder, name, item.identity)
            if why:
                return why
            if quarantine is None:
                os.unlink(name, dir_fd=folder)
                return REMOVED
            *places, number = quarantine.names(index)
            with folder_beneath(Path(item.root), places, _private()) as place:
                _move(folder, name, place, number)
            return QUARANTINED

    return _outcome_of(take)


def put_back(item: Item, index: int, quarantine: Quarantine) -> str:
    """Put a file back where it was, unless something else is there now.

    Returns:
        ``restored``; or ``gone`` (not in quarantine, or its folder is not there any more), ``changed``, ``occupied``,
        ``unsafe``, or what the system says where it refuses.
    """
    *places, number = quarantine.names(index)

    def move() -> str:
        *folders, name = _names_below_root(item)
        with folder_beneath(Path(item.root), places) as place, folder_beneath(Path(item.root), folders) as folder:
            why = _why_not(place, number, item.identity)
            if why:
                return why
            _move(place, number, folder, name)
            return RESTORED

    return _outcome_of(move)


def remove_from_quarantine(item: Item, index: int, quarantine: Quarantine) -> str:
    """Remove a file of a run for good.

    Returns:
        ``removed``; or why it stays, as ``put_back`` says it.
    """
    *places, number = quarantine.names(index)

    def remove() -> str:
        with folder_beneath(Path(item.root), places) as place:
            why = _why_not(place, number, item.identity)
            if why:
                return why
            os.unlink(number, dir_fd=place)
            return REMOVED

    return _outcome_of(remove)


def remove_empty_quarantine(root: Path, quarantine: Quarantine) -> bool:
    """Remove the folder of a run if it holds nothing any more; tell whether it is gone."""
    try:
        with folder_beneath(root, (QUARANTINE_NAME,)) as place:
            os.rmdir(quarantine.run, dir_fd=place)
    except FileNotFoundError:
        return True
    except (OSError, LifeboatError):
        return False
    with suppress(OSError):  # other runs may have files there
        (root / QUARANTINE_NAME).rmdir()
    return True


def _move(folder: int, name: str, new_folder: int, new_name: str) -> None:
    """Move a file; a link fails where the new name is taken, a rename would replace what is there."""
    os.link(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder, follow_symlinks=False)
    os.unlink(name, dir_fd=folder)


def _outcome_of(work: Callable[[], str]) -> str:
    try:
        return work()
    except FileExistsError:
        return OCCUPIED
    except FileNotFoundError:
        return GONE
    except LifeboatError:
        return UNSAFE
    except OSError as error:
        # A file that must not change, a file system that is full or read-only: the others go all the same.
        return str(error.strerror or type(error).__name__).lower()


def _names_below_root(item: Item) -> tuple[str, ...]:
    names = Path(item.path).relative_to(item.root).parts
    if ".." in names:
        raise LifeboatError(f"Refused to leave {item.root}: a name of the plan leads out of it.", "path_unsafe")
    return names


def _why_not(folder: int, name: str, identity: FileIdentity) -> str:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        return UNSAFE
    now = FileIdentity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    return "" if now == identity else CHANGED


def _private() -> NewFolders:
    return NewFolders(0o700, (os.geteuid(), os.getegid()))
