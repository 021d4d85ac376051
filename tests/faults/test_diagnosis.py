"""Faults of a site, made for real: each is named first, what is safe is mended, and a second run changes nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.modules import site_diagnosis

from tests.lab import Lab
from tests.lab.processes import wait_until
from tests.modules import run_module

SITE = "alpha.localhost"
DAY_SECONDS = 86_400
Diagnose = Callable[..., dict[str, Any]]


@pytest.fixture
def diagnose(lab: Lab, tmp_path: Path) -> Diagnose:
    """Run the module on the lab's first site."""

    def run(**options: Any) -> dict[str, Any]:
        given = {
            "site": SITE,
            "bench_path": str(lab.bench_path),
            "config_file": str(lab.mariadb.option_file),
            "settle_seconds": 120,
            "deadline_seconds": 60,
            **options,
        }
        result = run_module(site_diagnosis, state_path=str(tmp_path / "state"), **given)
        assert not result["failed"], result
        return result

    return run


@contextmanager
def changed_file(path: Path, content: str) -> Iterator[None]:
    """Give a file another content for a while."""
    before = path.read_bytes()
    path.write_text(content)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def changed_configuration(lab: Lab, **values: Any) -> Iterator[Path]:
    """Give the site's configuration other values for a while."""
    path = lab.site_path(SITE) / "site_config.json"
    with changed_file(path, json.dumps({**json.loads(path.read_text()), **values})):
        yield path


@contextmanager
def stopped_program(lab: Lab, name: str) -> Iterator[str]:
    """Stop a program of the bench for a while, unless the test starts it again."""
    program = f"frappe-bench-{name}"
    lab.supervisorctl("stop", program)
    try:
        yield program
    finally:
        lab.supervisorctl("start", program)


def is_well(diagnose: Diagnose) -> bool:
    return bool(diagnose()["healthy"])


def mended(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(fix["fix"], fix["before"], fix["after"]) for fix in result["fixed"]]


def assert_first(result: dict[str, Any], stage: str, check: str) -> dict[str, Any]:
    """Hold that this stage is named first, and that what is before it stands."""
    first: dict[str, Any] = result["broken"]
    assert not result["healthy"]
    assert (first["stage"], first["check"]) == (stage, check), result["lines"]
    assert first["command"]
    stages = list(result["stages"])
    assert all(result["stages"][earlier] == "ok" for earlier in stages[: stages.index(stage)])
    return first


def test_site_that_works_is_well_and_nothing_is_changed(lab: Lab, diagnose: Diagnose) -> None:
    (lab.site_path(SITE) / "site_config.json").chmod(0o640)
    result = diagnose(fix=True)
    assert result["healthy"], result["lines"]
    assert not result["changed"]
    # What else is seen, as an nginx of this machine that does not run, is no matter of the lab.
    assert result["lines"][0] == f"{SITE}: nothing keeps it from working."


def test_broken_json_is_named_with_its_copy(lab: Lab, diagnose: Diagnose) -> None:
    path = lab.site_path(SITE) / "site_config.json"
    with changed_file(path, path.read_text()[:-1]):
        first = assert_first(diagnose(fix=True), "configuration", "F01")
        assert "not valid JSON" in first["text"]
        assert "json.tool" in first["command"]
        copy = lab.site_path(SITE) / "private/backups/20261121_020000-alpha_localhost-site_config_backup.json"
        copy.write_text("{}")
        assert f"cp {copy}" in diagnose()["broken"]["command"]
        copy.unlink()
    assert is_well(diagnose)


def test_missing_configuration_is_named(lab: Lab, diagnose: Diagnose) -> None:
    path = lab.site_path(SITE) / "site_config.json"
    away = path.rename(path.with_name("away.json"))
    try:
        assert "no such file" in assert_first(diagnose(), "configuration", "F01")["text"]
    finally:
        away.rename(path)


def test_wrong_password_is_named(lab: Lab, diagnose: Diagnose) -> None:
    with changed_configuration(lab, db_password="wrong"):
        first = assert_first(diagnose(fix=True), "database", "D01")
        assert "login failed" in first["text"]
        assert "ALTER USER" in first["command"]
        assert "wrong" not in first["command"]
    assert is_well(diagnose)


def test_missing_database_is_named(lab: Lab, diagnose: Diagnose) -> None:
    user = lab.site_config(SITE)["db_name"]
    with changed_configuration(lab, db_name="_nowhere", db_user=user):
        assert "lifeboat.frappe.recover" in assert_first(diagnose(), "database", "D01")["command"]


