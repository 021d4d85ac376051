"""Faults on a site's way to its database, each of which the check has to name."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import write_configuration
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import USUAL, Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_grant_pattern

from tests.check_runs import LONG_PATIENCE, UNHURRIED, run_one
from tests.lab import Lab
from tests.lab.processes import free_port

if TYPE_CHECKING:
    from pymysql.connections import Connection

SITE = "alpha.localhost"
SiteFinder = Callable[..., SiteTarget]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The bench's database server and sites; its services are not needed."""
    folder = tmp_path_factory.mktemp("lab")
    with Lab(folder, services=False) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def root(lab: Lab) -> Iterator[Connection[Any]]:
    with closing(connect(lab.login)) as connection:
        yield connection


@contextmanager
def site_config(lab: Lab, **changes: Any) -> Iterator[None]:
    path = lab.site_path(SITE) / "site_config.json"
    before = lab.site_config(SITE)
    write_configuration(path, {**before, **changes})
    yield
    write_configuration(path, before)


def account(lab: Lab) -> tuple[str, str]:
    """The site's account as statements write it, and its database as they grant it."""
    name = lab.site_config(SITE)["db_name"]
    return f"'{name}'@'localhost'", quote_grant_pattern(name)


def look(site_target: SiteFinder, check_id: str = "D01", patience: Patience = LONG_PATIENCE) -> Finding:
    (finding,) = run_one(check_id, site_target(SITE, patience=patience), thresholds=UNHURRIED)
    return finding


@pytest.mark.check("D01")
def test_site_that_reaches_its_database_is_ok(site_target: SiteFinder) -> None:
    finding = look(site_target)

    assert (finding.severity, len(finding.evidence)) == ("ok", 6)
    (slow,) = run_one("D01", site_target(SITE), thresholds={"D01": {"warning": "0.000001"}})
    assert slow.severity == "warning"


@pytest.mark.parametrize(
    ("changes", "stage", "advice"),
    [
        ({"db_host": "no-such-host.invalid"}, "name resolution", "db_host"),
        ({"db_socket": "/nonexistent/mariadb.sock"}, "socket connection", "db_socket"),
        ({"db_password": "wrong"}, "login", "db_password"),
        ({"db_name": "of_another_site"}, "database", "GRANT"),
    ],
    ids=["host", "socket", "password", "database"],
)
@pytest.mark.check("D01")
def test_wrong_setting_is_named_by_its_stage(
    lab: Lab, site_target: SiteFinder, changes: dict[str, str], stage: str, advice: str
) -> None:
    with site_config(lab, db_user=lab.site_config(SITE)["db_name"], **changes):
        finding = look(site_target)

    assert finding.severity == "critical"
    assert finding.text.startswith(f"the {stage} failed after ")
    assert advice in finding.text
    assert look(site_target).severity == "ok"


@pytest.mark.check("D01")
def test_stopped_server_is_named(lab: Lab, site_target: SiteFinder) -> None:
    lab.mariadb.stop()
    finding = look(site_target)
    lab.mariadb.start()

    assert finding.severity == "critical"
    assert finding.text.startswith("the TCP connection failed after ")
    assert "start MariaDB" in finding.text
    assert look(site_target).severity == "ok"


@pytest.mark.check("D01")
def test_server_that_does_not_speak_is_named(lab: Lab, site_target: SiteFinder) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), site_config(lab, db_port=port):
        finding = look(site_target, patience=USUAL)

    assert finding.severity == "critical"
    assert finding.text.startswith("the handshake failed after ")
    assert "no answer within" in finding.text


@pytest.mark.check("D01")
def test_full_server_is_named(lab: Lab, site_target: SiteFinder, root: Connection[Any]) -> None:
    execute(root, "SET GLOBAL max_connections = 10")
    with ExitStack() as stack:
        for _number in range(9):
            stack.enter_context(closing(lab.connect(SITE)))
        finding = look(site_target)
    execute(root, "SET GLOBAL max_connections = 151")

    assert finding.severity == "critical"
    assert "error 1040; all connections are taken" in finding.text
    assert look(site_target).severity == "ok"


@pytest.mark.check("D01")
def test_locked_account_is_named(lab: Lab, site_target: SiteFinder, root: Connection[Any]) -> None:
    execute(root, f"ALTER USER {account(lab)[0]} ACCOUNT LOCK")
    finding = look(site_target)
    execute(root, f"ALTER USER {account(lab)[0]} ACCOUNT UNLOCK")

    assert finding.severity == "critical"
    assert "the account is locked" in finding.text
    assert look(site_target).severity == "ok"


