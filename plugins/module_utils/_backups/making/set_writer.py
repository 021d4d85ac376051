"""The folder of a set while it is made, and its becoming a set: the manifest last, then one rename."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..._system.files import fsync_folder
from ..manifest import Manifest, ManifestFile, write_manifest
from ..manifest_sets import leftovers
from ..repository import INCOMPLETE_SUFFIX
from .artifact_file import ArtifactFile, new_artifact
from .encryption import Encryption


class SetWriter:
    """Writes one set; whoever uses it holds the lock of the site's sets.

    Args:
        site_folder: The folder of the site's sets.
        name: The set's name, which no set ever had.
        encryption: How its files are encrypted.

    Attributes:
        folder: Where the files go; nothing takes it for a set.
    """

    def __init__(self, site_folder: Path, name: str, encryption: Encryption) -> None:
        self.name = name
        self.encryption = encryption
        self.folder = site_folder / f"{name}{INCOMPLETE_SUFFIX}"
        self._files: list[ManifestFile] = []

    @property
    def files(self) -> tuple[ManifestFile, ...]:
        """The files that are on the disk."""
        return tuple(self._files)

    def begin(self) -> None:
        """Make the folder."""
        self.folder.mkdir(mode=0o700)

    @contextmanager
    def artifact(self, kind: str, title: str, extension: str) -> Iterator[ArtifactFile]:
        """Yield a new file of the set, for example ``<name>-database-enc.sql.gz``.

        Args:
            kind: Its kind of artifact.
            title: What bench calls it.
            extension: With its first dot.
        """
        path = self.folder / f"{self.name}-{title}{self.encryption.mark}{extension}"
        with ExitStack() as stack:
            artifact = stack.enter_context(new_artifact(path, kind, self.encryption))
            yield artifact
        self._files.append(artifact.described)

    def add(self, files: Iterable[ManifestFile]) -> None:
        """Take files for those of the set that are in its folder, on the disk."""
        self._files += files

    def write_manifest(self, manifest: Manifest) -> str:
        """Write the manifest, after all files, and return its digest."""
        fsync_folder(self.folder)
        return write_manifest(self.folder, manifest)

    def publish(self) -> Path:
        """Give the folder the set's name: from here on it is a set."""
        path = self.folder.with_name(self.name)
        self.folder.rename(path)
        fsync_folder(path.parent)
        return path

    def discard(self) -> None:
        """Remove all of it, also after it was published."""
        path = self.folder.with_name(self.name)
        if path.exists():
            path.rename(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_leftovers(site_folder: Path) -> list[str]:
    """Remove what killed backups and removals left, and return the names; only the holder of the lock may."""
    found = leftovers(site_folder)
    for folder in found:
        # The server of a backup that was just killed may take a moment to end; what it did meanwhile goes as well.
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(folder)
    return [folder.name for folder in found]
