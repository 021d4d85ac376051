"""Faults in the tables and indexes of a site's database."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import mariadb_growth
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal

from tests.faults.checks.mariadb_schemas import DECLARATIONS, SERVER, SITE, fill, make_looker
from tests.lab.generator import create_tables
from tests.lab.processes import wait_until
from tests.lab.schema import DOCTYPES

MEBIBYTE = 1024**2
DAY_SECONDS = 86400
ORPHAN = "_0123456789abcdef"


@pytest.fixture
def site_database(mariadb_server, database):
    """A connection of the administrator in a database with the tables that Frappe makes."""
    with closing(connect(mariadb_server.login, database)) as connection:
        create_tables(connection)
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO tabDocType (name) VALUES (%s)", [(kind.name,) for kind in DOCTYPES])
        yield connection


@pytest.fixture
def small_database(mariadb_server, database):
    """A connection in a database with one table, and what DocTypes declare."""
    with closing(connect(mariadb_server.login, database)) as connection:
        for statement in DECLARATIONS:
            execute(connection, statement)
        fill(connection, "tabProbe", 2000)
        yield connection


@pytest.fixture
def look(mariadb_server, database, surroundings):
    """Run a check on the server anew."""
    return make_looker(mariadb_server.login, database, surroundings)


@pytest.mark.check("D23")
def test_a_table_without_a_key(site_database, look):
    assert look("D23")[""].severity == "ok"
    execute(site_database, "CREATE TABLE `tabNo Key` (a int)")
    found = look("D23")[""]
    assert (found.severity, found.evidence) == ("warning", (f"{site_database.db.decode()}.tabNo Key",))
    execute(site_database, "ALTER TABLE `tabNo Key` ADD PRIMARY KEY (a)")
    assert look("D23")[""].severity == "ok"


@pytest.mark.check("D24")
def test_a_table_that_a_crash_can_damage(site_database, look):
    assert look("D24")[""].severity == "ok"
    execute(site_database, "ALTER TABLE tabNote ENGINE=MyISAM")
    assert look("D24")[""].severity == "warning"
    execute(site_database, "ALTER TABLE tabNote ENGINE=InnoDB")
    assert look("D24")[""].severity == "ok"


@pytest.mark.check("D25")
def test_another_character_set(site_database, look):
    assert look("D25")[SITE].severity == "ok"
    execute(site_database, "ALTER TABLE tabNote CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")
    assert look("D25")[SITE].severity == "warning"
    execute(site_database, "ALTER TABLE tabNote CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    assert look("D25")[SITE].severity == "ok"
    execute(site_database, "ALTER DATABASE COLLATE utf8mb4_general_ci")
    assert look("D25")[SITE].severity == "warning"
    execute(site_database, "ALTER DATABASE COLLATE utf8mb4_unicode_ci")
    assert look("D25")[SITE].severity == "ok"


@pytest.mark.check("D30")
def test_counters_near_their_ends(site_database, look):
    assert look("D30")[SITE].severity == "ok"
    execute(site_database, "CREATE TABLE tabCounted (name int AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=1800000000")
    assert look("D30")[SITE].severity == "critical"
    execute(site_database, "ALTER TABLE tabCounted MODIFY name bigint AUTO_INCREMENT")
    assert look("D30")[SITE].severity == "ok"
    execute(site_database, "CREATE SEQUENCE probe_id_seq MINVALUE 1 MAXVALUE 1000 START WITH 600 NOCACHE")
    assert look("D30")[SITE].severity == "warning"
    execute(site_database, "DROP SEQUENCE probe_id_seq")
    execute(site_database, "INSERT INTO tabSeries VALUES ('PROBE-', 2000000000)")
    assert look("D30")[SITE].severity == "critical"
    execute(site_database, "ALTER TABLE tabSeries MODIFY current bigint NOT NULL DEFAULT 0")
    assert look("D30")[SITE].severity == "ok"


@pytest.mark.usefixtures("small_database")
def test_a_database_without_counters_is_fine(look):
    assert (look("D30")[SITE].severity, look("D30")[SITE].value) == ("ok", 0)


def month_old(server):
    """A month cannot pass here: the server's counters are read as those of a server that runs for 40 days."""
    server.read_sample = lambda: Sample(time.time(), time.time() - 40 * DAY_SECONDS, {"Uptime": 40.0 * DAY_SECONDS})


@pytest.mark.check("D26")
def test_an_index_that_nothing_reads(mariadb_server, small_database, look):
    assert "it takes 31" in look("D26")[""].text
    assert "neither" in look("D26", prepare=month_old)[""].text
    execute(small_database, "SET GLOBAL userstat = 1")
    try:
        assert look("D26", prepare=month_old)[""].severity == "ok"
        execute(
            small_database,
            "ALTER TABLE tabProbe ADD INDEX by_customer (customer), ADD UNIQUE by_both (territory, customer, name),"
            " ADD modified datetime(6), ADD INDEX modified (modified)",
        )
        found = look("D26", prepare=month_old)[""]
        assert (found.severity, found.evidence) == ("warning", ("by_customer of tabProbe",))
        # What a DocType declares would come back with the next migration.
        execute(
            small_database,
            "INSERT INTO `tabProperty Setter` VALUES ('x', 'Probe', 'customer', 'search_index', '1')",
        )
        assert look("D26", prepare=month_old)[""].severity == "ok"
        execute(small_database, "DELETE FROM `tabProperty Setter`")
        assert look("D26", prepare=month_old)[""].severity == "warning"
        with closing(connect(mariadb_server.login, small_database.db.decode())) as reader:
            fetch_all(reader, "SELECT COUNT(*) FROM tabProbe FORCE INDEX (by_customer) WHERE customer = 'C1'")
        assert look("D26", prepare=month_old)[""].severity == "ok"
    finally:
        execute(small_database, "SET GLOBAL userstat = 0")


