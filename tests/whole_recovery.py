"""A whole recovery, module by module as the role calls them, and what must be the same before and after one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.modules import (
    site_promotion,
    site_recovery,
    site_verification,
    staging_database,
    staging_files,
)

from tests.lab.comparison import file_digests
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.tools.checkout import ROOT, tool_environment
from tests.tools.playbook_runs import LOCAL_HOST

PLAYBOOK = "lifeboat.frappe.recover"
OF_THE_SERVER = {"information_schema", "mysql", "performance_schema", "sys"}


@dataclass(frozen=True)
class Content:
    """The checksum of each table and the digest of each file of a site."""

    tables: dict[str, int]
    files: dict[str, str]


@dataclass(frozen=True)
class LiveSite:
    """Everything of a site that a recovery must not touch before its replacement is proven."""

    configuration: bytes
    content: Content


@dataclass(frozen=True)
class Traces:
    """Every place where a recovery could leave something behind."""

    databases: set[str]
    accounts: set[str]
    staged: list[str]


class WholeRecovery:
    """Recovers a site of a lab as the role does; what is replaced is deleted at the end unless asked otherwise.

    Args:
        lab: The bench.
        site: The site.
        state_path: The folder of the collection's state.
        options: Options of every module, in place of the lab's.
    """

    def __init__(self, lab: Lab, site: str, state_path: Path, **options: Any) -> None:
        self.lab = lab
        self.site = site
        self.state_path = state_path
        self.options: dict[str, Any] = {
            "site": site,
            "bench_path": str(lab.bench_path),
            "state_path": str(state_path),
            "login_user": lab.login.login_user,
            "login_password": lab.login.login_password,
            "login_host": lab.login.login_host,
            "login_port": lab.login.login_port,
            **options,
        }

    def call(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        """Run a module that must not fail."""
        result = run_module(module, **{**self.options, **options})
        assert not result["failed"], result
        return result

    def begin(self, **options: Any) -> dict[str, Any]:
        """Plan and begin, or resume."""
        return self.call(site_recovery, **{"state": "begun", "keep_days": 0, "reserve_bytes": 0, **options})

    def stage(self, recovery: str, **options: Any) -> str:
        """Stage the database and the files; return the name of the database."""
        database = self.call(staging_database, recovery=recovery, reserve_bytes=0, **options)["database"]
        self.call(staging_files, recovery=recovery, **options)
        return str(database)

    def promote(self, recovery: str, **options: Any) -> dict[str, Any]:
        """Make the replacement live."""
        return self.call(site_promotion, recovery=recovery, drain_timeout_seconds=1, **options)

    def verify(self, **options: Any) -> list[dict[str, Any]]:
        """Ask the live site as its users do; it must answer well."""
        login = {name for name in self.options if name.startswith("login_")}
        own = {name: value for name, value in self.options.items() if name not in login}
        patient = {"timeout_seconds": 120, "job_timeout_seconds": 120}
        result = run_module(site_verification, **{**own, **patient, **options})
        assert not result["failed"], result
        return list(result["verification"])

    def roll_back(self, recovery: str) -> None:
        """Put the previous site back and end the recovery."""
        self.call(site_promotion, state="rolled_back", recovery=recovery)
        self.finish(recovery, outcome="rolled_back")

    def abandon(self, recovery: str) -> None:
        """Remove what was staged and end the recovery."""
        self.call(site_recovery, state="abandoned", recovery=recovery)

    def finish(self, recovery: str, **options: Any) -> dict[str, Any]:
        """End a recovery that was promoted and return its record."""
        return dict(self.call(site_recovery, state="finished", recovery=recovery, **options)["record"])

    def expire(self) -> None:
        """Delete what is kept and whose time is over."""
        self.call(site_promotion, state="expired")

    def run(self, **options: Any) -> dict[str, Any]:
        """Recover the site and return the record; an empty one when there was nothing to recover."""
        begun = self.begin(**options)
        if not begun["needed"]:
            return {}
        self.stage(begun["recovery"])
        self.promote(begun["recovery"])
        return self.finish(begun["recovery"])

    def live(self) -> LiveSite:
        """Return the site as it is now, read with its own account."""
        site_path = self.lab.site_path(self.site)
        content = Content(self._checksums(), file_digests(site_path))
        return LiveSite((site_path / "site_config.json").read_bytes(), content)

    def traces(self) -> Traces:
        """Return what is on the server and beside the live files now."""
        with closing(connect(self.lab.login)) as connection:
            databases = {str(row[0]) for row in fetch_all(connection, "SHOW DATABASES")} - OF_THE_SERVER
            accounts = {str(row[0]) for row in fetch_all(connection, "SELECT User FROM mysql.user")}
        staged = (self.lab.site_path(self.site) / ".lifeboat").glob("*")
        return Traces(databases, accounts, sorted(path.name for path in staged))

    def _checksums(self) -> dict[str, int]:
        database = self.lab.site_config(self.site)["db_name"]
        with closing(self.lab.connect(self.site)) as connection:
            found = fetch_all(connection, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
            tables = [str(row[0]) for row in found]
            checksums = fetch_all(connection, f"CHECKSUM TABLE {', '.join(map(quote_identifier, tables))}")
        return {str(name).removeprefix(f"{database}."): int(checksum) for name, checksum in checksums}


@contextmanager
def playbook_process(
    lab: Lab, folder: Path, variables: Mapping[str, Any], *arguments: str, playbook: str = PLAYBOOK
) -> Iterator[subprocess.Popen[str]]:
    """Run a playbook on a lab, in a group of processes of its own, all of whose temporary files are in a folder.

    Args:
        lab: The bench.
        folder: A folder of the test; the inventory goes there, temporary files go to ``temporary`` in it.
        variables: What is given with ``-e``.
        arguments: More arguments of ansible-playbook.
        playbook: Its name in the collection.
    """
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    inventory = folder / "hosts"
    inventory.write_text(LOCAL_HOST)
    everything = json.dumps({**lab.variables, "lifeboat_become": False, **variables})
    with subprocess.Popen(
        ["ansible-playbook", playbook, "--inventory", str(inventory), "--extra-vars", everything, *arguments],
        cwd=ROOT,
        env={
            **tool_environment(),
            "ANSIBLE_LOCAL_TEMP": str(temporary / "local"),
            "ANSIBLE_REMOTE_TEMP": str(temporary / "remote"),
            "ANSIBLE_ASYNC_DIR": str(temporary / "jobs"),
            "TMPDIR": str(temporary),
        },
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
