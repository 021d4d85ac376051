"""A site with something staged for it, small enough to be built anew for each fault."""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, Site
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import RunningJob
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal, Trap
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion import promote
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_plan import (
    plan_promotion,
    staging_path,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_run import PromotionRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.rollback import plan_rollback, roll_back
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.surroundings import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab.processes import wait_until

SITE, NEIGHBOUR = "one.localhost", "two.localhost"
RECOVERY = "20261121T031522Z-9f3a"
TREES = ("public/files", "private/files")
OLD, NEW = "old", "new"
SET_KEY, LIVE_KEY = "key-of-the-set", "key-of-the-live-site"
FORKED = multiprocessing.get_context("fork")


class FakeSurroundings:
    """Counts what is asked of it; no jobs run unless ``jobs`` has some."""

    def __init__(self, jobs: Sequence[RunningJob] = ()) -> None:
        self.jobs = jobs
        self.deleted: list[str] = []
        self.reloads = 0

    def look_around(self, bench: Bench) -> Surroundings:
        assert bench.sites_path.is_dir()
        return Surroundings(lambda _site: self.jobs, self._delete, self._reload)

    def _delete(self, database: str) -> int:
        self.deleted.append(database)
        return 3

    def _reload(self, _timeout_seconds: float) -> list[int]:
        self.reloads += 1
        return []


class Stage:
    """A bench with two sites whose databases are real; the first has a database and files staged.

    Args:
        folder: Where the bench and the state go.
        login: The administrator of a server.
        db_user: Whether the configuration names the account, as Frappe 16 does.
        site_exists: Whether there is a live site.
    """

    def __init__(self, folder: Path, login: LoginOptions, *, db_user: bool = False, site_exists: bool = True) -> None:
        self.login = login
        self.bench = Bench(folder / "bench")
        self.site: Site = self.bench.site(SITE)
        self.state_path = folder / "state"
        self.old, self.new, self.neighbour = (f"_{secrets.token_hex(8)}" for _index in range(3))
        self.user = f"u{self.old}" if db_user else self.old
        self.surroundings = FakeSurroundings()
        self.site.path.mkdir(parents=True)
        common = {"db_host": login.login_host, "db_port": login.login_port}
        self.bench.common_config_path.write_text(json.dumps(common))
        if site_exists:
            account = {"db_user": self.user} if db_user else {}
            self._build_site(self.site, self.old, self.user, account)
        self._build_site(self.bench.site(NEIGHBOUR), self.neighbour, self.neighbour, {})
        self._build_set()
        self.original_bytes = self.site.config_path.read_bytes() if site_exists else b""
        self._build_staging()
        self.journal().append("recovery", "begin", plan=self._plan(site_exists))
        self.journal().append("staging_database", "done", staging_database=self.new)
        self.journal().append("staging_files", "done")

    def journal(self, trap: Trap | None = None) -> Journal:
        return Journal.open(self.state_path, SITE, RECOVERY, trap)

    def connect(self) -> Any:
        return closing(connect(self.login))

    def request(self, *, check_mode: bool = False, recovery: str = RECOVERY) -> PromotionRequest:
        return PromotionRequest(self.site, self.state_path, recovery, 1, 1, check_mode)

    def promote(self, trap: Trap | None = None) -> None:
        journal = self.journal(trap)
        with self.connect() as connection:
            plan = plan_promotion(connection, self.site, journal)
            if plan.needed:
                promote(connection, self.site, journal, plan, self.surroundings.look_around(self.bench), 1, 1)

    def roll_back(self, trap: Trap | None = None) -> None:
        journal = self.journal(trap)
        with self.connect() as connection:
            plan = plan_rollback(connection, self.site, journal)
            if plan.needed:
                roll_back(connection, self.site, journal, plan, self.surroundings.look_around(self.bench), 1)

    def killed(self, action: Callable[[Trap | None], None], at_write: int) -> bool:
        """Do something in a process that is killed right after a durable write of the journal; tell whether it was."""

        def child() -> None:
            writes = 0

            def trap(_step: str, _event: str) -> None:
                nonlocal writes
                writes += 1
                if writes == at_write:
                    os.kill(os.getpid(), signal.SIGKILL)

            action(trap)

        return exit_code_of(child) == -signal.SIGKILL

    def configuration(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.site.config_path.read_bytes())
        return values

    def login_of_site(self, configuration: dict[str, Any]) -> LoginOptions:
        user = configuration.get("db_user", configuration["db_name"])
        return self.login.with_account(user, configuration["db_password"])

    def can_log_in(self, configuration: dict[str, Any]) -> bool:
        try:
            connect(self.login_of_site(configuration), configuration["db_name"]).close()
        except LifeboatError:
            return False
        return True

    def contents(self, folder: Path) -> list[str]:
        """Whose files a site folder or a staging folder has: old, new or nothing, for each tree."""
        files = (folder / name / "file.txt" for name in TREES)
        return [file.read_text() if file.exists() else "" for file in files]

    def mark(self, database: str) -> str:
        with self.connect() as connection:
            return str(fetch_all(connection, f"SELECT defvalue FROM `{database}`.tabDefaultValue")[0][0])

    def scheduler_enabled(self, database: str) -> list[str]:
        with self.connect() as connection:
            rows = fetch_all(connection, f"SELECT value FROM `{database}`.tabSingles WHERE field = 'enable_scheduler'")
        return [row[0] for row in rows]

    def assert_never_mixed(self) -> None:
        """Whoever serves now has the database, the files and the fence of one side; nobody may in maintenance."""
        configuration = self.configuration()
        if configuration["maintenance_mode"]:
            return
        live, fenced = (NEW, OLD) if configuration["db_name"] == self.new else (OLD, NEW)
        assert self.contents(self.site.path) == [live, live]
        assert self.contents(staging_path(self.site, RECOVERY)) == [fenced, fenced]
        assert self.can_log_in(configuration)
        if live == NEW:
            assert not self.can_log_in(json.loads(self.original_bytes))

    def assert_promoted(self) -> None:
        configuration = self.configuration()
        assert configuration["db_name"] == self.new
        assert configuration["encryption_key"] == SET_KEY
        assert (configuration["maintenance_mode"], configuration["pause_scheduler"]) == (0, False)
        assert self.scheduler_enabled(self.new) == ["1"]
        self.assert_never_mixed()
        self.assert_nothing_left()

    def assert_as_before(self) -> None:
        assert self.site.config_path.read_bytes() == self.original_bytes
        self.assert_never_mixed()
        self.assert_nothing_left()

    def assert_nothing_left(self) -> None:
        expected = {".lifeboat", "locks", "logs", "private", "public", "site_config.json"}
        assert {path.name for path in self.site.path.iterdir()} <= expected
        assert not list(self.site.path.rglob("*.aside"))
        with self.connect() as connection:
            statement = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER IN (%s, %s)"
            # The server notices the end of a process that was killed a moment later.
            wait_until(
                lambda: fetch_all(connection, statement, (self.user, self.new)) == [(0,)], "the end of all connections"
            )

    def _build_site(self, site: Site, database: str, user: str, account: dict[str, str]) -> None:
        password = secrets.token_hex(8)
        self._build_database(database, OLD, scheduler="1")
        with self.connect() as connection:
            create_account(connection, user, ["127.0.0.1", "localhost"], password, database)
        for name in TREES:
            _write_file(site.path / name / "file.txt", OLD)
        configuration = {
            "db_name": database,
            "db_password": password,
            **account,
            "encryption_key": LIVE_KEY,
            "host_name": "https://one.example.com",
            "maintenance_mode": 0,
            "pause_scheduler": False,
        }
        site.config_path.write_text(json.dumps(configuration))
        site.config_path.chmod(0o644)

    def _build_database(self, database: str, mark: str, scheduler: str) -> None:
        with self.connect() as connection:
            execute(connection, f"CREATE DATABASE `{database}`")
            execute(connection, f"USE `{database}`")
            execute(connection, "CREATE TABLE tabDefaultValue (name VARCHAR(140) PRIMARY KEY, defvalue TEXT)")
            execute(connection, "CREATE TABLE tabSingles (doctype VARCHAR(140), field VARCHAR(140), value TEXT)")
            execute(connection, "CREATE TABLE tabToDo (name VARCHAR(140) PRIMARY KEY, description TEXT)")
            execute(connection, "INSERT INTO tabDefaultValue VALUES ('mark', %s)", (mark,))
            execute(
                connection, "INSERT INTO tabSingles VALUES ('System Settings', 'enable_scheduler', %s)", (scheduler,)
            )

    def _build_set(self) -> None:
        self.set_config_path = self.bench.path / "set" / "site_config_backup.json"
        self.set_config_path.parent.mkdir()
        configuration = {
            "db_name": self.old,
            "db_password": "of the set",
            "encryption_key": SET_KEY,
            "host_name": "https://old.example.com",
            "maintenance_mode": 1,
        }
        self.set_config_path.write_text(json.dumps(configuration))

    def _build_staging(self) -> None:
        self._build_database(self.new, NEW, scheduler="0")
        for name in TREES:
            _write_file(staging_path(self.site, RECOVERY) / name / "file.txt", NEW)

    def _plan(self, site_exists: bool) -> dict[str, Any]:
        return {
            "site": SITE,
            "bench_path": str(self.bench.path),
            "set": {
                "artifacts": [
                    {"kind": "site_config", "path": str(self.set_config_path)},
                    {"kind": "private_files", "path": "/nowhere/private-files.tar"},
                ]
            },
            "replaces": {
                "db_name": self.old if site_exists else "",
                "database_exists": site_exists,
                "scheduler_enabled": True if site_exists else None,
            },
            "keeps_until": "2026-11-28T03:15:22Z",
        }


def exit_code_of(child: Callable[[], None], kill_after_seconds: float | None = None) -> int | None:
    """Run something in a process of its own and return how that ended; a negative number is the signal."""
    process = FORKED.Process(target=child)
    process.start()
    if kill_after_seconds is not None:
        time.sleep(kill_after_seconds)
        process.kill()
    process.join()
    return process.exitcode


def _write_file(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
