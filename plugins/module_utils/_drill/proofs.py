"""All proofs of a drill, in one go: more than a recovery has time for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from .._backups.manifest import MANIFEST_NAME, read_manifest
from .._bench.apps import bench_apps
from .._mariadb.connection import connect, server_errors
from .._recovery.promotion_plan import look_at_site, set_configuration_of
from .._recovery.site_values import promoted_configuration
from .._system.progress import ProgressReporter
from .._system.times import parse_rfc3339
from .database_proofs import check_tables, compare_rows, count_rows, prove_apps, prove_secret, prove_site
from .files import prove_files
from .findings import SKIPPED, Finding
from .freshness import prove_freshness
from .ledger import prove_ledger
from .request import DrillRequest
from .scratch_recovery import Recovered

LOGICAL_KIND = "logical"


def prove(
    request: DrillRequest, plan: Mapping[str, Any], recovered: Recovered, progress: ProgressReporter
) -> list[Finding]:
    """Prove what was recovered; a proof that fails is a finding, no error.

    Args:
        request: What was asked for.
        plan: What was recovered.
        recovered: Where it stands.
        progress: Told how far it is; raises when nobody listens any more.
    """
    login, database = recovered.login, recovered.database
    with closing(connect(login)) as connection, server_errors("prove what a drill recovered"):
        tables = check_tables(connection, database, progress)
        counted = count_rows(connection, database, progress)
        progress.start("prove the site")
        return [
            tables,
            _prove_rows(plan, recovered, counted),
            prove_site(counted),
            prove_secret(connection, database, _key_of_recovered_site(request, plan, database)),
            prove_apps(connection, database, bench_apps(request.site.bench)),
            prove_freshness(connection, database, parse_rfc3339(plan["recovery_point"]), request.freshness_seconds),
            prove_ledger(connection, database),
            prove_files(login, database, recovered.files_path, recovered.files, request.site, progress),
        ]


def _prove_rows(plan: Mapping[str, Any], recovered: Recovered, counted: Mapping[str, int]) -> Finding:
    if plan.get("replay"):
        return Finding(
            "rows", SKIPPED, "What was replayed changed the rows of the set; nothing says how many there are."
        )
    manifest_rows = _rows_in_manifest(Path(plan["set"]["folder"]))
    if manifest_rows or recovered.kind != LOGICAL_KIND:
        return compare_rows(counted, manifest_rows, "the set's manifest")
    return compare_rows(counted, recovered.loaded.rows, "the dump")


def _rows_in_manifest(folder: Path) -> dict[str, int]:
    """Return the rows that the manifest of a set counted; none where there is no manifest.

    Tables without transactions that were written to during the backup may have others.
    """
    if not (folder / MANIFEST_NAME).is_file():
        return {}
    manifest = read_manifest(folder)
    inexact = {table.name for table in manifest.inexact_tables}
    return {table.name: table.rows for table in manifest.tables if table.rows is not None and table.name not in inexact}


def _key_of_recovered_site(request: DrillRequest, plan: Mapping[str, Any], database: str) -> str | None:
    live = look_at_site(request.site).configuration
    from_set = set_configuration_of(plan, request.site, request.encryption_key)
    key = promoted_configuration(live, from_set, database, "", {}).get("encryption_key")
    return str(key) if key else None
