"""Faults that would hang, crash or blind a whole run of the checks: it always ends, and says what it could not know."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import connection as mariadb_connection
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import connection as redis_connection
from ansible_collections.lifeboat.frappe.plugins.modules import health_check
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.packed_program import packed_program

from tests.check_runs import run_one
from tests.lab import Lab
from tests.modules import run_module

MARIADB_IDS = {check.id for check in all_checks() if check.subject == "mariadb"}
# R01 speaks Redis's own language, to name the stage that fails.
REDIS_IDS = {check.id for check in all_checks() if check.subject == "redis"} - {"R01"}
MOST_MEMORY_BYTES = 150_000_000


@pytest.fixture
def options(lab: Lab, tmp_path: Path) -> dict[str, Any]:
    return {
        "bench_path": str(lab.bench_path),
        "config_file": str(lab.mariadb.option_file),
        "state_path": str(tmp_path / "state"),
        "sample_seconds": 0.6,
        "deadline_seconds": 60,
        "timeout_seconds": 300,
    }


@pytest.fixture
def hung_server(lab: Lab) -> Iterator[None]:
    """MariaDB accepts connections, and never says a word."""
    assert lab.mariadb.process
    # setpriv replaces itself by the server, so this is the server's own process.
    os.kill(lab.mariadb.process.pid, signal.SIGSTOP)
    yield
    os.kill(lab.mariadb.process.pid, signal.SIGCONT)


def run(options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    result = run_module(health_check, **{**options, **changes})
    assert not result["failed"], result
    return result


def severities(result: dict[str, Any], ids: set[str]) -> set[str]:
    return {finding["severity"] for finding in result["findings"] if finding["id"] in ids}


@pytest.mark.check("A01")
def test_acceptance_that_expires_becomes_a_finding(host_target: Callable[..., Host]) -> None:
    def accepted_until(expires: str) -> str:
        host = host_target(acceptances=(Acceptance("H01", "why", "who", expires),))
        (finding,) = run_one("A01", host)
        return finding.severity

    assert [accepted_until(day) for day in ("2999-12-31", "2020-01-31", "2999-12-31")] == ["ok", "warning", "ok"]


def test_lab_that_is_well_is_judged_as_a_whole(options: dict[str, Any], lab: Lab) -> None:
    result = run(options)
    assert result["benches"] == [str(lab.bench_path)]
    assert result["summary"]["coverage"] > 90
    assert {finding["target"] for finding in result["findings"]} >= {"host", str(lab.bench_path), *lab.sites}
    assert not [finding for finding in result["findings"] if "the check itself failed" in finding["text"]]


def test_nothing_is_changed_and_no_secret_is_told(options: dict[str, Any], lab: Lab) -> None:
    def configurations() -> list[bytes]:
        return [path.read_bytes() for path in sorted(lab.sites_path.rglob("*config.json"))]

    before = configurations()
    told = json.dumps(run(options))
    assert configurations() == before
    for site in lab.sites:
        configuration = lab.site_config(site)
        secrets = [configuration[name] for name in ("db_password", "encryption_key", "backup_encryption_key")]
        assert not [secret for secret in secrets if secret in told]


@pytest.mark.usefixtures("hung_server")
def test_server_that_hangs_is_unknown_and_hangs_nobody(options: dict[str, Any]) -> None:
    started = time.monotonic()
    result = run(options, deadline_seconds=6)
    # No speed is asked for here: the run has to end by itself, before the limit that it was given.
    assert time.monotonic() - started < options["timeout_seconds"]
    assert not [finding for finding in result["findings"] if finding["text"].startswith("not reached within the run")]
    assert "ok" not in severities(result, MARIADB_IDS)
    assert "unknown" in severities(result, MARIADB_IDS)
    assert severities(result, {"H01"}) <= {"ok", "warning", "critical"}, "the host is judged all the same"
    assert "ok" in severities(result, REDIS_IDS)


def test_server_that_is_back_is_judged_again(options: dict[str, Any]) -> None:
    assert "ok" in severities(run(options), MARIADB_IDS)


def test_server_that_is_gone_is_unknown(options: dict[str, Any], lab: Lab) -> None:
    lab.mariadb.kill()
    try:
        result = run(options)
    finally:
        lab.mariadb.start()
    assert "ok" not in severities(result, MARIADB_IDS)
    assert "critical" in severities(result, MARIADB_IDS), "that nobody can connect is known"
    assert "ok" in severities(result, REDIS_IDS)


@pytest.mark.parametrize(
    ("module", "name", "ids"),
    [(mariadb_connection, "HAS_PYMYSQL", MARIADB_IDS), (redis_connection, "HAS_REDIS", REDIS_IDS)],
    ids=["PyMySQL", "redis"],
)
def test_library_that_is_missing_makes_its_checks_unknown(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, module: Any, name: str, ids: set[str]
) -> None:
    monkeypatch.setattr(module, name, False)
    result = run(options)
    assert severities(result, ids) <= {"unknown", "skipped", "critical"}, "critical is D01: nobody can connect"
    reasons = {finding["text"] for finding in result["findings"] if finding["id"] in ids}
    assert [reason for reason in reasons if "is not installed" in reason]
    assert not [finding for finding in result["findings"] if "NameError" in finding["text"]]
    assert severities(result, {"H01"}) <= {"ok", "warning", "critical"}


def test_bench_whose_configuration_is_broken_hides_nothing_else(options: dict[str, Any], lab: Lab) -> None:
    path = lab.sites_path / "common_site_config.json"
    whole = path.read_bytes()
    path.write_text("{")
    try:
        result = run(options)
    finally:
        path.write_bytes(whole)
    assert result["summary"]["counts"]["critical"]
    assert not [finding for finding in result["findings"] if "the check itself failed" in finding["text"]]


def test_program_fits_into_little_memory(options: dict[str, Any], tmp_path: Path) -> None:
    program = tmp_path / "lifeboat-health"
    program.write_bytes(packed_program("lifeboat-health", sys.executable))
    configuration = tmp_path / "health.json"
    configuration.write_text(json.dumps(options))
    code = (
        "import pathlib, re, runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        # Not getrusage's: that counts what the test's own process had before the program replaced it.
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())\n"
        "print(int(peak[1]) * 1024, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, program, "--configuration", configuration, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout)["findings"]
    assert int(done.stderr.splitlines()[-1]) < MOST_MEMORY_BYTES


def test_history_that_is_damaged_is_no_error(options: dict[str, Any]) -> None:
    run(options, keep_history=True)
    state_path = Path(options["state_path"])
    for path in state_path.iterdir():
        path.write_bytes(b'{"damaged": \xff' + path.read_bytes()[:200])
    assert run(options, keep_history=True)["notes"] == []
    shutil.rmtree(state_path)
