"""A small bench with a site, a set and a begun recovery: what the staging of files needs, without the whole lab."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal

from tests.backup_sets import SITE, archive, write_set

RECOVERY = "20261121T031522Z-9f3a"
LIVE_FILES = {"public/files/live.txt": b"live", "private/files/secret.txt": b"live secret"}


class SiteToRecover:
    """A bench in a folder with ``site1.local``, whose set holds the files that are given.

    Args:
        folder: Where the bench, the set and the state go.
        login: The server.
        database: An existing database that stands for the staged one; its ``tabFile`` lists the files.
        public: Public files of the set by name.
        private: Private ones.
        set_options: What ``write_set`` takes.
    """

    def __init__(
        self,
        folder: Path,
        login: LoginOptions,
        database: str,
        public: Mapping[str, bytes],
        private: Mapping[str, bytes],
        **set_options: Any,
    ) -> None:
        self.login = login
        self.database = database
        self.state_path = folder / "state"
        self.bench = Bench(folder / "bench")
        self.site = self.bench.site(SITE)
        self.bench.sites_path.mkdir(parents=True)
        self.bench.common_config_path.write_text("{}")
        for name, content in LIVE_FILES.items():
            path = self.site.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.site.config_path.write_text(json.dumps({"db_name": "_live"}))
        contents = {"files": archive(public), "private_files": archive(private, "private"), **set_options}
        self.artifacts = write_set(folder / "backups", **contents)
        self.journal = Journal.open(self.state_path, SITE, RECOVERY)
        self.list_files({f"/files/{name}": content for name, content in public.items()})
        self.list_files({f"/private/files/{name}": content for name, content in private.items()})
        self.begin()

    @property
    def staging_path(self) -> Path:
        """Where the staged files go."""
        return self.site.path / ".lifeboat" / RECOVERY

    @property
    def options(self) -> dict[str, Any]:
        """The options of the module."""
        return {
            "site": SITE,
            "bench_path": str(self.bench.path),
            "state_path": str(self.state_path),
            "recovery": RECOVERY,
            "login_user": self.login.login_user,
            "login_password": self.login.login_password,
            "login_host": self.login.login_host,
            "login_port": self.login.login_port,
            "login_unix_socket": self.login.login_unix_socket,
            "reserve_bytes": 0,
        }

    def begin(self, **facts: Any) -> None:
        """Write the plan of the recovery, with the set as it is now."""
        (backup,) = catalogue([next(iter(self.artifacts.values())).parent])
        plan = {"set": verify_set(backup, "structure").as_dict()}
        self.journal.append("site_recovery", "begin", plan=plan, staging_database=self.database, **facts)

    def list_files(self, files: Mapping[str, bytes]) -> None:
        """Add rows of ``tabFile`` for files with this content."""
        rows = [row_of(url, content) for url, content in files.items()]
        with connect(self.login, self.database) as connection:
            execute(
                connection,
                "CREATE TABLE IF NOT EXISTS tabFile (file_url TEXT, is_private INT, is_folder INT DEFAULT 0,"
                " file_size BIGINT, content_hash VARCHAR(140))",
            )
            for row in rows:
                execute(connection, "INSERT INTO tabFile (file_url, file_size, content_hash) VALUES (%s, %s, %s)", row)

    def live_files(self) -> dict[str, bytes]:
        """Return what is in the live trees."""
        return contents(self.site.path, "public/files", "private/files")

    def staged_files(self) -> dict[str, bytes]:
        """Return what is staged."""
        return contents(self.staging_path, "public/files", "private/files")


def row_of(url: str, content: bytes) -> tuple[str, int, str]:
    """Return what a row of ``tabFile`` says of a file: its URL, size and checksum."""
    return url, len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()


def contents(root: Path, *trees: str) -> dict[str, bytes]:
    """Return the files below some folders by their paths."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for tree in trees
        for path in sorted((root / tree).rglob("*"))
        if path.is_file()
    }
