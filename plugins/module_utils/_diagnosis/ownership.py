"""Who owns and may read a site's files: what root left behind, and a configuration that everybody, or nobody, can read.

Whoever owns the bench may exchange its folders at any time, so nothing is changed by its path: folders are opened one
below the other without following links, and entries are changed through them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .._bench.layout import Site

CONFIGURATION_MODE = 0o640
ROOT_USER = 0
MOST_ENTRIES = 200_000
# The logs that Frappe writes itself; those of the services belong to who manages them.
OWN_LOGS = ("bench.log", "database.log", "frappe.log", "scheduler.log")


@dataclass(frozen=True)
class Correction:
    """An entry that does not belong to the bench, or a configuration with other permissions than it ought to have."""

    path: str
    before: str
    after: str


def can_be_read_by(owner: tuple[int, int], status: os.stat_result) -> bool:
    """Tell whether an account may read a file, by its permission bits."""
    user, group = owner
    if user in (ROOT_USER, status.st_uid):
        return user == ROOT_USER or bool(status.st_mode & stat.S_IRUSR)
    return bool(status.st_mode & (stat.S_IRGRP if group == status.st_gid else stat.S_IROTH))


def correct_ownership(site: Site, apply: bool) -> list[Correction]:
    """Find, and give back to the bench, what belongs to root, and close the site's configuration to others.

    Args:
        site: The site.
        apply: Whether to change anything; without it, what would be changed is returned.

    Raises:
        OSError: An entry cannot be changed, as when this is not run as root.
    """
    owner = site.bench.owner
    found: list[Correction] = []
    if owner[0] != ROOT_USER and os.geteuid() == ROOT_USER:
        for folder, names in ((site.path, None), (site.bench.path / "logs", OWN_LOGS)):
            found += _give_back(folder, names, owner, apply)
    return [*found, *_close_configuration(site, apply)]


def _give_back(
    folder: Path, names: tuple[str, ...] | None, owner: tuple[int, int], apply: bool
) -> Iterator[Correction]:
    if not folder.is_dir() or folder.is_symlink():
        return
    device, seen = folder.stat().st_dev, 0
    for place, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            seen += 1
            if seen > MOST_ENTRIES:
                return
            if names is not None and name not in names:
                continue
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            # A second name of the same file may be one that the bench's owner made of a file that is none of his.
            is_single = stat.S_ISDIR(status.st_mode) or status.st_nlink == 1
            if status.st_uid == ROOT_USER and status.st_dev == device and is_single:
                if apply:
                    os.chown(name, *owner, dir_fd=descriptor, follow_symlinks=False)
                yield Correction(f"{place}/{name}", "owner root", f"owner {owner[0]}")
        if names is not None:
            folders.clear()


def _close_configuration(site: Site, apply: bool) -> Iterator[Correction]:
    try:
        descriptor = os.open(site.config_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return  # the check of the configuration says so
    try:
        status = os.fstat(descriptor)
        mode = stat.S_IMODE(status.st_mode)
        is_open = mode & ~CONFIGURATION_MODE or not mode & stat.S_IRUSR
        if stat.S_ISREG(status.st_mode) and is_open:
            wanted = (mode & CONFIGURATION_MODE) | stat.S_IRUSR
            if apply:
                os.fchmod(descriptor, wanted)
            yield Correction(str(site.config_path), f"mode {mode:04o}", f"mode {wanted:04o}")
    finally:
        os.close(descriptor)
