"""Backups of a site of a lab, made by the module, and what lies in the repository after them."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import (
    FolderReview,
    review_site_folder,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, Site
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.modules import site_backup

from tests.lab.lab import Lab
from tests.modules import run_module


class SiteBackups:
    """Backs one site up again and again.

    Args:
        lab: The bench.
        site: The site.
        folder: Where the repository and the state go.
    """

    def __init__(self, lab: Lab, site: str, folder: Path) -> None:
        self.lab = lab
        self.site = site
        self.repository = Repository(folder / "repository")
        self.state_path = folder / "state"

    @property
    def site_folder(self) -> Path:
        """Where the site's sets lie."""
        return self.repository.site_folder(self.site)

    @property
    def places(self) -> Site:
        """The site's places in its bench."""
        return Bench(self.lab.bench_path).site(self.site)

    @property
    def options(self) -> dict[str, Any]:
        """The options of the module."""
        login = self.lab.login
        return {
            "site": self.site,
            "bench_path": str(self.lab.bench_path),
            "repository_path": str(self.repository.path),
            "state_path": str(self.state_path),
            "login_user": login.login_user,
            "login_password": login.login_password,
            "login_host": login.login_host,
            "login_port": login.login_port,
            "reserve_bytes": 0,
        }

    def run(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run the module, whatever becomes of it."""
        return run_module(site_backup, check_mode=check_mode, **{**self.options, **options})

    def back_up(self, **options: Any) -> dict[str, Any]:
        """Run the module, which must not fail."""
        result = self.run(**options)
        assert not result["failed"], result
        return result

    def sets(self, depth: str = "names", key: str | None = None) -> list[BackupSet]:
        """Return the sets that the catalogue lists, newest first, judged at a depth."""
        return [verify_set(backup, depth, key) for backup in catalogue([self.site_folder], self.site)]

    def names(self) -> list[str]:
        """Return the names of the sets, oldest first; each must be whole."""
        sets = self.sets("structure")
        assert [backup.verdict for backup in sets] == ["complete"] * len(sets), sets
        return sorted(backup.name for backup in sets)

    def digests(self) -> dict[str, str]:
        """Return the digest of every file of every whole set."""
        return {
            str(path.relative_to(self.site_folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for backup in self.sets()
            for path in sorted(backup.folder.rglob("*"))
            if path.is_file()
        }

    def free_bytes(self) -> int:
        """Return what is free where the repository is."""
        return shutil.disk_usage(self.repository.path).free

    def review(self) -> FolderReview:
        """Return what is to be said of the site's folder besides its sets."""
        return review_site_folder(self.site_folder)

    def assert_nothing_is_left(self) -> None:
        """No leftover and no gap in the chain."""
        assert self.review() == FolderReview((), ())


def leave_tables(lab: Lab, site: str, kept: set[str]) -> None:
    """Drop all other tables of a site, so that a backup takes a moment."""
    with closing(connect(lab.login)) as connection:
        execute(connection, f"USE {quote_identifier(lab.site_config(site)['db_name'])}")
        for name, kind in fetch_all(connection, "SHOW FULL TABLES"):
            if name not in kept:
                execute(connection, f"DROP {'TABLE' if kind == 'BASE TABLE' else kind} {quote_identifier(name)}")
