"""How fast a backup is, against the ``mariadb-dump | gzip`` of ``bench backup``, and what the site feels of it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all

from tests.lab import Lab
from tests.lab.background import Background
from tests.site_backups import SiteBackups

from .large_site import enlarge
from .measure import FOLDER, MEGABYTE, Targets, print_targets, told
from .restore import SERVER, SITE

# The target that the README claims, for a site of at least this size.
SPEEDUP = 3.0
DATABASE_MEGABYTES = 2000
WRITES_EVERY_SECONDS = 0.02


@dataclass(frozen=True)
class Made:
    """What a backup took, how large it is, and the longest time that a commit of the site took meanwhile."""

    seconds: float
    size_bytes: int
    longest_commit_seconds: float
    steps: dict[str, float]


class Committer(Background):
    """Commits a row again and again, as the users of a site do, and remembers how long the longest commit took."""

    def __init__(self, lab: Lab) -> None:
        super().__init__("committer")
        self.longest_seconds = 0.0
        self._connection = lab.connect(SITE)
        execute(self._connection, "CREATE TABLE IF NOT EXISTS tabWritten (id bigint AUTO_INCREMENT PRIMARY KEY)")

    def _run(self) -> None:
        with contextlib.closing(self._connection):
            while not self._ending.wait(WRITES_EVERY_SECONDS):
                began = time.monotonic()
                execute(self._connection, "INSERT INTO tabWritten VALUES ()")
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)


def run(megabytes: int) -> bool:
    """Measure everything, print the table, and tell whether every target was reached."""
    with Lab(FOLDER / "lab", sites=(SITE,), hostile=False, **SERVER) as lab:
        with told("making the large site"), contextlib.closing(lab.connect(SITE)) as connection:
            enlarge(connection, megabytes)
            tables = len(fetch_all(connection, "SHOW TABLES"))
        database = lab.mariadb.data_path / lab.site_config(SITE)["db_name"]
        data_bytes = sum(path.stat().st_size for path in database.glob("*.ibd"))
        with told("dumping it, as bench backup does"):
            bench = _dump(lab)
        made = {}
        for name, options in {
            "lifeboat: tables, files, manifest, all read again": {"kinds": ["physical"]},
            "the same in one archive of zstd": {"kinds": ["physical"], "compress_tables": True},
            "the same and a dump, from a server of its own": {"kinds": ["physical", "logical"]},
        }.items():
            with told(name):
                made[name] = _back_up(lab, options)
    print(f"\n{data_bytes / MEGABYTE:.0f} MB of InnoDB in {tables} tables; while a client commits 50 times a second\n")
    print(f"{'':52}{'seconds':>9}{'MB':>8}{'against bench':>15}{'longest commit':>17}")
    for name, one in {"mariadb-dump | gzip": bench, **made}.items():
        print(
            f"{name:52}{one.seconds:>9.1f}{one.size_bytes / MEGABYTE:>8.0f}{bench.seconds / one.seconds:>14.2f}x"
            f"{one.longest_commit_seconds:>15.2f} s"
        )
    ours = next(iter(made.values()))
    print("\nsteps: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in ours.steps.items()))
    return print_targets(_targets(bench, ours, data_bytes, megabytes))


def _targets(bench: Made, ours: Made, data_bytes: int, megabytes: int) -> Targets:
    speedup, size = bench.seconds / ours.seconds, data_bytes / MEGABYTE
    # A smoke test of a smaller size claims nothing of a large site.
    wanted = DATABASE_MEGABYTES if megabytes >= 1024 else 0
    return (
        (size >= wanted, f"size of the site: {size:.0f} MB (target: {wanted} or more)"),
        (speedup >= SPEEDUP, f"as fast as mariadb-dump | gzip: {speedup:.2f} times (target: {SPEEDUP:g} or more)"),
    )


def _dump(lab: Lab) -> Made:
    _restart(lab)
    path = FOLDER / "database.sql.gz"
    config = lab.site_config(SITE)
    command = ["mariadb-dump", f"--defaults-file={lab.mariadb.option_file}"]
    command += ["--single-transaction", "--quick", "--lock-tables=false", config["db_name"]]
    with Committer(lab) as committer:
        began = time.monotonic()
        with path.open("wb") as target:
            dump = subprocess.Popen(command, stdout=subprocess.PIPE)
            subprocess.run(["gzip"], stdin=dump.stdout, stdout=target, check=True)
        assert dump.stdout is not None
        dump.stdout.close()
        if dump.wait():
            raise RuntimeError(f"mariadb-dump ended with exit code {dump.returncode}")
        seconds = time.monotonic() - began
    size_bytes = path.stat().st_size
    path.unlink()
    return Made(seconds, size_bytes, committer.longest_seconds, {})


def _back_up(lab: Lab, options: dict[str, Any]) -> Made:
    _restart(lab)
    folder = FOLDER / "backups"
    backups = SiteBackups(lab, SITE, folder)
    with Committer(lab) as committer:
        began = time.monotonic()
        result = backups.back_up(**options)
        seconds = time.monotonic() - began
    shutil.rmtree(folder)
    steps = {step["name"]: step["seconds"] for step in result["steps"]}
    return Made(seconds, result["set"]["size_bytes"], committer.longest_seconds, steps)


def _restart(lab: Lab) -> None:
    """Start every contender with a server that has nothing in its buffers and nothing left to write."""
    lab.mariadb.stop()
    lab.mariadb.start()
