"""Whole recoveries of sites in the states in which real benches were found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import database_exists

from tests.lab.lab import Lab
from tests.lab.prober import ask
from tests.whole_recovery import Content, WholeRecovery

SITE, REAL_SITE = "alpha.localhost", "site1.local"
SCHEDULER = "doctype = 'System Settings' AND field = 'enable_scheduler'"
REAL_TABLES = 227
OK, UNAVAILABLE = 200, 503


class Case:
    """The site of the lab, its set, and the recovery of it."""

    def __init__(self, lab: Lab, state_path: Path, set_folder: Path) -> None:
        self.lab = lab
        self.recovery = WholeRecovery(lab, SITE, state_path)
        self.config_path = lab.site_path(SITE) / "site_config.json"
        self.set_folder = set_folder
        self.of_the_set: Content = self.recovery.live().content
        self.backup = lab.backup(SITE, folder=set_folder)

    def run(self, **options: object) -> dict:
        return self.recovery.run(paths=[str(self.set_folder)], **options)

    def configure(self, path: Path, **values: object) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    def is_paused(self) -> bool:
        configuration = self.lab.site_config(SITE)
        return bool(configuration.get("maintenance_mode") or configuration.get("pause_scheduler"))

    def login_page(self) -> int:
        return ask(self.lab.web_port, SITE, "/login")

    def assert_recovered(self, record: dict) -> None:
        assert record["outcome"] == "recovered"
        assert self.recovery.live().content == self.of_the_set
        assert self.login_page() == OK
        checks = self.recovery.verify()
        assert [check["outcome"] for check in checks] == ["passed"] * 4


@pytest.fixture
def case(lab: Lab, tmp_path: Path) -> Case:
    return Case(lab, tmp_path / "state", tmp_path / "set")


def test_an_idle_connection_with_an_open_transaction_holds_nothing_up(case: Case) -> None:
    with closing(case.lab.connect(SITE)) as idle:
        idle.begin()
        execute(idle, "UPDATE tabToDo SET description = 'never committed'")
        fetch_all(idle, "SELECT * FROM tabUser LIMIT 1")
        case.assert_recovered(case.run())


def test_a_configuration_that_is_not_json_is_replaced(case: Case) -> None:
    broken = case.config_path.read_bytes()[:-20]
    case.config_path.write_bytes(broken)
    record = case.run(keep_days=1)
    case.assert_recovered(record)
    kept = case.recovery.state_path / SITE / record["recovery"] / "kept" / "site_config.json"
    assert kept.read_bytes() == broken
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_site_without_its_folder_of_logs_serves_again(case: Case) -> None:
    shutil.rmtree(case.lab.site_path(SITE) / "logs")
    assert case.login_page() != OK
    case.assert_recovered(case.run())


def test_a_site_whose_database_was_dropped_comes_back(case: Case) -> None:
    dropped = case.lab.site_config(SITE)["db_name"]
    with closing(connect(case.lab.login)) as connection:
        execute(connection, f"DROP DATABASE {quote_identifier(dropped)}")
    assert case.login_page() != OK
    case.assert_recovered(case.run())


def test_a_site_that_is_gone_comes_back(case: Case) -> None:
    database = case.lab.site_config(SITE)["db_name"]
    with closing(connect(case.lab.login)) as connection:
        execute(connection, f"DROP DATABASE {quote_identifier(database)}")
    shutil.rmtree(case.lab.site_path(SITE))
    case.configure(case.backup.site_config, maintenance_mode=1, pause_scheduler=1)
    case.assert_recovered(case.run())
    assert not case.is_paused()


def test_maintenance_of_the_set_does_not_come_with_it(case: Case) -> None:
    case.configure(case.backup.site_config, maintenance_mode=1, pause_scheduler=1)
    case.assert_recovered(case.run())
    assert not case.is_paused()


def test_a_site_that_was_in_maintenance_stays_in_it_and_that_is_said(case: Case) -> None:
    case.configure(case.config_path, maintenance_mode=1)
    begun = case.recovery.begin(paths=[str(case.set_folder)])
    assert begun["plan"]["replaces"]["maintenance_mode"] is True
    case.recovery.stage(begun["recovery"])
    case.recovery.promote(begun["recovery"])
    assert case.login_page() == UNAVAILABLE
    checks = case.recovery.verify(expected_maintenance=True)
    record = case.recovery.finish(begun["recovery"], verification=checks)
    assert "it still is" in json.dumps(record["recommendations"])
    assert {check["outcome"] for check in checks} == {"passed", "skipped"}
    assert case.lab.site_config(SITE)["maintenance_mode"] == 1
    case.configure(case.config_path, maintenance_mode=0)
    case.assert_recovered(record)


@pytest.mark.parametrize(("live", "of_the_set"), [("1", "0"), ("0", "1")])
def test_the_scheduler_is_as_it_was_live(case: Case, live: str, of_the_set: str, tmp_path: Path) -> None:
    change = f"UPDATE tabSingles SET value = %s WHERE {SCHEDULER}"
    with closing(case.lab.connect(SITE)) as connection:
        execute(connection, change, (of_the_set,))
        case.lab.backup(SITE, folder=tmp_path / "other set")
        execute(connection, change, (live,))
    case.recovery.run(paths=[str(tmp_path / "other set")])
    with closing(case.lab.connect(SITE)) as connection:
        assert fetch_all(connection, f"SELECT value FROM tabSingles WHERE {SCHEDULER}") == [(live,)]
        execute(connection, change, ("1",))


def test_an_encrypted_set_is_recovered_and_stays_as_it_is(case: Case, tmp_path: Path) -> None:
    backup = case.lab.backup(SITE, encrypted=True, folder=tmp_path / "encrypted")
    before = {path.name: path.read_bytes() for path in backup.paths}
    case.assert_recovered(case.recovery.run(paths=[str(tmp_path / "encrypted")]))
    assert {path.name: path.read_bytes() for path in (tmp_path / "encrypted").iterdir()} == before


@pytest.fixture(scope="module")
def bench_of_frappe_16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("frappe-16"), frappe_version=16, services=False, sites=(SITE,)) as lab:
        yield lab


def test_an_account_with_a_name_of_its_own_is_honoured(bench_of_frappe_16: Lab, tmp_path: Path) -> None:
    lab, recovery = bench_of_frappe_16, WholeRecovery(bench_of_frappe_16, SITE, tmp_path / "state")
    replaced = lab.site_config(SITE)
    user = f"site_{replaced['db_name'][1:9]}"
    with closing(connect(lab.login)) as connection:
        execute(connection, f"RENAME USER '{replaced['db_name']}'@'localhost' TO '{user}'@'localhost'")
    path = lab.site_path(SITE) / "site_config.json"
    path.write_text(json.dumps({**replaced, "db_user": user}))
    of_the_set = recovery.live().content
    lab.backup(SITE)
    recovery.run()
    configuration = lab.site_config(SITE)
    assert configuration["db_user"] == configuration["db_name"] != replaced["db_name"]
    assert recovery.live().content == of_the_set
    assert recovery.traces().accounts == {configuration["db_user"], "mariadb.sys", "root"}


@pytest.mark.parametrize("folder", ["site1_plain", "site1_encrypted"])
def test_a_real_site_comes_back_from_nothing_but_its_set(
    lab: Lab, real_backups: Path, tmp_path: Path, folder: str
) -> None:
    recovery = WholeRecovery(lab, REAL_SITE, tmp_path / "state")
    record = recovery.run(paths=[str(real_backups / folder)], allow_newer_apps=True)
    assert record["outcome"] == "recovered"
    assert ask(lab.web_port, REAL_SITE, "/login") == OK
    proof, content = record["proof"], recovery.live().content
    assert len(content.tables) == proof["database"]["tables"] == REAL_TABLES
    assert (proof["files"]["missing"], proof["files"]["damaged"]) == (0, 0)
    assert len(content.files) >= proof["files"]["listed"] > 0
    configuration = lab.site_config(REAL_SITE)
    (of_the_set,) = (real_backups / folder).glob("*-site_config_backup*.json")
    assert configuration["encryption_key"] == json.loads(of_the_set.read_text())["encryption_key"]
    with closing(connect(lab.login)) as connection:
        assert database_exists(connection, configuration["db_name"])
        execute(connection, f"DROP DATABASE {quote_identifier(configuration['db_name'])}")
        execute(connection, f"DROP USER {quote_identifier(configuration['db_name'])}@localhost")
    shutil.rmtree(lab.site_path(REAL_SITE))
