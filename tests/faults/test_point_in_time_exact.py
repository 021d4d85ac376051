"""Any point in time is exact: random transactions of five sites, replayed for one of them, against what was there."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import (
    BinlogArchive,
    covering_logs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import Manifest, ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import format_moment
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump_command import dump_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier as quoted
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.base_load import load_base
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.database_source import DumpSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Window, parse_target
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay import REPLAY_SETTINGS
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_course import cut
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan, plan_replay
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_run import run_replay
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab.mariadb import MariaDBServer
from tests.lab.processes import wait_until

pytestmark = pytest.mark.promise(23)

SITES = ("_5a11ce", "_b0b", "_ca101", "_da7e", "_e1e")
SITE = SITES[0]
TRANSACTIONS, TARGETS, RESTORED_AT, RESTARTED_AT, CRASHED_AT = 200, 50, 100, 60, 140
# Transaction number i carries the time of this second and i more.
FIRST_SECOND = 1_790_000_000
TABLES = (
    "CREATE TABLE tabInvoice (name INT PRIMARY KEY, owner VARCHAR(40), amount DECIMAL(21,9), note LONGTEXT)",
    "CREATE TABLE tabLog (name INT PRIMARY KEY, note TEXT) ENGINE=MyISAM",
    "CREATE TABLE tabLoose (note VARCHAR(80), number BIGINT)",
    "CREATE SEQUENCE series NOCACHE",
)


@dataclass
class History:
    """What was done, in the numbers of its transactions."""

    server: MariaDBServer
    manifest: Manifest
    dump: Path
    states: dict[int, dict[str, Any]] = field(default_factory=dict)

    def plan(self, recover_to: str, archive: Path) -> ReplayPlan:
        """Plan the replay to a point as a recovery does."""
        assert self.manifest.position is not None
        with closing(connect(self.server.login)) as connection:
            live = read_live_binlogs(connection)
        logs = covering_logs(BinlogArchive(archive), live, self.manifest.position)
        target = parse_target(recover_to, None)
        assert target is not None
        return plan_replay(self.manifest, target, logs, Window(0, 0), FIRST_SECOND)


def state_of(connection: Any, database: str) -> dict[str, Any]:
    """Return the checksum and the definition of each table, and where each sequence is."""
    tables = fetch_all(
        connection,
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY 1",
        (database,),
    )
    state: dict[str, Any] = {}
    for name, kind in tables:
        table = f"{quoted(database)}.{quoted(name)}"
        if kind == "SEQUENCE":
            state[name] = fetch_all(connection, f"SELECT next_not_cached_value FROM {table}")
        else:
            create = fetch_all(connection, f"SHOW CREATE TABLE {table}")[0][1]
            state[name] = (fetch_all(connection, f"CHECKSUM TABLE {table}")[0][1], create)
    return state


class Users:
    """Change the sites at random, one transaction after the other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0
        self.extra: dict[str, list[str]] = {site: [] for site in SITES}

    def statements(self) -> list[str]:
        """Return what the next transaction does; the first one may choose another site as the default database."""
        site, other = self.random.sample(SITES, 2) if self.random.random() < 0.5 else (SITE, SITES[1])
        home = self.random.choice((site, other))
        kind = self.random.choice(("rows",) * 6 + ("both", "log", "loose", "number", "column", "table", "truncate"))
        return [f"USE {quoted(home)}", *getattr(self, f"_{kind}")(site, other)]

    def _new(self) -> int:
        self.names += 1
        return self.names

    def _rows(self, site: str, _other: str) -> list[str]:
        first, some = self._new(), self.random.randint(1, max(1, self.names))
        table = f"{quoted(site)}.tabInvoice"
        return [
            f"INSERT INTO {table} (name, owner, amount, note) VALUES ({first}, 'o', 1.5, REPEAT('ä', {some}))",
            f"UPDATE {table} SET amount = amount * 3, note = NULL WHERE name % 5 = {some % 5}",
            f"DELETE FROM {table} WHERE name % 11 = {some % 11}",
        ]

    def _both(self, site: str, other: str) -> list[str]:
        return [*self._rows(site, other), *self._rows(other, site)]

    def _log(self, site: str, _other: str) -> list[str]:
        return [f"REPLACE INTO {quoted(site)}.tabLog (name, note) VALUES ({self._new() % 7}, 'x{self.names}')"]

    def _loose(self, site: str, _other: str) -> list[str]:
        return [f"INSERT INTO {quoted(site)}.tabLoose VALUES ('same', 1), ('same', 1), ('{self._new()}', NULL)"]

    def _number(self, site: str, _other: str) -> list[str]:
        return [f"SELECT NEXTVAL({quoted(site)}.series)"]

    def _column(self, site: str, _other: str) -> list[str]:
        return [f"ALTER TABLE {quoted(site)}.tabInvoice ADD COLUMN c{self._new()} INT NOT NULL DEFAULT {self.names}"]

    def _table(self, site: str, other: str) -> list[str]:
        if self.extra[site] and self.random.random() < 0.4:
            return [f"DROP TABLE {quoted(site)}.{self.extra[site].pop()}"]
        name = f"extra{self._new()}"
        self.extra[site].append(name)
        return [f"CREATE TABLE {quoted(site)}.{name} AS SELECT name, owner FROM {quoted(other)}.tabInvoice"]

    def _truncate(self, site: str, _other: str) -> list[str]:
        return [f"TRUNCATE TABLE {quoted(site)}.tabLoose"]


