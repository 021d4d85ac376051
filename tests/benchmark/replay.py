"""How fast binary logs are replayed for one site, against ``mariadb-binlog | mariadb``."""

from __future__ import annotations

import random
import shlex
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import Manifest, ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Target, Window
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay import REPLAY_SETTINGS
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan, plan_replay
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_run import run_replay
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab.mariadb import MariaDBServer

from .measure import FOLDER, MEGABYTE, Targets, print_targets, told

SITES = ("_one", "_two", "_three")
SITE = SITES[0]
RUNS = 3
# It must not be slower than what one would type by hand.
SPEEDUP = 1.0
LOG_MEGABYTES = 200
INVOICES_AT_ONCE = 6
TABLE = (
    "CREATE TABLE `tabSales Invoice` (name VARCHAR(140) PRIMARY KEY, creation DATETIME(6), modified DATETIME(6),"
    " owner VARCHAR(140), status VARCHAR(140), grand_total DECIMAL(21,9), terms LONGTEXT,"
    " KEY modified (modified), KEY status (status), KEY owner (owner))"
)


@dataclass(frozen=True)
class Replayed:
    """What a replay of the whole log took, and the checksum of the site afterwards."""

    seconds: float
    checksum: int


def run(megabytes: int) -> bool:
    """Measure everything, print the table, and tell whether every target was reached."""
    FOLDER.mkdir(parents=True)
    with MariaDBServer(FOLDER / "server", binlog_format="ROW", max_binlog_size=1 << 28) as server:
        since = _prepare(server)
        with told("three sites write"):
            transactions = _write(server, min(megabytes, LOG_MEGABYTES) * MEGABYTE)
        with closing(connect(server.login)) as connection:
            logs = read_live_binlogs(connection).log_files()
            wanted = _checksum(connection)
        began = time.monotonic()
        plan = plan_replay(_manifest(since), Target("latest"), logs, Window(0, 0), 0)
        plan_seconds = time.monotonic() - began
        with told("replaying in a private server"):
            ours = [_ours(plan, FOLDER / f"private-{number}") for number in range(RUNS)]
        with told("mariadb-binlog | mariadb"):
            client = [_client(plan, FOLDER / f"client-{number}") for number in range(RUNS)]
    log_megabytes = plan.replayed_bytes / MEGABYTE
    best, by_hand = min(one.seconds for one in ours), min(one.seconds for one in client)
    print(f"\n{log_megabytes:.0f} MB of log: {transactions} transactions of {len(SITES)} sites, replayed for one\n")
    print(f"{'':40}{'seconds':>9}{'seconds per 100 MB':>20}{'against it':>12}")
    for name, seconds in {
        "mariadb-binlog --database | mariadb": by_hand,
        "lifeboat: a private server's applier": best,
        "lifeboat: reading all of it for the plan": plan_seconds,
    }.items():
        print(f"{name:40}{seconds:>9.2f}{100 * seconds / log_megabytes:>20.2f}{by_hand / seconds:>11.2f}x")
    checksums = {one.checksum for one in (*ours, *client)}
    return print_targets(_targets(by_hand / (best + plan_seconds), checksums == {wanted}))


def _targets(speedup: float, is_equal: bool) -> Targets:
    return (
        (is_equal, "the site is what it was, every time"),
        (
            speedup >= SPEEDUP,
            f"as fast as the client, the plan included: {speedup:.2f} times (target: {SPEEDUP:g} or more)",
        ),
    )


def _prepare(server: MariaDBServer) -> BinlogPosition:
    with closing(connect(server.login)) as connection:
        for site in SITES:
            execute(connection, f"CREATE DATABASE `{site}`")
            execute(connection, f"USE `{site}`")
            execute(connection, TABLE)
        file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
        return BinlogPosition(str(fetch_all(connection, "SELECT @@gtid_binlog_pos")[0][0]), str(file), int(offset))


def _write(server: MariaDBServer, log_bytes: int) -> int:
    """Write as users do, a few rows at a time, until the log is as long as asked for; return how often."""
    chosen = random.Random(1)
    transactions = 0
    with closing(connect(server.login)) as connection:
        while sum(size for _name, size in read_live_binlogs(connection).files) < log_bytes:
            for _number in range(200):
                transactions += 1
                execute(connection, f"USE `{SITES[transactions % len(SITES)]}`")
                for statement in _invoices(transactions, chosen):
                    execute(connection, statement)
    return transactions


def _invoices(number: int, chosen: random.Random) -> list[str]:
    rows = ", ".join(
        f"('INV-{number:08}-{row}', NOW(6), NOW(6), 'user{chosen.randrange(50)}@example.com', 'Draft', "
        f"{chosen.random() * 1000:.2f}, '{chosen.getrandbits(2400):x}')"
        for row in range(INVOICES_AT_ONCE)
    )
    table = "`tabSales Invoice`"
    submitted = f"UPDATE {table} SET status = 'Paid', modified = NOW(6) WHERE name LIKE 'INV-{number:08}-%%'"
    return ["BEGIN", f"INSERT INTO {table} VALUES {rows}", submitted.replace("%%", "%"), "COMMIT"]


def _manifest(since: BinlogPosition) -> Manifest:
    moment, server = "2026-11-21T03:00:00Z", ManifestServer("10.11.0-MariaDB", 16384, 1, "db", 3306)
    return Manifest(
        *("20261121_030000-one", "one", ("logical",), moment, moment, moment, since, SITE, server),
        *((), "", "", "", (), (), (), None),
    )


def _ours(plan: ReplayPlan, folder: Path) -> Replayed:
    with PrivateServer(folder, REPLAY_SETTINGS) as server:
        _make_base(server.login)
        began = time.monotonic()
        run_replay(server, plan, ProgressReporter())
        seconds = time.monotonic() - began
        with closing(connect(server.login)) as connection:
            return Replayed(seconds, _checksum(connection))


def _client(plan: ReplayPlan, folder: Path) -> Replayed:
    # A server with the same settings: what is compared is the way of the replay.
    with PrivateServer(folder) as server:
        _make_base(server.login)
        files = " ".join(shlex.quote(str(stretch.path)) for stretch in plan.stretches)
        read = f"mariadb-binlog --no-defaults --database={SITE} --start-position={plan.base.offset} {files}"
        write = f"mariadb --no-defaults --user=root --max-allowed-packet=1G --socket={server.login.login_unix_socket}"
        began = time.monotonic()
        subprocess.run(["bash", "-c", f"set -o pipefail; {read} | {write}"], check=True)
        seconds = time.monotonic() - began
        with closing(connect(server.login)) as connection:
            return Replayed(seconds, _checksum(connection))


def _make_base(login: LoginOptions) -> None:
    with closing(connect(login)) as connection:
        for statement in (f"CREATE DATABASE `{SITE}`", f"USE `{SITE}`", TABLE):
            execute(connection, statement)


def _checksum(connection: Any) -> int:
    return int(fetch_all(connection, f"CHECKSUM TABLE `{SITE}`.`tabSales Invoice`")[0][1])
