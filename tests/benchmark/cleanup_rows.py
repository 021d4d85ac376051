"""Rows: pruning a table of logs while somebody writes to it, against Frappe's single DELETE and pt-archiver."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import ROOT
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab.background import Background
from tests.lab.mariadb import MariaDBServer
from tests.log_site import LogSite

from .measure import FOLDER, Targets, told
from .restore import SERVER

DATABASE = "_benchmark"
DAYS = 30
# One row in ten is new, and stays.
NEW_SHARE = 0.1
WRITES_EVERY_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 1.0
INNODB, MYISAM = "Version", "Error Log"
ARCHIVER = "pt-archiver"


@dataclass(frozen=True)
class Pruned:
    """What a pruning took, how many rows it deleted, and the longest that a write took meanwhile."""

    seconds: float
    rows: int
    longest_wait_seconds: float


class Writer(Background):
    """Writes a row again and again, as the site does, and remembers how long the longest write took."""

    def __init__(self, site: LogSite, doctype: str) -> None:
        super().__init__("writer")
        self.longest_seconds = 0.0
        self._connection = connect(site.server.login, site.database)
        self._statement = f"INSERT INTO `tab{doctype}` (name, creation, modified) VALUES (%s, NOW(6), NOW(6))"

    def _run(self) -> None:
        written = 0
        with closing(self._connection):
            while not self._ending.wait(WRITES_EVERY_SECONDS):
                began = time.monotonic()
                # Names are random in Frappe: a new row comes between old ones.
                execute(self._connection, self._statement, (f"{(written * 7919) % 99991:05}-{written}",))
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                written += 1


def compare_prunings(rows: int) -> Targets:
    """Prune tables by each means, print what they took, and return the targets."""
    pruned: dict[tuple[str, str], Pruned] = {}
    with MariaDBServer(FOLDER / "server", **SERVER) as server:
        with closing(connect(server.login)) as connection:
            execute(connection, f"CREATE DATABASE `{DATABASE}`")
        site = LogSite(FOLDER, server, DATABASE)
        means: dict[str, Callable[[str], None]] = {
            "Frappe's single DELETE": partial(_delete_at_once, site),
            "lifeboat.frappe.cleanup": partial(_clean, site),
        }
        if shutil.which(ARCHIVER):
            means[f"{ARCHIVER} (1000 rows at a time)"] = partial(_archive_nowhere, site)
        for doctype in (INNODB, MYISAM):
            for name, prune in means.items():
                with told(f"{name}, tab{doctype}"):
                    pruned[doctype, name] = _measured(site, doctype, rows, prune)
        site.close()
    _print_table(pruned, rows)
    return _targets(pruned, rows)


def _print_table(pruned: dict[tuple[str, str], Pruned], rows: int) -> None:
    print(f"\n{rows:,} old rows of {round(rows * (1 + NEW_SHARE)):,}, while a client writes up to 100 times a second\n")
    print(f"{'':52}{'seconds':>9}{'rows a second':>15}{'longest wait of the writer':>28}")
    for (doctype, name), one in pruned.items():
        engine = "InnoDB" if doctype == INNODB else "MyISAM"
        print(
            f"{f'{name}, {engine}':52}{one.seconds:>9.1f}{one.rows / one.seconds:>15,.0f}"
            f"{one.longest_wait_seconds:>26.2f} s"
        )
    if not shutil.which(ARCHIVER):
        print(f"{ARCHIVER} is not installed")


def _targets(pruned: dict[tuple[str, str], Pruned], rows: int) -> Targets:
    ours = [one for (_doctype, name), one in pruned.items() if name.startswith("lifeboat")]
    longest = max(one.longest_wait_seconds for one in ours)
    return (
        (all(one.rows == rows for one in pruned.values()), "every old row is gone, and no other"),
        (
            longest < LONGEST_WAIT_SECONDS,
            f"longest wait of a writer beside our pruning: {longest:.2f} s (target: less than "
            f"{LONGEST_WAIT_SECONDS:g} s)",
        ),
    )


def _measured(site: LogSite, doctype: str, rows: int, prune: Callable[[str], None]) -> Pruned:
    kept = _fill(site, doctype, rows)
    with Writer(site, doctype) as writer:
        began = time.monotonic()
        prune(doctype)
        seconds = time.monotonic() - began
    ((left,),) = fetch_all(site.administrator, f"SELECT COUNT(*) FROM `tab{doctype}` WHERE owner = 'benchmark'")
    if left < kept:
        raise RuntimeError(f"{kept - left} new rows are gone")
    return Pruned(seconds, rows + kept - left, writer.longest_seconds)


def _fill(site: LogSite, doctype: str, rows: int) -> int:
    """Fill a table with old rows and new ones, in the order of no column, and return how many new ones."""
    connection, kept = site.administrator, round(rows * NEW_SHARE)
    text = "data" if doctype == INNODB else "error"
    execute(connection, f"TRUNCATE `tab{doctype}`")
    for first, count, age_days in ((1, rows, 2 * DAYS), (rows + 1, kept, 1)):
        execute(
            connection,
            f"INSERT INTO `tab{doctype}` (name, owner, creation, modified, {text})"
            " SELECT LEFT(SHA1(seq), 10), 'benchmark', @moment := NOW(6) - INTERVAL %s DAY - INTERVAL seq SECOND,"
            f" @moment, REPEAT('x', 200) FROM seq_{first}_to_{first + count - 1}",
            (age_days,),
        )
    execute(connection, f"ANALYZE TABLE `tab{doctype}`")
    return kept


def _delete_at_once(site: LogSite, doctype: str) -> None:
    """Delete as ``clear_old_logs`` of Frappe's log DocTypes does."""
    with closing(connect(site.server.login, site.database)) as connection:
        execute(connection, f"DELETE FROM `tab{doctype}` WHERE modified < NOW(6) - INTERVAL {DAYS} DAY")


def _clean(site: LogSite, doctype: str) -> None:
    rules: dict[str, Any] = {"log_tables": {"days": {INNODB: 0, MYISAM: 0, doctype: DAYS}}}
    site.now = time.time()
    done = site.clean(rules, timeout_seconds=3600, root=ROOT, caps=Caps(10**15, 100))
    if [task["outcome"] for task in done["tasks"]] != ["done"]:
        raise RuntimeError(json.dumps([done["tasks"], done["refused"]]))


def _archive_nowhere(site: LogSite, doctype: str) -> None:
    option_file: Path = site.server.option_file
    source = f"F={option_file},D={site.database},t=tab{doctype},i=PRIMARY"
    where = f"modified < NOW(6) - INTERVAL {DAYS} DAY"
    command = [ARCHIVER, "--source", source, "--where", where, "--purge", "--bulk-delete", "--limit", "1000"]
    command += ["--commit-each", "--primary-key-only", "--no-check-charset", "--no-version-check"]
    subprocess.run(command, check=True)