def restore(server: MariaDBServer, site: str, dump: Path, second: int) -> None:
    """Do what ``bench restore`` does: drop the database, create it, load the dump."""
    name = quoted(site)
    head = f"SET timestamp = {second}; DROP DATABASE {name}; CREATE DATABASE {name}; USE {name};\n"
    client = ["mariadb", f"--defaults-file={server.option_file}"]
    subprocess.run(client, input=head.encode() + dump.read_bytes(), check=True)


def dump_site(server: MariaDBServer, site: str, path: Path) -> BinlogPosition:
    """Dump a site; return where in the log the dump is."""
    with dump_database(server.login, site, with_position=True) as dump, path.open("wb") as file:
        while content := dump.read(1 << 20):
            file.write(content)
        assert dump.position is not None
        return dump.position


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("history")
    users = Users(23)
    shown = sorted(users.random.sample(range(1, TRANSACTIONS), TARGETS))
    with MariaDBServer(folder / "server", binlog_format="ROW", max_binlog_size=32768) as server:
        with closing(connect(server.login)) as connection:
            for site in SITES:
                execute(connection, f"CREATE DATABASE {quoted(site)}")
                for statement in (f"USE {quoted(site)}", *TABLES, "INSERT INTO tabInvoice (name) VALUES (-1)"):
                    execute(connection, statement)
        dumps = {site: folder / f"{site}.sql" for site in SITES}
        positions = {site: dump_site(server, site, path) for site, path in dumps.items()}
        made = History(server, manifest_of(positions[SITE]), dumps[SITE])
        for number in range(TRANSACTIONS):
            if number in shown:
                with closing(connect(server.login)) as connection:
                    made.states[number] = state_of(connection, SITE)
            run_one(server, users, number, dumps)
        yield made


def run_one(server: MariaDBServer, users: Users, number: int, dumps: dict[str, Path]) -> None:
    """Run one transaction, or what is done to a whole site or server."""
    if number == RESTARTED_AT:
        server.stop()
        server.start()
    if number == CRASHED_AT:
        server.kill()
        server.start()
    if number in (RESTORED_AT, RESTORED_AT + 1):
        site = SITES[number - RESTORED_AT]
        users.extra[site].clear()
        restore(server, site, dumps[site], FIRST_SECOND + number)
        return
    with closing(connect(server.login)) as connection:
        execute(connection, f"SET timestamp = {FIRST_SECOND + number}")
        home, *statements = users.statements()
        for statement in (home, "BEGIN", *statements, "COMMIT"):
            execute(connection, statement)


def manifest_of(position: BinlogPosition) -> Manifest:
    """Return the manifest of a set that was made at a position."""
    server = ManifestServer("10.11.0-MariaDB", 16384, 1, "db", 3306)
    moment = format_moment(FIRST_SECOND - 1)
    return Manifest(
        *("20260101_000000-site", "site", ("logical",), moment, moment, moment, position, SITE, server),
        *((), "", "", "", (), (), (), None),
    )


@pytest.fixture(scope="module")
def nothing_archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@contextmanager
def base_of(history: History, folder: Path) -> Iterator[PrivateServer]:
    """Yield a private server that holds the base, and nothing else."""
    with PrivateServer(folder, REPLAY_SETTINGS) as server:
        load_base(server, DumpSource.of_file(history.dump), SITE, ProgressReporter())
        yield server


def state_in(server: PrivateServer) -> dict[str, Any]:
    """Return the state of the site in a private server, which holds no other one."""
    with closing(connect(server.login)) as connection:
        assert fetch_all(connection, "SHOW DATABASES LIKE '\\_%%'") == [(SITE,)]
        return state_of(connection, SITE)