def test_the_index_of_a_foreign_key_is_used(small_database, look):
    execute(small_database, "SET GLOBAL userstat = 1")
    try:
        execute(
            small_database, "CREATE TABLE tabChild (name int PRIMARY KEY, probe varchar(140), INDEX by_probe (probe))"
        )
        assert look("D26", prepare=month_old)[""].severity == "warning"
        execute(small_database, "ALTER TABLE tabChild ADD FOREIGN KEY (probe) REFERENCES tabProbe (name)")
        assert look("D26", prepare=month_old)[""].severity == "ok"
    finally:
        execute(small_database, "SET GLOBAL userstat = 0")


@pytest.mark.check("D27")
def test_an_index_that_another_one_begins_with(small_database, look):
    limits = {"options": {"thresholds": {"D27": {"warning": "0"}}}}  # the table is smaller than what is told of
    execute(small_database, "ALTER TABLE tabProbe ADD INDEX by_both (customer, territory)")
    assert look("D27", **limits)[SITE].severity == "ok"
    execute(small_database, "ALTER TABLE tabProbe ADD INDEX by_customer (customer)")
    fetch_all(small_database, "ANALYZE TABLE tabProbe")
    found = look("D27", **limits)[SITE]
    assert found.severity == "warning"
    assert found.evidence[0].startswith("by_customer of tabProbe begins by_both")
    execute(small_database, "INSERT INTO tabDocField VALUES ('x', 'Probe', 'customer', 1, 0)")
    assert look("D27", **limits)[SITE].severity == "ok"
    execute(small_database, "UPDATE tabDocField SET search_index = 0")
    assert look("D27", **limits)[SITE].severity == "warning"
    execute(small_database, "ALTER TABLE tabProbe DROP INDEX by_customer")
    assert look("D27", **limits)[SITE].severity == "ok"


@pytest.mark.check("D29")
def test_room_that_deleted_rows_left(small_database, look, monkeypatch):
    # Filling 500 MiB takes a minute here, so that less is large.
    monkeypatch.setattr(mariadb_growth, "LEAST_FILE_BYTES", MEBIBYTE)
    monkeypatch.setattr(mariadb_growth, "LEAST_FREE_BYTES", MEBIBYTE)
    name = f"{small_database.db.decode()}.tabLarge"
    assert look("D29")[""].severity == "ok"
    execute(small_database, "CREATE TABLE tabLarge (name int PRIMARY KEY, content longtext)")
    execute(small_database, "INSERT INTO tabLarge SELECT seq, REPEAT('x', 30000) FROM seq_1_to_500")
    execute(small_database, "DELETE FROM tabLarge WHERE name > 10")
    wait_until(lambda: name in look("D29"), "the purge, which gives the pages back")
    assert look("D29")[name].severity == "warning"
    execute(small_database, "ALTER TABLE tabLarge FORCE")
    assert look("D29")[""].severity == "ok"


@pytest.mark.check("D38")
def test_a_database_that_grows_faster_than_usual(small_database, look, monkeypatch):
    # Half of what is told of in earnest would take a minute here as well.
    monkeypatch.setattr(mariadb_growth, "LEAST_GROWTH_BYTES", MEBIBYTE)
    now = time.time()
    present = look("D38")[SITE]
    assert present.severity == "ok"
    sizes = {now - days * DAY_SECONDS - 60: present.value - days * 1000 for days in (4, 3, 2, 1)}
    runs = [{"at_seconds": at, "values": {f"D38|{SERVER}|{SITE}": size}} for at, size in sizes.items()]
    assert look("D38", history=History(runs))[SITE].severity == "ok"
    execute(small_database, "CREATE TABLE tabLarge (name int PRIMARY KEY, content longtext)")
    execute(small_database, "INSERT INTO tabLarge SELECT seq, REPEAT('x', 30000) FROM seq_1_to_300")
    found = look("D38", history=History(runs))[SITE]
    assert found.severity == "warning"
    assert found.evidence[0].startswith("tabLarge:")
    execute(small_database, "DROP TABLE tabLarge")
    assert look("D38", history=History(runs))[SITE].severity == "ok"


@pytest.mark.check("D37")
def test_what_is_left_behind(site_database, look, surroundings):
    # The server is shared: what other tests left behind is there before and after.
    before = {item: finding.value for item, finding in look("D37").items()}

    def more():
        found = look("D37")
        assert all(found[item].severity == "warning" for item in found if found[item].value)
        return {item: finding.value - before[item] for item, finding in found.items() if finding.value != before[item]}

    assert before[SITE] == 0
    execute(site_database, f"CREATE DATABASE {ORPHAN}")
    try:
        assert more() == {"databases": 1}
        Journal.open(surroundings.state_path, SITE, "20261121T000000Z-0000").append("begin", "done", database=ORPHAN)
        assert more() == {}  # a recovery keeps it
    finally:
        execute(site_database, f"DROP DATABASE {ORPHAN}")
    execute(site_database, "CREATE USER `_fedcba9876543210`@localhost")
    try:
        assert more() == {"accounts": 1}
    finally:
        execute(site_database, "DROP USER `_fedcba9876543210`@localhost")
    execute(site_database, "CREATE TABLE tabGhost (name int PRIMARY KEY)")
    assert more() == {SITE: 1}
    execute(site_database, "DROP TABLE tabGhost")
    assert more() == {}