def test_stopped_mariadb_is_named(lab: Lab, diagnose: Diagnose) -> None:
    lab.mariadb.stop()
    try:
        result = diagnose(fix=True)
        assert "systemctl start mariadb" in assert_first(result, "database", "D01")["command"]
        assert not any(fix["fix"] == "clear_cache" for fix in result["fixed"])
    finally:
        lab.mariadb.start()
    assert is_well(diagnose)


def test_stopped_redis_is_named_and_started(lab: Lab, diagnose: Diagnose) -> None:
    with stopped_program(lab, "redis:frappe-bench-redis-cache") as program:
        assert program in assert_first(diagnose(), "redis", "R01")["command"]
        result = diagnose(fix=True)
        assert ("start_service", "stopped", "running") in mended(result)
        assert result["found"]["stage"] == "redis"
        assert result["healthy"], result["lines"]
        assert not diagnose(fix=True)["changed"]


def test_app_folder_that_is_gone_is_named(lab: Lab, diagnose: Diagnose) -> None:
    folder = lab.bench_path / "apps" / "erpnext"
    away = folder.rename(lab.folder / "erpnext-away")
    try:
        assert "erpnext" in assert_first(diagnose(fix=True), "apps", "F03")["text"]
    finally:
        away.rename(folder)
    assert is_well(diagnose)


def test_migration_that_is_due_is_named(lab: Lab, diagnose: Diagnose) -> None:
    patches = lab.bench_path / "apps" / "frappe" / "frappe" / "patches.txt"
    before = patches.read_text() if patches.exists() else None
    patches.write_text((before or "[pre_model_sync]\n") + "frappe.patches.v99.never_run\n")
    old = time.time() - DAY_SECONDS
    for path in (patches, *(lab.bench_path / "apps" / app / app / "__init__.py" for app in ("frappe", "erpnext"))):
        os.utime(path, (old, old))
    try:
        assert "migrate" in assert_first(diagnose(), "migrations", "F04")["command"]
    finally:
        patches.unlink() if before is None else patches.write_text(before)


def test_dead_worker_is_named_and_started(lab: Lab, diagnose: Diagnose) -> None:
    with stopped_program(lab, "workers:frappe-bench-frappe-long-worker-0") as program:
        assert f"supervisorctl start {program}" in assert_first(diagnose(), "services", "Q01")["command"]
        planned = diagnose(fix=True, check_mode=True)
        assert planned["changed"]
        assert [step["subject"] for step in planned["plan"]["steps"]] == [program]
        assert program in planned["diff"]["after"]
        assert not planned["healthy"]
        result = diagnose(fix=True)
        assert mended(result) == [("start_service", "stopped", "running")]
        assert result["healthy"], result["lines"]
        assert not diagnose(fix=True)["changed"]


def test_every_fix_is_recorded(lab: Lab, diagnose: Diagnose, tmp_path: Path) -> None:
    with stopped_program(lab, "workers:frappe-bench-frappe-short-worker-0"):
        diagnose(fix=True, settle_seconds=0)
    (record,) = read_records(tmp_path / "state")
    assert (record["module"], record["site"], record["action"]) == ("site_diagnosis", SITE, "fix")
    assert record["fixes"][0]["before"] == "stopped"
    wait_until(lambda: is_well(diagnose), "the worker")


def test_fix_that_is_not_wanted_is_left(lab: Lab, diagnose: Diagnose) -> None:
    with stopped_program(lab, "workers:frappe-bench-frappe-long-worker-0"):
        assert not diagnose(fix=True, fixes=["permissions"])["fixed"]
    wait_until(lambda: is_well(diagnose), "the worker")


@pytest.mark.parametrize("switch", ["maintenance_mode", "pause_scheduler"])
def test_forgotten_maintenance_is_named_and_ended(lab: Lab, diagnose: Diagnose, switch: str) -> None:
    with changed_configuration(lab, **{switch: 1}) as path:
        old = time.time() - DAY_SECONDS
        os.utime(path, (old, old))
        first = assert_first(diagnose(), "services", "F12")
        assert first["item"] == switch
        result = diagnose(fix=True)
        assert mended(result) == [("resume", "on", "off")]
        assert json.loads(path.read_text())[switch] == 0
        assert result["healthy"], result["lines"]
        assert not diagnose(fix=True)["changed"]