def test_fifty_points_in_time_are_what_was_there(history: History, nothing_archived: Path, tmp_path: Path) -> None:
    with closing(connect(history.server.login)) as live:
        before = {site: state_of(live, site) for site in SITES}
    with base_of(history, tmp_path / "private") as server:
        reached = history.manifest.position
        for number, state in sorted(history.states.items()):
            plan = history.plan(format_moment(FIRST_SECOND + number), nothing_archived)
            # Each plan begins at the base; what the one before it has replayed already is left out.
            rest = replace(plan, stretches=tuple(cut(plan.stretches, reached)))
            run_replay(server, rest, ProgressReporter())
            assert state_in(server) == state, f"before transaction {number}"
            reached = plan.until
    with closing(connect(history.server.login)) as live:
        assert {site: state_of(live, site) for site in SITES} == before


@pytest.mark.parametrize("place", ["after the restart", "after the restore", "at the end"])
def test_a_point_replayed_in_one_go_is_the_same(
    history: History, nothing_archived: Path, tmp_path: Path, place: str
) -> None:
    least = {"after the restart": RESTARTED_AT, "after the restore": RESTORED_AT + 1, "at the end": 0}[place]
    numbers = sorted(number for number in history.states if number > least)
    number = numbers[-1] if place == "at the end" else numbers[0]
    with base_of(history, tmp_path / "private") as server:
        run_replay(server, history.plan(format_moment(FIRST_SECOND + number), nothing_archived), ProgressReporter())
        assert state_in(server) == history.states[number]


def test_one_moment_is_one_point_however_it_is_written(history: History, nothing_archived: Path) -> None:
    for number in sorted(history.states)[::10]:
        second = FIRST_SECOND + number
        by_time = history.plan(format_moment(second), nothing_archived)
        kolkata = datetime.fromtimestamp(second, timezone(timedelta(hours=5, minutes=30))).isoformat()
        assert history.plan(kolkata, nothing_archived).until == by_time.until
        assert history.plan(f"before:{by_time.before}", nothing_archived).until == by_time.until
        with pytest.raises(LifeboatError) as refusal:
            history.plan(kolkata.partition("+")[0], nothing_archived)
        assert refusal.value.error_code == "recover_to_invalid"


@pytest.mark.parametrize(
    "setting", ["binlog_row_image = 'MINIMAL'", "binlog_row_image = 'NOBLOB'", "binlog_format = 'STATEMENT'"]
)
def test_what_is_not_logged_exactly_is_refused_but_not_that_of_a_neighbour(
    history: History, nothing_archived: Path, setting: str
) -> None:
    with closing(connect(history.server.login)) as connection:
        execute(connection, f"USE {quoted(SITES[3])}")
        execute(connection, f"SET SESSION {setting}")
        execute(connection, "UPDATE tabInvoice SET note = 'other' WHERE name = -1")
        history.plan("latest", nothing_archived)
        execute(connection, f"USE {quoted(SITE)}")
        execute(connection, "INSERT INTO tabInvoice (name, note) VALUES (100000, 'own')")
        execute(connection, "UPDATE tabInvoice SET owner = 'other' WHERE name = 100000")
        execute(connection, "DELETE FROM tabInvoice WHERE name = 100000")
    with pytest.raises(LifeboatError) as refusal:
        history.plan("latest", nothing_archived)
    assert refusal.value.error_code == "replay_refused"
    # What came before it can still be recovered to; the next case begins behind it.
    gtid = refusal.value.details["gtid"]
    assert history.plan(f"before:{gtid}", nothing_archived).before == gtid
    history.manifest = replace(history.manifest, position=position_of(history.server))


def test_a_gap_is_refused_with_the_name_of_the_missing_file(history: History, nothing_archived: Path) -> None:
    first = history.manifest.position
    assert first is not None
    with closing(connect(history.server.login)) as connection:
        execute(connection, "FLUSH BINARY LOGS")
        active = fetch_all(connection, "SHOW MASTER STATUS")[0][0]

        def purged() -> bool:
            # The server keeps a log until the storage engines have on the disk what is in it.
            execute(connection, f"PURGE BINARY LOGS TO '{active}'")
            return first.file not in [row[0] for row in fetch_all(connection, "SHOW BINARY LOGS")]

        wait_until(purged, "the purge of a binary log")
    with pytest.raises(LifeboatError) as refusal:
        history.plan("latest", nothing_archived)
    assert refusal.value.error_code == "binlog_gap"
    assert first.file in refusal.value.message


def position_of(server: MariaDBServer) -> BinlogPosition:
    """Return where the log of a server is now."""
    with closing(connect(server.login)) as connection:
        file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
        return BinlogPosition(str(fetch_all(connection, "SELECT @@gtid_binlog_pos")[0][0]), str(file), int(offset))
