"""Changing the settings of a server: the file first, then the running server; and the way back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._system.errors import LifeboatError
from ..._system.files import fsync_folder, remove_unfinished_writes, write_atomically
from .file_errors import writing
from .kept import Kept, KeptStore
from .live import set_live
from .plan import SettingsPlan

if TYPE_CHECKING:
    from pymysql.connections import Connection

NEW_FILE_MODE = 0o644


def apply_plan(
    connection: Connection[Any],
    path: Path,
    plan: SettingsPlan,
    store: KeptStore,
    now_seconds: float,
) -> Kept:
    """Keep what is, write the file, then set the running server. Where that fails, all is as it was before.

    A run that is killed on the way is marked as unfinished: the next one completes it, or puts back what was.

    Returns:
        What is kept now.

    Raises:
        LifeboatError: ``disk_space``, ``settings_unwritable``, or as ``set_live``.
    """
    earlier = store.read()
    before = earlier or Kept(str(path), plan.before)
    kept = replace(before.with_originals(plan.present), unfinished=True)
    with writing(store.path):
        store.write(kept)
    try:
        write_file(path, plan)
        set_live(connection, plan.live)
    except LifeboatError:
        with suppress(LifeboatError):
            set_live(connection, {name: plan.present[name] for name in plan.live})
        with suppress(LifeboatError):
            write_file(path, replace(plan, before=plan.after, after=plan.before))
            _keep_again(store, earlier)
        raise
    finished = replace(kept, unfinished=False, changed_at_seconds=now_seconds)
    # The settings are applied. Where a full disk does not let us say so, the next run looks again and finds it.
    with suppress(OSError):
        store.write(finished)
    return finished


def put_back(connection: Connection[Any], path: Path, plan: SettingsPlan, store: KeptStore) -> None:
    """Put back the file and what the running server can take now, then forget what was kept.

    Raises:
        LifeboatError: ``disk_space``, ``settings_unwritable``, or as ``set_live``. What is left is put back next time.
    """
    write_file(path, plan)
    set_live(connection, plan.live)
    with writing(store.path):
        store.forget()


def read_file(path: Path) -> str | None:
    """Return what is in the file of options, None where there is none.

    Raises:
        LifeboatError: ``settings_unwritable`` where it cannot be read.
    """
    with writing(path):
        try:
            return path.read_text()
        except FileNotFoundError:
            return None


def write_file(path: Path, plan: SettingsPlan) -> None:
    """Give the file of options its content, by one rename, or remove it.

    Raises:
        LifeboatError: ``disk_space`` or ``settings_unwritable``; the file is then as it was.
    """
    if not plan.writes_file:
        return
    with writing(path):
        if path.parent.is_dir():
            remove_unfinished_writes(path)
        if plan.after is None:
            path.unlink(missing_ok=True)
            fsync_folder(path.parent)
            return
        status = path.stat() if path.exists() else None
        owner = path.parent.stat() if status is None else status
        mode = status.st_mode & 0o777 if status else NEW_FILE_MODE
        write_atomically(path, plan.after.encode(), mode, (owner.st_uid, owner.st_gid))


def _keep_again(store: KeptStore, earlier: Kept | None) -> None:
    with writing(store.path):
        if earlier is None:
            store.forget()
        else:
            store.write(earlier)
