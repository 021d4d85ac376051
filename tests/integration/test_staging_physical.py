"""Staging a site's database from the files of its tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import staging_database

from tests.lab.comparison import compare_databases
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.physical_sets import begin_physical, write_physical_set

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


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ({"proven_at": "2026-11-21T03:50:00Z"}, {}),
        ({}, {}),
        ({"archived": True, "compressed": True}, {}),
        ({"archived": True, "compressed": True, "key": KEY}, {"encryption_key": KEY}),
    ],
    ids=["proven folder", "unproven folder", "archive", "encrypted archive"],
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
    assert staged["plan"]["load"]["kind"] == "physical"
    found = "SELECT COUNT(*) FROM `{}`.`tabNote Search` WHERE MATCH (content) AGAINST ('lifeboat')"
    assert fetch_all(server, found.format(staged["database"])) == [(50,)]
    assert run_module(staging_database, state="absent", **options)["changed"]
    assert traces(server) == before
    assert fetch_all(server, "SHOW MASTER STATUS") == position