@pytest.mark.check("D01")
def test_missing_database_is_told_from_a_forbidden_one(
    lab: Lab, site_target: SiteFinder, root: Connection[Any]
) -> None:
    execute(root, f"GRANT ALL PRIVILEGES ON `gone`.* TO {account(lab)[0]}")
    with site_config(lab, db_name="gone", db_user=lab.site_config(SITE)["db_name"]):
        finding = look(site_target)
    execute(root, f"REVOKE ALL PRIVILEGES ON `gone`.* FROM {account(lab)[0]}")

    assert finding.severity == "critical"
    assert "there is no such database" in finding.text


@pytest.mark.check("D01")
def test_missing_table_is_named(lab: Lab, site_target: SiteFinder) -> None:
    with closing(lab.connect(SITE)) as connection:
        execute(connection, "RENAME TABLE `tabSingles` TO `away`")
        finding = look(site_target)
        execute(connection, "RENAME TABLE `away` TO `tabSingles`")

    assert finding.severity == "critical"
    assert finding.text.startswith("the table failed after ")
    assert "there is no such table" in finding.text
    assert look(site_target).severity == "ok"


@pytest.mark.check("D02")
def test_revoked_password_is_found(lab: Lab, site_target: SiteFinder, root: Connection[Any]) -> None:
    execute(root, f"ALTER USER {account(lab)[0]} IDENTIFIED BY 'another'")
    finding = look(site_target, "D02")
    password = lab.site_config(SITE)["db_password"]
    execute(root, f"ALTER USER {account(lab)[0]} IDENTIFIED BY '{password}'")

    assert finding.severity == "critical"
    assert "cannot log in" in finding.text
    assert look(site_target, "D02").severity == "ok"


@pytest.mark.parametrize(
    ("grant", "revoke", "seen"),
    [
        ("SELECT ON `mysql`.*", "SELECT ON `mysql`.*", "SELECT on mysql.*"),
        ("PROCESS, RELOAD ON *.*", "PROCESS, RELOAD ON *.*", "RELOAD, PROCESS on *.*"),
        (r"SELECT ON `\_%`.*", r"SELECT ON `\_%`.*", r"SELECT on \_%.*"),
        ("SELECT ON `mysql`.`db`", "SELECT ON `mysql`.`db`", "SELECT on mysql.db"),
        ("PROXY ON 'root'@'localhost'", "PROXY ON 'root'@'localhost'", "PROXY"),
    ],
    ids=["database", "global", "pattern", "table", "proxy"],
)
@pytest.mark.check("D02")
def test_grant_beyond_the_own_database_is_found(
    lab: Lab, site_target: SiteFinder, root: Connection[Any], grant: str, revoke: str, seen: str
) -> None:
    execute(root, "GRANT PROXY ON 'root'@'localhost' TO 'root'@'localhost' WITH GRANT OPTION")
    execute(root, f"GRANT {grant} TO {account(lab)[0]}")
    finding = look(site_target, "D02")
    execute(root, f"REVOKE {revoke} FROM {account(lab)[0]}")

    assert (finding.severity, finding.value) == ("warning", 1)
    assert seen in finding.text
    assert look(site_target, "D02").severity == "ok"


@pytest.mark.check("D02")
def test_wildcard_of_bench_matters_where_it_opens_another_database(
    lab: Lab, site_target: SiteFinder, root: Connection[Any]
) -> None:
    who, pattern = account(lab)
    name = lab.site_config(SITE)["db_name"]
    execute(root, f"REVOKE ALL PRIVILEGES ON {pattern}.* FROM {who}")
    execute(root, f"GRANT ALL PRIVILEGES ON `{name}`.* TO {who}")  # as bench writes it: _ stands for any sign
    alone = look(site_target, "D02")
    execute(root, f"CREATE DATABASE `x{name[1:]}`")
    beside_another = look(site_target, "D02")
    execute(root, f"DROP DATABASE `x{name[1:]}`")
    execute(root, f"REVOKE ALL PRIVILEGES ON `{name}`.* FROM {who}")
    execute(root, f"GRANT ALL PRIVILEGES ON {pattern}.* TO {who}")

    assert alone.severity == "ok"
    assert beside_another.severity == "warning"
    assert f"on x{name[1:]}" in beside_another.text


@pytest.mark.check("D02")
def test_no_evidence_holds_a_password_or_its_hash(lab: Lab, site_target: SiteFinder, root: Connection[Any]) -> None:
    execute(root, f"GRANT SELECT ON `mysql`.* TO {account(lab)[0]}")
    finding = look(site_target, "D02")
    execute(root, f"REVOKE SELECT ON `mysql`.* FROM {account(lab)[0]}")

    told = repr(finding.as_dict())
    assert lab.site_config(SITE)["db_password"] not in told
    assert "IDENTIFIED" not in told
