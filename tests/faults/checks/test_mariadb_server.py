"""Faults of a database server: too many clients, locks, too little memory, a redo log that is too small, damage.

One server for all of them, cramped on purpose: a buffer pool of 6 MiB, a redo log of 4 MiB, ten open tables, 200 files.
Counters are compared with an earlier run's, as at a real second run.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History, read_history, remember_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    DRIVER_ERRORS,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.check_runs import run_one
from tests.lab import MariaDBServer
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from pymysql.connections import Connection

NAME = "127.0.0.1:3306"
SITE = "erp.example.com"
CRAMPED = {
    "innodb_buffer_pool_size": "6M",
    "innodb_log_file_size": "4M",
    "innodb_max_dirty_pages_pct": 99,
    "innodb_adaptive_flushing": 0,
    "log_bin": None,
    "log_warnings": 1,
    "max_connections": 20,
    "open_files_limit": 200,
    "performance_schema": "ON",
    "performance_schema_instrument": "wait/lock/metadata/sql/mdl=ON",
    "table_open_cache": 10,
    "table_open_cache_instances": 1,
}
ROWS = 15_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    folder = tmp_path_factory.mktemp("cramped-server")
    with MariaDBServer(folder, **CRAMPED) as server:
        with closing(connect(server.login)) as root:
            execute(root, "CREATE DATABASE faults")
            execute(root, "CREATE TABLE faults.big (id INT PRIMARY KEY, filler VARCHAR(2000)) ENGINE=InnoDB")
            execute(root, f"INSERT INTO faults.big SELECT seq, REPEAT('x', 1500) FROM mysql.seq_1_to_{ROWS}")
            execute(root, "CREATE TABLE faults.small (id INT PRIMARY KEY, changed INT) ENGINE=InnoDB")
            execute(root, "INSERT INTO faults.small SELECT seq, 0 FROM mysql.seq_1_to_100")
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def root(server: MariaDBServer) -> Iterator[Connection[Any]]:
    with closing(connect(server.login, "faults")) as connection:
        yield connection


class Looks:
    """Looks at the server as runs of the module do, each with a new target."""

    def __init__(self, server: MariaDBServer, surroundings: Surroundings) -> None:
        self.server = server
        self.surroundings = surroundings

    @contextmanager
    def target(self, **changes: Any) -> Iterator[DatabaseServer]:
        surroundings = replace(self.surroundings, **changes)
        with closing(DatabaseServer(NAME, surroundings, [self.server.login], {"faults": SITE})) as target:
            yield target

    def all(self, check_id: str, history: History | None = None, **options: Any) -> dict[str, Finding]:
        with self.target(**({"history": history} if history else {})) as target:
            return {finding.item: finding for finding in run_one(check_id, target, **options)}

    def one(self, check_id: str, history: History | None = None, **options: Any) -> Finding:
        return self.all(check_id, history, **options)[""]

    def until_told(self, check_id: str, text: str) -> None:
        """Look until a finding says so: the statement that it is of needs its time to get there."""
        wait_until(lambda: text in self.one(check_id).text, f"{check_id}: {text}")

    def until_ok(self, check_id: str) -> None:
        """Look until all is well: the server may still tidy up."""
        wait_until(lambda: self.one(check_id).severity == "ok", f"{check_id}: ok")

    def earlier_run(self, seconds_ago: float = 0) -> History:
        """What a run of now leaves for the next one; aged, where the next one is to be much later."""
        with self.target() as target:
            sample = target.read_sample()
        state_path = self.surroundings.state_path
        earlier = replace(sample, at_seconds=sample.at_seconds - seconds_ago)
        remember_run(state_path, earlier.at_seconds, [], {NAME: earlier})
        return read_history(state_path)


@pytest.fixture
def looks(server: MariaDBServer, surroundings: Surroundings) -> Looks:
    return Looks(server, surroundings)


@contextmanager
def in_background(server: MariaDBServer, *statements: str) -> Iterator[None]:
    """Run statements one after the other on a connection of their own; the error that ends them is wanted here."""

    def work() -> None:
        with closing(connect(server.login, "faults")) as connection, suppress(*DRIVER_ERRORS):
            for statement in statements:
                execute(connection, statement)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def busy(server: MariaDBServer, root: Connection[Any], *statements: str) -> Iterator[None]:
    """Run each statement again and again, on a connection of its own, until the end of the body."""
    with ExitStack() as stack:
        execute(root, "SELECT GET_LOCK('busy', 0)")
        for statement in statements:
            again = f"BEGIN NOT ATOMIC WHILE IS_USED_LOCK('busy') IS NOT NULL DO {statement}; END WHILE; END"
            stack.enter_context(in_background(server, again))
        stack.callback(execute, root, "SELECT RELEASE_LOCK('busy')")  # before the threads are waited for
        yield


def repeat(times: int, body: str, variables: str = "") -> str:
    loop = f"WHILE n < {times} DO {body} SET n = n + 1; END WHILE;"
    return f"BEGIN NOT ATOMIC DECLARE n INT DEFAULT 0; {variables} {loop} END"


@pytest.mark.check("D03")
def test_connections_that_are_nearly_all_taken(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    wait_until(lambda: _threads_connected(root) == 1, "the end of others' connections")
    with ExitStack() as stack:
        for _number in range(16):
            stack.enter_context(closing(connect(server.login)))
        taken = looks.all("D03")
    wait_until(lambda: _threads_connected(root) < 5, "the end of the connections")
    execute(root, "FLUSH STATUS")
    released = looks.all("D03")

    assert (taken[""].severity, taken["peak"].severity) == ("warning", "warning")
    assert {finding.severity for finding in released.values()} == {"ok"}


@pytest.mark.check("D03")
def test_connections_that_were_refused(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    before = looks.earlier_run()
    with ExitStack() as stack:
        stack.enter_context(suppress(LifeboatError))
        for _number in range(30):
            stack.enter_context(closing(connect(server.login)))
    wait_until(lambda: _threads_connected(root) < 5, "the end of the connections")
    refused = looks.one("D03", before)

    assert refused.severity == "critical"
    assert "1 connection refused because all were taken" in refused.text
    assert looks.one("D03").severity == "ok"


def _threads_connected(root: Connection[Any]) -> int:
    return int(fetch_all(root, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")[0][1])


@pytest.mark.check("D04")
def test_many_statements_at_the_same_time(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    def waiting() -> int:
        ((count,),) = fetch_all(root, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'")
        return int(count)

    with ExitStack() as stack:
        execute(root, "SELECT GET_LOCK('held', 0)")
        for _number in range(13):
            stack.enter_context(in_background(server, "SELECT GET_LOCK('held', 3600)"))
        stack.callback(execute, root, "SELECT RELEASE_LOCK('held')")  # before the threads are waited for
        wait_until(lambda: waiting() == 13, "the statements")
        found = looks.one("D04")

    assert (found.severity, found.value) == ("warning", 13)
    assert looks.one("D04").severity == "ok"


@pytest.mark.check("D05")
def test_logins_that_fail(server: MariaDBServer, looks: Looks) -> None:
    before = looks.earlier_run()
    for _number in range(60):
        with suppress(LifeboatError):
            connect(server.login.with_account("root", "wrong"))
    failed = looks.all("D05", before)
    quiet = looks.all("D05")

    assert (failed["logins"].severity, failed["clients"].severity) == ("critical", "ok")
    assert quiet["logins"].severity == "ok"
    assert "too few to judge" in quiet["logins"].text


@pytest.mark.check("D06")
def test_statement_that_waits_for_a_lock_names_who_blocks(
    server: MariaDBServer, root: Connection[Any], looks: Looks
) -> None:
    # A wait of 30 seconds is not needed to see one.
    thresholds = {"D06": {"warning": "0.2"}}
    execute(root, "START TRANSACTION")
    fetch_all(root, "SELECT * FROM small LIMIT 1")
    with in_background(server, "ALTER TABLE small ADD COLUMN added INT", "ALTER TABLE small DROP COLUMN added"):
        named = f"blocked by connection {root.thread_id()} on small ({SITE}, Sleep for "
        looks.until_told("D06", named)
        fetch_all(root, "SELECT SLEEP(0.2)")
        waiting = looks.one("D06", thresholds=thresholds)
        execute(root, "ROLLBACK")

    assert waiting.severity == "warning"
    assert named in waiting.text
    assert looks.one("D06", thresholds=thresholds).severity == "ok"


@pytest.mark.check("D06")
def test_blocker_is_guessed_where_the_server_does_not_tell(
    server: MariaDBServer, root: Connection[Any], looks: Looks
) -> None:
    instruments = "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME LIKE '%metadata/sql/mdl'"
    execute(root, instruments.format("NO"))
    execute(root, "START TRANSACTION")
    fetch_all(root, "SELECT * FROM small LIMIT 1")
    with in_background(server, "ALTER TABLE small ADD COLUMN added INT", "ALTER TABLE small DROP COLUMN added"):
        looks.until_told("D06", f"perhaps blocked by connection {root.thread_id()} ({SITE}")
        execute(root, "ROLLBACK")
    execute(root, instruments.format("YES"))


@pytest.mark.check("D07")
def test_transaction_that_stays_open(root: Connection[Any], looks: Looks) -> None:
    # Ten minutes would be too long for a test: a second stands for them.
    thresholds = {"D07": {"warning": "0.5"}}
    execute(root, "START TRANSACTION")
    execute(root, "UPDATE small SET changed = changed + 1 WHERE id < 11")
    fetch_all(root, "SELECT SLEEP(1.1)")
    is_open = looks.one("D07", thresholds=thresholds)
    execute(root, "SET GLOBAL time_zone = '+05:00'")
    is_open_elsewhere = looks.one("D07", thresholds=thresholds)
    execute(root, "SET GLOBAL time_zone = 'SYSTEM'")
    execute(root, "ROLLBACK")
    fetch_all(root, "SELECT SLEEP(0.2)")  # InnoDB shows the same list again to whoever asks within a tenth of a second

    assert is_open.severity == "warning"
    assert f"connection {root.thread_id()} of {SITE}: open for " in is_open.text
    assert "10 changed, idle for " in is_open.text
    assert is_open.value is not None
    assert is_open_elsewhere.value is not None
    assert 1 <= is_open.value <= is_open_elsewhere.value < 3600, "less than the time zones are apart"
    assert looks.one("D07", thresholds=thresholds).severity == "ok"


@pytest.mark.check("D08")
def test_old_versions_that_cannot_be_removed(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    # 50,000 transactions would take long: 500 show the same.
    thresholds = {"D08": {"warning": "400"}}
    with closing(connect(server.login, "faults")) as reader:
        execute(reader, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        before = looks.earlier_run()
        execute(root, repeat(500, "UPDATE small SET changed = n + 1 WHERE id = 1;"))
        kept = looks.one("D08", before, thresholds=thresholds)
    assert kept.severity == "warning"
    assert kept.text.endswith("are kept, rising")

    def is_removed() -> bool:
        execute(root, "UPDATE small SET changed = changed + 1 WHERE id = 2")  # wakes the purge
        return looks.one("D08", thresholds=thresholds).severity == "ok"

    wait_until(is_removed, "the removal of old versions")


@pytest.mark.check("D09")
def test_deadlocks(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    before = looks.earlier_run()
    with closing(connect(server.login, "faults")) as second:
        for _number in range(6):
            _deadlock(root, second)
    dead = looks.one("D09", before)

    assert (dead.severity, dead.value) == ("warning", 6)
    assert "innodb_print_all_deadlocks is off" in dead.evidence[-1]
    assert looks.one("D09").severity == "ok"


def _deadlock(first: Connection[Any], second: Connection[Any]) -> None:
    for connection, own in ((first, 1), (second, 2)):
        execute(connection, "START TRANSACTION")
        execute(connection, f"UPDATE small SET changed = changed + 1 WHERE id = {own}")

    def cross() -> None:
        with suppress(*DRIVER_ERRORS):
            execute(second, "UPDATE small SET changed = changed + 1 WHERE id = 1")

    thread = Thread(target=cross)
    thread.start()
    with suppress(*DRIVER_ERRORS):
        execute(first, "UPDATE small SET changed = changed + 1 WHERE id = 2")
    execute(first, "ROLLBACK")
    thread.join()
    execute(second, "ROLLBACK")


@pytest.mark.check("D10")
def test_reads_that_do_not_fit_into_the_pool(root: Connection[Any], looks: Looks) -> None:
    read_one = "SET r = 1 + FLOOR(RAND() * {}); SELECT LENGTH(filler) INTO x FROM big WHERE id = r;"
    variables = "DECLARE r INT; DECLARE x INT;"
    before = looks.earlier_run()
    execute(root, repeat(6000, read_one.format(ROWS), variables))
    missed = looks.one("D10", before)
    execute(root, repeat(500, read_one.format(100), variables))
    before = looks.earlier_run()
    execute(root, repeat(6000, read_one.format(100), variables))
    found = looks.one("D10", before)

    assert missed.severity == "critical"
    assert "innodb_buffer_pool_size is 6.0 MiB" in missed.evidence
    assert found.severity == "ok"
    assert "too few" not in found.text


@pytest.mark.check("D11")
def test_buffers_for_more_memory_than_there_is(root: Connection[Any], looks: Looks) -> None:
    before = looks.one("D11")
    for name in ("tmp_table_size", "max_heap_table_size"):
        execute(root, f"SET GLOBAL {name} = 64 * 1024 * 1024 * 1024")
    too_much = looks.one("D11")
    for name in ("tmp_table_size", "max_heap_table_size"):
        execute(root, f"SET GLOBAL {name} = DEFAULT")

    assert before.severity == "ok"
    assert too_much.severity == "critical"
    assert too_much.evidence[0] == "innodb_buffer_pool_size is 6.0 MiB; up to 0 bytes fits"
    assert looks.one("D11").severity == "ok"


@pytest.mark.check("D12")
def test_waits_for_a_free_page(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    writers, before = 18, looks.earlier_run()
    rows_each = ROWS // writers  # all at once four times as many as the pool holds
    change = "UPDATE big SET filler = REPEAT(CHAR(97 + RAND() * 25), 1500)"
    firsts = range(1, rows_each * writers, rows_each)
    with busy(server, root, *(f"{change} WHERE id BETWEEN {first} AND {first + rows_each - 1}" for first in firsts)):
        wait_until(lambda: looks.one("D12", before).severity == "warning", "a wait for a free page")

    looks.until_ok("D12")


@pytest.mark.check("D13")
def test_redo_log_that_is_too_small(server: MariaDBServer, root: Connection[Any], looks: Looks) -> None:
    def is_full() -> bool:
        return looks.one("D13").severity in {"warning", "critical"}

    before = looks.earlier_run(seconds_ago=1200)
    with busy(server, root, "UPDATE big SET filler = REPEAT(CHAR(97 + RAND() * 25), 1500)"):
        wait_until(is_full, "a full redo log")
    written = looks.all("D13", before)
    looks.until_ok("D13")

    assert written["size"].severity == "warning"
    (advice,) = written["size"].evidence
    assert advice.startswith("advice: SET GLOBAL innodb_log_file_size = 512 * 1024 * 1024, and ")


@pytest.mark.check("D14")
def test_damage_that_the_error_log_tells_of(server: MariaDBServer, looks: Looks) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    looked_at = looks.one("D14")
    with server.error_log_path.open("a") as log:
        log.write(f"{moment} 8 [ERROR] mariadbd: Table './faults/__global_search' is marked as crashed\n")
        log.write(f"{moment} 8 [Warning] Access denied for user 'got signal 11'@'localhost'\n")
        log.write(f"{moment} 8 [Warning] InnoDB: Long wait (5 seconds) for dict_sys.latch\n")
    damaged = looks.one("D14", _after(looks, looked_at))

    assert looked_at.severity == "ok"
    assert (damaged.severity, damaged.value) == ("critical", 2)
    assert damaged.evidence == (
        "a table is marked as crashed (1 x, last: ./faults/__global_search)",
        "InnoDB waited long for itself (1 x)",
    )
    assert looks.one("D14", _after(looks, damaged)).severity == "ok"


@pytest.mark.check("D14")
def test_crash_that_the_error_log_tells_of(server: MariaDBServer, looks: Looks) -> None:
    looked_at = looks.one("D14")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSEGV)
    server.process.wait()
    server.kill()
    server.start()
    crashed = looks.one("D14", _after(looks, looked_at))

    assert crashed.severity == "critical"
    assert "the server crashed" in crashed.text
    assert looks.one("D14", _after(looks, crashed)).severity == "ok"


@pytest.mark.check("D14")
def test_error_log_that_cannot_be_read_is_unknown(server: MariaDBServer, looks: Looks, tmp_path: Path) -> None:
    with looks.target(root=tmp_path) as target:
        (finding,) = run_one("D14", target)

    assert finding.severity == "unknown"
    assert f"the error log {server.error_log_path} cannot be read" in finding.text


def _after(looks: Looks, finding: Finding) -> History:
    state_path = looks.surroundings.state_path
    remember_run(state_path, time.time(), [finding], {})
    return read_history(state_path)


@pytest.mark.check("D15")
def test_server_that_must_not_write(root: Connection[Any], looks: Looks) -> None:
    execute(root, "SET GLOBAL read_only = ON")
    closed = looks.all("D15")
    execute(root, "SET GLOBAL read_only = OFF")

    assert (closed["read_only"].severity, closed["innodb_force_recovery"].severity) == ("critical", "ok")
    assert looks.all("D15")["read_only"].severity == "ok"


@pytest.mark.check("D17")
def test_temporary_tables_on_the_disk(root: Connection[Any], looks: Looks) -> None:
    def sort(column: str) -> None:
        statement = f"SELECT COUNT(*) INTO x FROM (SELECT DISTINCT {column} AS c FROM mysql.seq_1_to_3) q;"
        execute(root, repeat(250, statement, "DECLARE x INT;"))

    before = looks.earlier_run()
    sort("CAST(seq AS CHAR(100000))")
    on_disk = looks.one("D17", before)
    before = looks.earlier_run()
    sort("seq")
    in_memory = looks.one("D17", before)

    assert on_disk.severity == "critical"
    assert in_memory.severity == "ok"
    assert "too few" not in in_memory.text


@pytest.mark.check("D18")
def test_table_cache_that_is_too_small(root: Connection[Any], looks: Looks) -> None:
    tables = [f"cached_{number}" for number in range(30)]
    for table in tables:
        execute(root, f"CREATE TABLE {table} (id INT PRIMARY KEY) ENGINE=InnoDB")
    before = looks.earlier_run()
    _read_all(root, tables)
    small = looks.all("D18", before)
    execute(root, "SET GLOBAL table_open_cache = 400")
    _read_all(root, tables)
    before = looks.earlier_run()
    _read_all(root, tables)
    large = looks.all("D18", before)
    execute(root, "SET GLOBAL table_open_cache = 10")

    assert small["overflows"].severity == "warning"
    assert {finding.severity for finding in large.values()} == {"ok"}


def _read_all(root: Connection[Any], tables: list[str]) -> None:
    for table in tables:
        fetch_all(root, f"SELECT * FROM {table}")


@pytest.mark.check("D19")
def test_files_that_are_nearly_all_open(root: Connection[Any], looks: Looks) -> None:
    tables = [f"opened_{number}" for number in range(80)]
    for table in tables:
        execute(root, f"CREATE TABLE {table} (id INT PRIMARY KEY) ENGINE=MyISAM")
    execute(root, f"LOCK TABLES {', '.join(f'{table} READ' for table in tables)}")
    opened = looks.one("D19")
    execute(root, "UNLOCK TABLES")
    execute(root, "FLUSH TABLES")

    assert opened.severity in {"warning", "critical"}
    assert looks.one("D19").severity == "ok"


@pytest.mark.check("D20")
def test_slow_log_that_is_off_or_blind(root: Connection[Any], looks: Looks) -> None:
    execute(root, "SET GLOBAL slow_query_log = ON, long_query_time = 0.5")
    on = looks.one("D20")
    execute(root, "SET GLOBAL long_query_time = 10")
    blind = looks.one("D20")
    execute(root, "SET GLOBAL slow_query_log = OFF")
    off = looks.one("D20")

    assert (on.severity, blind.severity, off.severity) == ("ok", "warning", "warning")
    assert "log_slow_verbosity has no query_plan and no explain" in on.evidence


@pytest.mark.check("D06", "D07")
def test_account_of_a_site_that_sees_too_little_is_unknown(
    server: MariaDBServer, root: Connection[Any], looks: Looks
) -> None:
    execute(root, "CREATE OR REPLACE USER site@localhost IDENTIFIED BY 'secret'")
    execute(root, "GRANT ALL PRIVILEGES ON faults.* TO site@localhost")
    login = server.login.with_account("site", "secret")
    for check_id in ("D06", "D07"):
        with closing(DatabaseServer(NAME, looks.surroundings, [login], {"faults": SITE})) as target:
            (finding,) = run_one(check_id, target)
        assert finding.severity == "unknown"
    execute(root, "DROP USER site@localhost")
