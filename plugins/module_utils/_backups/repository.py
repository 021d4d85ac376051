"""Where the collection's own backups lie: one folder a set, one archive of binary logs a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY_PATH = "/var/backups/lifeboat"
# A set that is being made; it gets its name, by one rename, when its manifest is on the disk.
INCOMPLETE_SUFFIX = ".incomplete"


@dataclass(frozen=True)
class Repository:
    """The folders of a repository; none is made by asking for it.

    Not the site's own folder of backups: ``bench backup`` deletes what is older than a day there.
    """

    path: Path

    def site_folder(self, site: str) -> Path:
        """Return the folder of a site's sets."""
        return self.path / "sites" / site

    @classmethod
    def around(cls, site_folder: Path) -> Repository:
        """Return the repository in which a folder of a site's sets lies."""
        return cls(site_folder.parent.parent)

    def sites(self) -> list[str]:
        """Return the sites that have a folder."""
        return [folder.name for folder in _folders_in(self.path / "sites")]

    def binlog_folders(self) -> list[Path]:
        """Return the archives of binary logs."""
        return _folders_in(self.path / "binlogs")

    def binlog_folder(self, server: str) -> Path:
        """Return the archive of the binary logs of a server."""
        return self.path / "binlogs" / server


def _folders_in(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
