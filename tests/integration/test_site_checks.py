"""The checks of a site read the tables that a real Frappe makes."""

from __future__ import annotations

import gzip
import json
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions, run_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect

from tests.check_runs import LONG_PATIENCE
from tests.lab import MariaDBServer
from tests.lab.layout import write_configuration

SITE = "site1.local"
# When the backup was made: 14:45 in the zone of its site.
BACKED_UP_AT = datetime(2026, 11, 21, 9, 16, tzinfo=timezone.utc).timestamp()


@pytest.fixture
def real_site(mariadb_server: MariaDBServer, database: str, real_backups: Path, tmp_path: Path) -> Iterator[SiteTarget]:
    """A site of Frappe 15 from its backup, in a bench that has no app."""
    folder = real_backups / "site1_plain"
    (dump,) = folder.glob("*-database.sql.gz")
    (configuration,) = folder.glob("*-site_config_backup.json")
    bench = Bench(tmp_path / "frappe-bench")
    site = bench.site(SITE)
    for archive in folder.glob("*files.tar"):
        with tarfile.open(archive) as tar:
            tar.extractall(bench.sites_path, filter="data")
    password = secrets.token_urlsafe(12)
    connection = connect(mariadb_server.login)
    create_account(connection, database, ["localhost"], password, database)
    connection.close()
    client = ["mariadb", f"--defaults-file={mariadb_server.option_file}", database]
    subprocess.run(client, input=gzip.decompress(dump.read_bytes()), check=True)
    values = {**json.loads(configuration.read_text()), "db_name": database, "db_password": password}
    write_configuration(site.config_path, values)
    write_configuration(bench.common_config_path, {"db_port": mariadb_server.port, "db_host": "127.0.0.1"})
    (bench.sites_path / "apps.txt").write_text("frappe\n")
    surroundings = Surroundings(patience=LONG_PATIENCE, now=lambda: BACKED_UP_AT)
    target = SiteTarget(site, BenchTarget(bench, surroundings), surroundings)
    yield target
    target.close()


def test_checks_of_a_site_understand_a_real_one(real_site: SiteTarget) -> None:
    checks = [check for check in all_checks() if check.subject == "site" and check.target is SiteTarget]
    unhurried = RunOptions(deadline_seconds=LONG_PATIENCE.deadline_seconds)
    findings = {(finding.id, finding.item): finding for finding in run_checks(checks, [real_site], unhurried)}
    breached = {key: finding.severity for key, finding in findings.items() if finding.severity != "ok"}
    assert breached == {("F03", ""): "critical", ("F06", "process"): "critical", ("F08", ""): "warning"}
    assert findings["F02", ""].text == "the key opens all 1 stored passwords that were tried"
    assert findings["F03", ""].text == "frappe is installed on the site and not in the bench"
    assert findings["F06", "last job"].value < 240
    assert findings["F08", ""].value == 302
    assert "0 of the 16 files that documents name are missing" in findings["F14", "missing files"].text
