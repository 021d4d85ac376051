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

    def sites(self) -> list[str]:
        """Return the sites that have a folder."""
        folder = self.path / "sites"
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []

    def binlog_folder(self, server: str) -> Path:
        """Return the archive of the binary logs of a server."""
        return self.path / "binlogs" / server
