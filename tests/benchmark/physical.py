"""How fast a set of tables as files is recovered, against copying the same files, and against ``bench restore``."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from tests.lab import Lab
from tests.site_backups import SiteBackups

from .measure import FOLDER, MEGABYTE, Cost, Targets, told

# The targets that the README claims, for a site of at least this size.
SPEEDUP = 8.0
COPY_FACTOR = 2.0
DATABASE_MEGABYTES = 2000
TABLES = 400


@dataclass(frozen=True)
class Physical:
    """What a recovery from tables as files cost.

    Attributes:
        staging_seconds: ``staging_database``: copy, hash, import and proof.
        to_promotion_seconds: From the lock to the moment that the site served the recovered data.
        steps: The seconds of its parts.
        copy_seconds: ``cp`` and ``sync`` of the same files.
        size_bytes: Their size.
        tables: How many tables they are of.
    """

    staging_seconds: float
    to_promotion_seconds: float
    steps: dict[str, float]
    copy_seconds: float
    size_bytes: int
    tables: int


def measure_physical(
    lab: Lab, site: str, restart: Callable[[], None], recover: Callable[..., dict[str, Any]]
) -> Physical:
    """Back a site up as tables and as a dump of the same moment, and recover it from the tables.

    Args:
        lab: The lab.
        site: The site.
        restart: Restarts the server, so that nothing is in its buffers.
        recover: Runs the playbook with further arguments and returns its record.
    """
    backups = SiteBackups(lab, site, FOLDER / "physical")
    with told("backing it up as tables and as a dump of the same moment"):
        made = backups.back_up(kinds=["physical", "logical"])
    name = made["set"]["name"]
    tables = backups.site_folder / name / "tablespaces"
    with told("copying these tables with cp and sync"):
        restart()
        before_seconds = _copy(tables)
    with told("recovering it from them with lifeboat.frappe.recover"):
        restart()
        record = recover(
            "-e", f"lifeboat_recovery_repository_path={backups.repository.path}", "-e", f"recover_to={name}"
        )
    with told("copying these tables again"):
        after_seconds = _copy(tables)
    sizes = [path.stat().st_size for path in tables.iterdir()]
    seconds = {step["name"]: step["seconds"] for step in record["steps"]}
    return Physical(
        staging_seconds=seconds["staging_database"],
        to_promotion_seconds=record["rto_seconds"],
        steps={name: value for name, value in seconds.items() if name.startswith("staging_database.")},
        copy_seconds=(before_seconds + after_seconds) / 2,
        size_bytes=sum(sizes),
        tables=record["proof"]["database"]["tables"],
    )


def _copy(folder: Path) -> float:
    """Return the seconds that it takes to copy a folder and to have it on the disk."""
    target = folder.with_name("copied")
    os.sync()
    began = time.monotonic()
    shutil.copytree(folder, target)
    os.sync()
    seconds = time.monotonic() - began
    shutil.rmtree(target)
    os.sync()
    return seconds


def physical_targets(physical: Physical, bench: Cost, is_smoke_test: bool) -> Targets:
    """Return what is claimed of a large site and whether it was reached; a smoke test claims nothing."""
    if is_smoke_test:
        return ()
    speedup = bench.seconds / physical.staging_seconds
    factor = physical.staging_seconds / physical.copy_seconds
    size = physical.size_bytes / MEGABYTE
    return (
        (
            size >= DATABASE_MEGABYTES and physical.tables >= TABLES,
            f"files of tables: {size:.0f} MB of {physical.tables} tables (target: {DATABASE_MEGABYTES} MB of {TABLES})",
        ),
        (
            speedup >= SPEEDUP,
            f"files of tables, as fast as bench restore: {speedup:.2f} times (target: {SPEEDUP:g} or more)",
        ),
        (
            factor <= COPY_FACTOR,
            f"files of tables, as long as cp and sync: {factor:.2f} times (target: at most {COPY_FACTOR:g})",
        ),
    )
