"""``site_verification`` on the lab: a site that serves, one that does not, and a web server that caches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import (
    read_configuration,
    write_configuration,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import (
    find_services,
    reload_web,
    web_master_pids,
    web_worker_pids,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.web import fetch, local_url
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from ansible_collections.lifeboat.frappe.plugins.modules import site_verification

from tests.lab import Lab
from tests.lab.lab import ADMINISTRATOR_KEY, ADMINISTRATOR_SECRET
from tests.modules import run_module
from tests.web_processes import each_web_process

ALPHA, BETA = "alpha.localhost", "beta.localhost"


def verify(lab: Lab, **options: Any) -> dict[str, Any]:
    patient = {"timeout_seconds": 120, "job_timeout_seconds": 120}
    return run_module(site_verification, **{"site": ALPHA, "bench_path": str(lab.bench_path), **patient, **options})


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    checks = result["details"]["verification"] if result["failed"] else result["verification"]
    return {check["name"]: check["outcome"] for check in checks}


@contextmanager
def settings(lab: Lab, site: str, **changes: Any) -> Iterator[None]:
    path = lab.site_path(site) / "site_config.json"
    before = read_configuration(path)
    write_configuration(path, {**before, **changes})
    try:
        yield
    finally:
        write_configuration(path, before)


def test_site_that_serves_is_healthy(lab: Lab) -> None:
    result = verify(lab)
    assert result["healthy"] is True
    assert result["changed"] is False
    assert outcomes(result) == {"ping": "passed", "login": "passed", "read": "passed", "job": "passed"}
    with redis.Redis.from_url(lab.redis_queue_url) as queue:
        assert not [key for key in queue.scan_iter() if b"lifeboat" in key]


def test_user_of_the_site_reads(lab: Lab) -> None:
    result = verify(lab, api_key=ADMINISTRATOR_KEY, api_secret=ADMINISTRATOR_SECRET, job_timeout_seconds=0)
    assert outcomes(result)["read"] == "passed"
    assert ADMINISTRATOR_SECRET not in json.dumps(result)
    result = verify(lab, api_key=ADMINISTRATOR_KEY, api_secret="wrong-secret", timeout_seconds=0, job_timeout_seconds=0)
    assert result["error_code"] == "site_unhealthy"
    assert outcomes(result) == {"ping": "passed", "login": "passed", "read": "failed", "job": "skipped"}
    assert "wrong-secret" not in json.dumps(result)


def test_site_whose_tables_are_gone_is_unhealthy_though_it_pings(lab: Lab) -> None:
    with closing(lab.connect(BETA)) as connection:
        execute(connection, "RENAME TABLE tabUser TO tabUser_away")
        try:
            result = verify(lab, site=BETA, timeout_seconds=0)
            assert result["error_code"] == "site_unhealthy"
            assert outcomes(result) == {"ping": "passed", "login": "failed", "read": "passed", "job": "passed"}
            tolerated = verify(lab, site=BETA, timeout_seconds=0, required=False)
            assert (tolerated["failed"], tolerated["healthy"]) == (False, False)
            assert outcomes(tolerated) == outcomes(result)
        finally:
            execute(connection, "RENAME TABLE tabUser_away TO tabUser")


def test_database_that_refuses_fails_web_and_queue(lab: Lab) -> None:
    with settings(lab, BETA, db_password="wrong"):
        result = verify(lab, site=BETA, timeout_seconds=0)
    assert set(outcomes(result).values()) == {"failed"}
    assert verify(lab, site=ALPHA)["healthy"]


def test_maintenance_is_right_where_it_was_before(lab: Lab) -> None:
    with settings(lab, ALPHA, maintenance_mode=1):
        expected = verify(lab, expected_maintenance=True)
        assert outcomes(expected) == {"ping": "passed", "login": "passed", "read": "passed", "job": "skipped"}
        assert verify(lab, timeout_seconds=0)["error_code"] == "site_unhealthy"


def test_check_mode_sends_no_job_and_reloads_nothing(lab: Lab) -> None:
    bench = Bench(lab.bench_path)
    masters = web_master_pids(bench, find_services(bench))
    workers = web_worker_pids(masters)
    result = verify(lab, check_mode=True, reload_web=True)
    assert outcomes(result) == {"ping": "passed", "login": "passed", "read": "passed", "job": "skipped"}
    assert result["changed"] is True
    assert web_worker_pids(masters) == workers


def test_given_address_is_asked(lab: Lab) -> None:
    options = {"url": f"http://127.0.0.1:{lab.web_port}", "timeout_seconds": 0, "job_timeout_seconds": 0}
    result = verify(lab, **options)
    assert "ping (answered 404)" in result["msg"]  # the bench has no site of the address's own name
    (lab.sites_path / "127.0.0.1").symlink_to(ALPHA)
    try:
        assert verify(lab, **options)["healthy"]
    finally:
        (lab.sites_path / "127.0.0.1").unlink()


def test_host_on_which_nothing_runs_skips_everything(lab: Lab, tmp_path: Path) -> None:
    copy = tmp_path / "frappe-bench"
    shutil.copytree(lab.bench_path, copy, symlinks=True)
    result = verify(lab, bench_path=str(copy))
    assert result["healthy"] is True
    assert set(outcomes(result).values()) == {"skipped"}
    (copy / "sites" / ALPHA / "site_config.json").unlink()
    assert verify(lab, bench_path=str(copy))["error_code"] == "configuration_missing"


def test_reload_keeps_the_master_and_replaces_the_workers(lab: Lab) -> None:
    bench = Bench(lab.bench_path)
    masters = web_master_pids(bench, find_services(bench))
    before = web_worker_pids(masters)
    assert len(masters) == 1
    assert len(before) == 2
    assert reload_web(masters, 120) == []
    assert web_master_pids(bench, find_services(bench)) == masters
    assert not set(before) & set(web_worker_pids(masters))
    assert verify(lab)["healthy"]


@pytest.fixture(scope="module")
def caching_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A bench whose web processes keep a site's configuration for a minute."""
    folder = tmp_path_factory.mktemp("caching-lab")
    with Lab(folder, frappe_version=16) as lab:
        yield lab
    shutil.rmtree(folder)


def test_cached_configuration_is_seen_through_by_a_reload(caching_lab: Lab) -> None:
    for _process in each_web_process(caching_lab):
        assert fetch(local_url(caching_lab.web_port), ALPHA, "/login").status == 200
    with settings(caching_lab, ALPHA, maintenance_mode=1):
        stale = verify(caching_lab, expected_maintenance=True, timeout_seconds=0)
        assert stale["error_code"] == "site_unhealthy"
        reloaded = verify(caching_lab, expected_maintenance=True, reload_web=True)
        assert reloaded["changed"] is True
        assert reloaded["healthy"] is True
