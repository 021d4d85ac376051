"""Sets of a site on a host, and a restic repository beside them that stands for a place off-site."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.modules import backup_hold, backup_info, backup_offsite

from tests.backup_sets import SITE
from tests.cheap_restic_key import make_key_cheap
from tests.modules import run_module

PASSWORD = "a password of the repository"


class OffsitePlaces:
    """The two places, and the modules run on both.

    Args:
        folder: Where they go.
        address: Of the restic repository; None for a folder.
    """

    def __init__(self, folder: Path, address: str | None = None) -> None:
        self.local = folder / "local"
        self.offsite = folder / "offsite"
        self.address = address or str(self.offsite)
        self.site_folder = self.local / "sites" / SITE

    def create(self) -> dict[str, Any]:
        """Make the repository, while there is no set yet, and return what the module said."""
        result = self.done(create=True)
        make_key_cheap(self.offsite, PASSWORD)
        return result

    def copied_to(self, folder: Path) -> OffsitePlaces:
        """Return the same in another folder; the repository's address is part of what is remembered of it."""
        copied = OffsitePlaces(folder)
        shutil.copytree(self.local, copied.local)
        shutil.copytree(self.offsite, copied.offsite)
        checks = copied.site_folder / "offsite.json"
        checks.write_text(checks.read_text().replace(self.address, copied.address))
        return copied

    def run(self, module: ModuleType = backup_offsite, **options: Any) -> dict[str, Any]:
        """Run a module, whatever becomes of it."""
        known = {"site": SITE, "repository_path": str(self.local), **options}
        if module is not backup_hold:
            known = {"offsite_repository": self.address, "offsite_password": PASSWORD, **known}
        return run_module(module, **known)

    def done(self, module: ModuleType = backup_offsite, **options: Any) -> dict[str, Any]:
        """Run a module, which must not fail."""
        result = self.run(module, **options)
        assert not result["failed"], result
        return result

    def catalogue(self) -> dict[str, dict[str, Any]]:
        """Return what is listed of both places, by name."""
        found = self.done(backup_info, paths=[str(self.site_folder)])["sets"]
        return {entry["name"]: entry for entry in found}

    def restic(self, *arguments: str) -> list[str]:
        """Return the command that runs restic on the repository."""
        password = ["--password-command", f"echo {PASSWORD}"]
        return ["restic", "--no-cache", "--repo", self.address, *password, *arguments]

    def locks(self) -> list[Path]:
        """Return the locks of the repository."""
        return list((self.offsite / "locks").iterdir())
