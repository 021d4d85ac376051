"""A copy of a lab's site, staged as a recovery leaves it before the promotion, without loading a backup."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from contextlib import closing
from datetime import datetime
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_plan import staging_path
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_run import PromotionRequest

from tests.lab import Lab

TREES = ("public/files", "private/files")


class LabStage:
    """The site of the lab that is promoted, and the names of both databases."""

    def __init__(self, lab: Lab, site: str, recovery: str) -> None:
        self.lab = lab
        self.site = Bench(lab.bench_path).site(site)
        self.old = lab.site_config(site)["db_name"]
        self.new = f"_{secrets.token_hex(8)}"
        self.set_config_path = self.site.path / "private" / "backups" / f"{recovery}-site_config_backup.json"
        self.set_config_path.write_bytes(self.site.config_path.read_bytes())
        self._copy_database()
        for name in TREES:
            shutil.copytree(self.site.path / name, staging_path(self.site, recovery) / name)
        self.journal = Journal.open(lab.state_path, site, recovery)
        self.journal.append("recovery", "begin", plan=self._plan())
        self.journal.append("staging_database", "done", staging_database=self.new)

    def request(self) -> PromotionRequest:
        return PromotionRequest(self.site, self.lab.state_path, self.journal.recovery, 10, 30, check_mode=False)

    def todo_names(self, database: str) -> set[str]:
        with closing(connect(self.lab.login)) as connection:
            return {row[0] for row in fetch_all(connection, f"SELECT name FROM `{database}`.tabToDo")}

    def _copy_database(self) -> None:
        with closing(connect(self.lab.login)) as connection:
            execute(connection, f"CREATE DATABASE `{self.new}`")
        option = f"--defaults-file={self.lab.mariadb.option_file}"
        dump = subprocess.run(
            ["mariadb-dump", option, "--single-transaction", self.old], stdout=subprocess.PIPE, check=True
        )
        subprocess.run(["mariadb", option, self.new], input=dump.stdout, check=True)

    def _plan(self) -> dict[str, Any]:
        return {
            "site": self.site.name,
            "bench_path": str(self.lab.bench_path),
            "set": {"artifacts": [{"kind": "site_config", "path": str(self.set_config_path)}]},
            "replaces": {"db_name": self.old, "database_exists": True, "scheduler_enabled": True},
            "keeps_until": "2026-11-28T03:15:22Z",
        }


def moment_of(journal: Journal, step: str, event: str) -> float:
    """The Unix time of the last such entry."""
    entry = [entry for entry in journal.entries() if (entry.step, entry.event) == (step, event)][-1]
    return datetime.fromisoformat(entry.at).timestamp()
