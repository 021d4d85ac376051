"""The replay of binary logs in a private server: statements across databases, tables without transactions, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import InexactTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Window
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay import REPLAY_SETTINGS, copy_log
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_course import Stretch
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_run import run_replay
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab.mariadb import MariaDBServer

SITE, NEIGHBOUR = "_site", "xsite"
TABLES = (
    "CREATE TABLE todo (name INT PRIMARY KEY, note TEXT)",
    "CREATE TABLE log (name INT PRIMARY KEY, note TEXT) ENGINE=MyISAM",
)


class Source:
    """A server with two sites whose logs are replayed for one of them."""

    def __init__(self, server: MariaDBServer) -> None:
        self.server = server

    def run(self, *statements: str, database: str = SITE) -> BinlogPosition:
        """Run statements with a default database; return where the log is then."""
        with closing(connect(self.server.login, database)) as connection:
            for statement in statements:
                execute(connection, statement)
            file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
            return BinlogPosition(str(fetch_all(connection, "SELECT @@gtid_binlog_pos")[0][0]), str(file), int(offset))

    def plan(self, since: BinlogPosition, until: BinlogPosition, *inexact: InexactTable) -> ReplayPlan:
        """Plan the replay between two places of one log file."""
        path = self.server.data_path / since.file
        first = min([since.offset, *(table.since.offset for table in inexact if table.since)])
        stretch = Stretch(since.file, path, first, until.offset)
        nothing: Any = ()
        return ReplayPlan(
            *(SITE, "latest", False, "", since, until, "", 0, (stretch,), inexact, nothing, Window(0, 0), None)
        )

    def rows(self, table: str, server: Any = None) -> list[tuple[Any, ...]]:
        """Return the rows of a table of the site, here or in another server."""
        with closing(connect((server or self.server).login)) as connection:
            return fetch_all(connection, f"SELECT * FROM `{SITE}`.{table} ORDER BY 1")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    folder = tmp_path_factory.mktemp("replay-source")
    with MariaDBServer(folder / "server", binlog_format="ROW") as server:
        with closing(connect(server.login)) as connection:
            for database in (SITE, NEIGHBOUR):
                execute(connection, f"CREATE DATABASE `{database}`")
                execute(connection, f"USE `{database}`")
                for statement in TABLES:
                    execute(connection, statement)
        yield Source(server)


@pytest.fixture
def base(source: Source, tmp_path: Path) -> Iterator[PrivateServer]:
    """A private server with the tables of the site as they are now, and their rows."""
    with base_of(source, tmp_path) as server:
        yield server


@contextmanager
def base_of(source: Source, folder: Path) -> Iterator[PrivateServer]:
    with PrivateServer(folder / "private", REPLAY_SETTINGS) as server:
        with closing(connect(server.login)) as connection:
            execute(connection, f"CREATE DATABASE `{SITE}`")
            execute(connection, f"USE `{SITE}`")
            for table in ("todo", "log"):
                execute(connection, TABLES[table == "log"])
                for row in source.rows(table):
                    execute(connection, f"INSERT INTO {table} VALUES (%s, %s)", row)
        yield server


def test_statements_across_databases_are_told_by_their_tables(source: Source, base: PrivateServer) -> None:
    since = source.run("SELECT 1")
    source.run(f"ALTER TABLE `{SITE}`.todo ADD COLUMN extra INT DEFAULT 7", database=NEIGHBOUR)
    source.run(f"ALTER TABLE `{NEIGHBOUR}`.todo ADD COLUMN other INT DEFAULT 9")
    source.run("INSERT INTO todo (name, note) VALUES (1, 'one')", "CREATE TABLE gone (name INT)")
    # One statement for tables of both: the neighbour's is not in the private server.
    until = source.run(f"DROP TABLE gone, `{NEIGHBOUR}`.log")
    run_replay(base, source.plan(since, until), ProgressReporter())
    assert source.rows("todo", base) == source.rows("todo") == [(1, "one", 7)]
    with closing(connect(base.login)) as connection:
        assert fetch_all(connection, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = 'gone'") == []
        assert fetch_all(connection, f"SHOW DATABASES LIKE '{NEIGHBOUR}'") == []
    source.run(TABLES[1], database=NEIGHBOUR)
    source.run("ALTER TABLE todo DROP COLUMN extra", "DELETE FROM todo")


def test_what_needs_the_data_of_another_database_is_refused_with_its_transaction(
    source: Source, base: PrivateServer
) -> None:
    source.run("CREATE TABLE moved (name INT)", database=NEIGHBOUR)
    since = source.run("SELECT 1")
    until = source.run(f"RENAME TABLE `{NEIGHBOUR}`.moved TO `{SITE}`.moved")
    with pytest.raises(LifeboatError) as refusal:
        run_replay(base, source.plan(since, until), ProgressReporter())
    assert refusal.value.error_code == "replay_failed"
    assert refusal.value.details["gtid"] == until.gtid
    assert f"before:{until.gtid}" in refusal.value.message
    source.run("DROP TABLE moved")


def test_a_base_that_does_not_belong_to_the_logs_is_noticed_and_no_row_is_told(
    source: Source, base: PrivateServer
) -> None:
    since = source.run("INSERT INTO todo (name, note) VALUES (5, 'a secret')")
    until = source.run("UPDATE todo SET note = 'another secret' WHERE name = 5", "DELETE FROM todo")
    with pytest.raises(LifeboatError) as refusal:
        run_replay(base, source.plan(since, until), ProgressReporter())
    assert refusal.value.error_code == "replay_failed"
    assert "secret" not in f"{refusal.value.message}{refusal.value.details}"


def test_a_table_without_transactions_becomes_exact_whatever_of_it_the_base_has(source: Source, tmp_path: Path) -> None:
    source.run("INSERT INTO log VALUES (1, 'one'), (2, 'two')", "INSERT INTO todo VALUES (1, 'one')")
    before = source.run("SELECT 1")
    source.run("UPDATE log SET note = 'newer' WHERE name = 1", "INSERT INTO log VALUES (3, 'three')")
    position = source.run("INSERT INTO todo VALUES (2, 'two')")
    with base_of(source, tmp_path) as server:
        # Of the log the base has some changes already and some not; of the other table it has all before its position.
        behind = source.run("DELETE FROM log WHERE name = 2", "INSERT INTO log VALUES (4, 'four')")
        with closing(connect(server.login, SITE)) as connection:
            execute(connection, "DELETE FROM log WHERE name = 2")
            execute(connection, "UPDATE log SET note = 'one' WHERE name = 1")
        until = source.run("UPDATE log SET note = 'last'", "UPDATE todo SET note = 'last'")
        inexact = InexactTable("log", "MyISAM", before, behind)
        run_replay(server, source.plan(position, until, inexact), ProgressReporter())
        assert source.rows("log", server) == source.rows("log")
        assert source.rows("todo", server) == source.rows("todo")
    source.run("DELETE FROM log", "DELETE FROM todo")


def test_a_log_that_was_cut_since_the_plan_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "binlog.000001"
    log.write_bytes(b"\xfebin" + b"\0" * 96)
    copy_log(log.name, log, 50, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == log.read_bytes()[:50]
    with pytest.raises(LifeboatError) as refusal:
        copy_log(log.name, log, 101, tmp_path / "copy")
    assert refusal.value.error_code == "binlog_damaged"
