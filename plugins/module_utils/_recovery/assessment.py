"""Assesses the damage of the site of a recovery that was begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .._backups.artifacts import open_artifact
from .._backups.keys import find_key
from .._backups.names import DATABASE, SITE_CONFIG
from .._bench.layout import find_bench
from .._mariadb.connection import LoginOptions, connect
from .._mariadb.dump.stream import expansion_limit_bytes, open_sql
from .._mariadb.dump.summary import summarise_dump
from .._system.progress import ProgressReporter
from .._system.times import parse_rfc3339
from .assessment_corruption import assess_corruption
from .assessment_loss import assess_loss
from .journal import Journal

CORRUPTION, LOSS = "corruption", "loss"


def assess(
    *,
    scope: str,
    site_name: str,
    bench_path: str | None,
    state_path: Path,
    recovery: str,
    login: LoginOptions,
    encryption_key: str | None,
    error_log_path: Path | None,
    table_timeout_seconds: float,
    reporter: ProgressReporter,
) -> dict[str, Any]:
    """Assess the damage; the live database and the set are those of the recovery's plan.

    Raises:
        LifeboatError: ``recovery_unknown``, and what connecting and reading the set raise.
    """
    plan = Journal.open(state_path, site_name, recovery).plan()
    database = plan["replaces"]["db_name"]
    connection = connect(login)
    try:
        if scope == CORRUPTION:
            return assess_corruption(connection, database, error_log_path, reporter, table_timeout_seconds)
        site = find_bench(site_name, bench_path).site(site_name)
        rows = _rows_in_set(plan["set"], encryption_key, site.config_path, reporter)
        recovery_point = parse_rfc3339(plan["recovery_point"])
        return assess_loss(connection, database, rows, recovery_point, reporter, table_timeout_seconds)
    finally:
        connection.close()


def _rows_in_set(
    backup: dict[str, Any], encryption_key: str | None, site_config_path: Path, reporter: ProgressReporter
) -> dict[str, int]:
    paths = {artifact["kind"]: Path(artifact["path"]) for artifact in backup["artifacts"]}
    key, _source = find_key(encryption_key, paths.get(SITE_CONFIG), site_config_path)
    reporter.start("count the rows of the set")
    with open_artifact(paths[DATABASE], key) as stream:
        limit_bytes = expansion_limit_bytes(paths[DATABASE].stat().st_size)
        return summarise_dump(open_sql(stream, limit_bytes), deep=True).rows
