"""Logging in step by step on a real server, and the checks that do so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account, drop_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.stages import Attempt, attempt_login

from tests.check_runs import LONG_PATIENCE, UNHURRIED, run_one
from tests.lab import MariaDBServer

if TYPE_CHECKING:
    from pymysql.connections import Connection

SITE = "erp.example.com"
PASSWORD = "right"


def attempt(login: LoginOptions, database: str, table: str = "tabSingles") -> Attempt:
    return attempt_login(login, database, table, timeout_seconds=60)


@pytest.fixture
def root(mariadb_server: MariaDBServer, database: str) -> Iterator[Connection[Any]]:
    """Root's connection to a database that has the first table of a site, and an account."""
    with closing(connect(mariadb_server.login, database)) as connection:
        execute(connection, "CREATE TABLE tabSingles (value INT)")
        create_account(connection, database, ["localhost"], PASSWORD, database)
        yield connection
        drop_account(connection, database)


@pytest.mark.parametrize("is_by_socket", [False, True], ids=["tcp", "socket"])
@pytest.mark.usefixtures("root")
def test_whole_way(mariadb_server: MariaDBServer, database: str, is_by_socket: bool) -> None:
    login = LoginOptions(database, PASSWORD, "localhost", mariadb_server.port)
    transport = ["name resolution", "TCP connection"]
    if is_by_socket:
        login = LoginOptions(database, PASSWORD, login_unix_socket=str(mariadb_server.socket))
        transport = ["socket connection"]

    made = attempt(login, database)

    assert [stage.name for stage in made.stages] == [*transport, "handshake", "login", "database", "table"]
    assert (made.failed_stage, made.reason, made.advice) == ("", "", "")


def test_each_refusal_is_named(mariadb_server: MariaDBServer, database: str) -> None:
    login = mariadb_server.login

    denied = attempt(login.with_account("root", "wrong"), database)
    assert (denied.failed_stage, denied.error_number, denied.reason) == ("login", 1045, "error 1045")
    missing = attempt(login, "not_there")
    assert (missing.failed_stage, missing.error_number) == ("database", 1049)
    empty = attempt(login, database)
    assert (empty.failed_stage, empty.error_number) == ("table", 1146)


class TestChecksOfASite:
    """The two checks that log in as a site does."""

    @pytest.fixture(autouse=True)
    def _site(self, tmp_path: Path, mariadb_server: MariaDBServer, database: str, root: Connection[Any]) -> None:
        self.path = tmp_path / "sites" / SITE / "site_config.json"
        self.path.parent.mkdir(parents=True)
        self.configuration = {"db_name": database, "db_password": PASSWORD, "db_port": mariadb_server.port}
        (tmp_path / "sites" / "common_site_config.json").write_text("{}")
        self.surroundings = Surroundings(patience=LONG_PATIENCE)
        self.bench = BenchTarget(Bench(tmp_path), self.surroundings)
        self.account = f"'{database}'@'localhost'"
        self.root = root

    def look(self, check_id: str, **changes: Any) -> Finding:
        self.path.write_text(json.dumps({**self.configuration, **changes}))
        with closing(SiteTarget(self.bench.bench.site(SITE), self.bench, self.surroundings)) as target:
            (finding,) = run_one(check_id, target, thresholds=UNHURRIED)
        return finding

    def test_way_is_open(self) -> None:
        finding = self.look("D01")

        assert finding.severity == "ok"
        assert finding.text.startswith("the database answers after ")
        assert [line.partition(":")[0] for line in finding.evidence][-2:] == ["database", "table"]

    def test_way_is_shut(self) -> None:
        finding = self.look("D01", db_password="wrong")

        assert finding.severity == "critical"
        assert finding.text.startswith("the login failed after ")
        assert PASSWORD not in repr(finding)

    def test_configuration_that_cannot_be_read_is_unknown(self) -> None:
        assert self.look("D01", db_name="", db_user="").severity == "unknown"

    def test_grants_are_the_sites_own(self) -> None:
        assert self.look("D02").severity == "ok"

    def test_grant_beyond_is_found(self) -> None:
        execute(self.root, f"GRANT SELECT ON `mysql`.* TO {self.account}")
        finding = self.look("D02")

        assert (finding.severity, finding.value, finding.evidence) == ("warning", 1, ("SELECT on mysql.*",))

    def test_wrong_password_is_critical(self) -> None:
        finding = self.look("D02", db_password="wrong")

        assert finding.severity == "critical"
        assert "cannot log in: error 1045" in finding.text

    def test_server_that_is_gone_leaves_grants_unknown(self) -> None:
        assert self.look("D02", db_port=1).severity == "unknown"