def test_maintenance_that_just_began_is_named_and_left(lab: Lab, diagnose: Diagnose) -> None:
    with changed_configuration(lab, maintenance_mode=1):
        result = diagnose(fix=True)
        assert "set-maintenance-mode off" in assert_first(result, "web", "W01")["command"]
        assert not result["changed"]
        assert "somebody may be at work" in result["refused"][0]
    assert is_well(diagnose)


def test_maintenance_of_a_recovery_is_left(lab: Lab, diagnose: Diagnose, tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "state", SITE, "20261121T031522Z-9f3a")
    journal.append("recovery", "begin", plan={})
    with changed_configuration(lab, maintenance_mode=1) as path:
        old = time.time() - DAY_SECONDS
        os.utime(path, (old, old))
        result = diagnose(fix=True)
        assert not result["changed"]
        assert "20261121T031522Z-9f3a" in result["refused"][0]


def test_maintenance_of_the_whole_bench_is_left(lab: Lab, diagnose: Diagnose) -> None:
    path = lab.sites_path / "common_site_config.json"
    site_path = lab.site_path(SITE) / "site_config.json"
    configuration = json.loads(site_path.read_text())
    del configuration["pause_scheduler"]
    with (
        changed_file(path, json.dumps({**json.loads(path.read_text()), "pause_scheduler": 1})),
        changed_file(site_path, json.dumps(configuration)),
    ):
        old = time.time() - DAY_SECONDS
        os.utime(path, (old, old))
        result = diagnose(fix=True)
        assert not result["changed"]
        assert "all sites of the bench" in result["refused"][0]


def test_stopped_web_process_is_named_and_started(lab: Lab, diagnose: Diagnose) -> None:
    with stopped_program(lab, "web:frappe-bench-frappe-web") as program:
        assert f"supervisorctl start {program}" in assert_first(diagnose(), "web", "W01")["command"]
        result = diagnose(fix=True)
        assert mended(result) == [("start_service", "stopped", "running")]
        assert result["healthy"], result["lines"]
        assert not diagnose(fix=True)["changed"]


def test_cache_is_cleared_where_the_site_answers_with_an_error(lab: Lab, diagnose: Diagnose) -> None:
    """The lab's application fails while a site has no folder of logs; a person finds that, the cache is no harm."""
    database = lab.site_config(SITE)["db_name"]
    logs = lab.site_path(SITE) / "logs"
    away = logs.rename(logs.with_name("logs-away"))
    with redis.Redis.from_url(lab.redis_cache_url) as cache:
        cache.set(f"{database}|doctype_meta::ToDo", b"x")
        cache.rpush(f"{database}|insert_queue_for_Route History", b"x")
        try:
            assert_first(diagnose(), "web", "W01")
            result = diagnose(fix=True, settle_seconds=0)
            assert mended(result)[0][0] == "clear_cache"
            assert not cache.exists(f"{database}|doctype_meta::ToDo")
            assert cache.exists(f"{database}|insert_queue_for_Route History")
            assert not result["healthy"]
            cache.set(f"{database}|doctype_meta::ToDo", b"x")
            assert not diagnose(fix=True, settle_seconds=0)["changed"], "a cache that was cleared in vain is left"
        finally:
            away.rename(logs)
            cache.delete(f"{database}|insert_queue_for_Route History")
    assert is_well(diagnose)


def test_configuration_that_everybody_reads_is_seen_and_closed(lab: Lab, diagnose: Diagnose) -> None:
    path = lab.site_path(SITE) / "site_config.json"
    path.chmod(0o644)
    assert diagnose()["healthy"], "it keeps nothing from working"
    assert mended(diagnose(fix=True)) == [("permissions", "mode 0644", "mode 0640")]
    assert path.stat().st_mode & 0o777 == 0o640
    assert not diagnose(fix=True)["changed"]


def test_worker_that_hangs_is_named(lab: Lab, diagnose: Diagnose) -> None:
    with redis.Redis.from_url(lab.redis_queue_url) as queue:
        workers = [key for key in queue.smembers("rq:workers") if b":long" in (queue.hget(key, "queues") or b"")]
        pids = [int(queue.hget(key, "pid") or 0) for key in workers]
    pid = next(pid for pid in pids if Path(f"/proc/{pid}").exists())
    os.kill(pid, signal.SIGSTOP)
    try:
        assert_first(diagnose(), "services", "Q01")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert is_well(diagnose)
