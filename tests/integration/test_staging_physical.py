"""Staging a site's database from the files of its tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestServer, ManifestTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import staging_database

from tests.lab.comparison import compare_databases
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.physical_sets import RECOVERY, begin_physical, login_options, write_physical_set

SITE = "alpha.localhost"
NAME = "20261121_034508-alpha_localhost"
KEY = "physical-key"
MORE_OBJECTS = (
    "CREATE TABLE `tabNote Search` (name varchar(140) PRIMARY KEY, content longtext, FULLTEXT KEY ft (content))"
    " ENGINE=InnoDB",
    "INSERT INTO `tabNote Search` SELECT CONCAT('note ', seq), CONCAT('lifeboat number ', seq) FROM seq_1_to_50",
    "CREATE VIEW `view a` AS SELECT name FROM `view b`",
    "CREATE TRIGGER `tr` BEFORE INSERT ON `tabNote Search` FOR EACH ROW SET NEW.content = TRIM(NEW.content)",
    "DO NEXTVAL(`web_form_list_column_id_seq`)",
)


@pytest.fixture(scope="module")
def physical_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("physical")
    with Lab(folder, services=False) as lab:
        with connect(lab.login, lab.site_config(SITE)["db_name"]) as connection:
            execute(connection, "CREATE VIEW `view b` AS SELECT name FROM tabUser")
            for statement in MORE_OBJECTS:
                execute(connection, statement)
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def server(physical_lab: Lab):
    connection = connect(physical_lab.login)
    yield connection
    connection.close()


def traces(server) -> tuple[set[str], set[tuple[str, str]]]:
    names = {row[0] for row in fetch_all(server, "SHOW DATABASES")}
    return names, set(fetch_all(server, "SELECT User, Host FROM mysql.user"))


def drop(lab: Lab, folder: Path) -> None:
    """Drop what a recovery whose state is in a folder has staged."""
    options = {"recovery": RECOVERY, "state_path": str(folder / "state"), "state": "absent"}
    assert not run_module(staging_database, **{**login_options(lab, SITE), **options})["failed"]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ({"proven_at": "2026-11-21T03:50:00Z"}, {}),
        ({}, {}),
        ({"archived": True, "compressed": True, "key": KEY}, {"encryption_key": KEY}),
    ],
    ids=["proven folder", "unproven folder", "encrypted archive"],
)
def test_a_physical_set_becomes_the_live_database_row_for_row(physical_lab, server, tmp_path, written, given):
    folder = write_physical_set(physical_lab, SITE, tmp_path / SITE, NAME, **written)
    before = traces(server)
    position = fetch_all(server, "SHOW MASTER STATUS")
    options = begin_physical(physical_lab, SITE, folder, tmp_path / "state")
    staged = run_module(staging_database, **options, **given)
    assert not staged["failed"], staged
    live = physical_lab.site_config(SITE)["db_name"]
    comparison = compare_databases(server, live, staged["database"])
    assert (comparison.missing, comparison.extra) == ({}, {})
    assert staged["proof"]["stored_secret"] == "opens"
    assert staged["proof"]["hashed_files"] == 2 * staged["tables"]
    assert staged["plan"]["load"]["kind"] == "physical"
    assert "new base backup" in staged["plan"]["warnings"][0]
    grants = " ".join(row[0] for row in fetch_all(server, f"SHOW GRANTS FOR `{staged['database']}`@`localhost`"))
    assert "BINLOG" not in grants
    assert not run_module(staging_database, **options, **given)["changed"]
    found = "SELECT COUNT(*) FROM `{}`.`tabNote Search` WHERE MATCH (content) AGAINST ('lifeboat')"
    assert fetch_all(server, found.format(staged["database"])) == [(50,)]
    assert run_module(staging_database, state="absent", **options)["changed"]
    assert traces(server) == before
    assert fetch_all(server, "SHOW MASTER STATUS") == position


def test_views_triggers_and_sequences_run_with_the_rights_of_the_staging_account(physical_lab, server, tmp_path):
    folder = write_physical_set(physical_lab, SITE, tmp_path / SITE, NAME, proven_at="2026-11-21T03:50:00Z")
    staged = run_module(staging_database, **begin_physical(physical_lab, SITE, folder, tmp_path / "state"))
    database = staged["database"]
    assert [staged["proof"][kind] for kind in ("views", "triggers", "sequences")] == [2, 1, 1]
    for table, column in (("VIEWS", "TABLE_SCHEMA"), ("TRIGGERS", "TRIGGER_SCHEMA")):
        query = f"SELECT DISTINCT DEFINER FROM information_schema.{table} WHERE {column} = %s"
        assert fetch_all(server, query, (database,)) == [(f"{database}@localhost",)]
    given_out = fetch_all(server, f"SELECT next_not_cached_value FROM `{database}`.`web_form_list_column_id_seq`")
    live = physical_lab.site_config(SITE)["db_name"]
    assert given_out[0][0] >= fetch_all(server, f"SELECT NEXTVAL(`{live}`.`web_form_list_column_id_seq`)")[0][0]
    drop(physical_lab, tmp_path)


def test_the_dump_of_the_same_set_is_loaded_where_its_tables_do_not_fit(physical_lab, tmp_path):
    dump = physical_lab.backup(SITE, folder=tmp_path / "bench").database.read_bytes()
    other = ManifestServer("10.6.22-MariaDB", 16384, 1, "db", 3306)
    folder = write_physical_set(physical_lab, SITE, tmp_path / SITE, NAME, dump=dump, server=other)
    options = begin_physical(physical_lab, SITE, folder, tmp_path / "state")
    planned = run_module(staging_database, check_mode=True, **options)["plan"]
    assert planned["load"]["kind"] == "logical"
    assert "MariaDB 10.6, the server is 10.11" in planned["load"]["reason"]
    assert planned["loads"].endswith("-database.sql.gz")
    staged = run_module(staging_database, **options)
    assert not staged["failed"], staged
    assert staged["proof"]["rows_equal_to_dump"]
    assert (staged["plan"]["binary_log"], staged["proof"]["hashed_files"]) == ("logged", 0)
    drop(physical_lab, tmp_path)


def test_tables_that_fit_nowhere_are_refused_before_anything_is_made(physical_lab, server, tmp_path):
    before = traces(server)
    other = ManifestServer("10.11.19-MariaDB", 8192, 1, "db", 3306)
    folder = write_physical_set(physical_lab, SITE, tmp_path / SITE, NAME, server=other)
    failed = run_module(staging_database, **begin_physical(physical_lab, SITE, folder, tmp_path / "state"))
    assert (failed["failed"], failed["error_code"]) == (True, "physical_unsupported")
    assert traces(server) == before


def test_rows_that_the_manifest_does_not_know_are_no_proof(physical_lab, server, tmp_path):
    before = traces(server)
    tables = (ManifestTable("tabUser", "InnoDB", rows=1_000_000),)
    folder = write_physical_set(
        physical_lab, SITE, tmp_path / SITE, NAME, tables=tables, proven_at="2026-11-21T03:50:00Z"
    )
    failed = run_module(staging_database, **begin_physical(physical_lab, SITE, folder, tmp_path / "state"))
    assert (failed["failed"], failed["error_code"]) == (True, "proof_failed")
    assert "tabUser" in failed["msg"]
    assert traces(server) == before
