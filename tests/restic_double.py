"""A restic repository that is a folder: each snapshot a copy of a folder, with faults on demand."""

from __future__ import annotations

import fnmatch
import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.restic_repository import Snapshot
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def failure(code: str = "offsite_failed") -> LifeboatError:
    """Return what the real one raises."""
    return LifeboatError("restic could not do it.", code)


class FolderRepository:
    """Stands in for ``ResticRepository``; ``fails`` says what the next call of a method raises, or what it cuts off."""

    def __init__(self, folder: Path, exists: bool = True) -> None:
        self.name = str(folder)
        self.calls: list[str] = []
        self.fails: dict[str, LifeboatError] = {}
        self.cut_bytes = 0
        self._folder = folder
        self._known: dict[str, Snapshot] = {}
        self._exists = exists

    def create(self) -> None:
        self._exists = True

    def snapshots(self, *tags: str) -> list[Snapshot]:
        self._call("snapshots")
        if not self._exists:
            raise failure("offsite_missing")
        return [snapshot for snapshot in self._known.values() if set(tags) <= set(snapshot.tags)]

    def back_up(self, folder: Path, tags: Sequence[str]) -> None:
        name = f"snapshot{len(self.calls)}"
        shutil.copytree(folder, self.copy(name) / folder.name)
        self._known[name] = Snapshot(name, f"2026-11-21T00:00:{len(self.calls):02}Z", tuple(tags))
        self._call("back_up")

    def copy(self, snapshot: str) -> Path:
        """Return where the content of a snapshot lies."""
        return self._folder / snapshot

    def restore(self, snapshot: str, target: Path, only: Sequence[str] = ()) -> None:
        content = self.copy(snapshot)
        for path in (path for path in content.rglob("*") if path.is_file()):
            name = path.relative_to(content)
            if not only or any(fnmatch.fnmatch(f"/{name}", pattern) for pattern in only):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / name)
        self._call("restore")

    def forget(self, snapshots: Sequence[str]) -> None:
        self._call("forget")
        for snapshot in snapshots:
            del self._known[snapshot]

    def prune(self) -> None:
        self._call("prune")

    def change_tag(self, snapshot: str, tag: str, present: bool) -> None:
        self._call("change_tag")
        known = self._known.pop(snapshot)
        tags = (*known.tags, tag) if present else tuple(other for other in known.tags if other != tag)
        self._known[f"{snapshot}+"] = Snapshot(f"{snapshot}+", known.time, tags)
        self.copy(snapshot).rename(self.copy(f"{snapshot}+"))

    @contextmanager
    def archive(self, snapshot: str, path: str) -> Iterator[BinaryIO]:
        place = self.copy(snapshot) / path.lstrip("/")
        stream = io.BytesIO()
        if place.is_dir():
            with tarfile.open(fileobj=stream, mode="w") as archive:
                archive.add(place, arcname=path.lstrip("/"))
        elif place.exists():
            stream.write(place.read_bytes())
        else:
            raise failure("offsite_damaged")
        content = stream.getvalue()
        yield io.BytesIO(content[: len(content) - self.cut_bytes])
        self._call("archive")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise self.fails.pop(name)
