from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from ansible_collections.lifeboat.frappe.plugins.modules import site_recovery

from tests.lab.lab import Lab
from tests.modules import run_module

SITE = "alpha.localhost"


@pytest.fixture(scope="module")
def backed_up(lab: Lab) -> Lab:
    lab.backup(SITE)
    return lab


@pytest.fixture
def options(backed_up: Lab, tmp_path: Path) -> dict:
    return {
        "site": SITE,
        "bench_path": str(backed_up.bench_path),
        "state_path": str(tmp_path / "state"),
        "login_user": backed_up.login.login_user,
        "login_password": backed_up.login.login_password,
        "login_host": backed_up.login.login_host,
        "login_port": backed_up.login.login_port,
    }


def begin(options: dict, **more) -> dict:
    return run_module(site_recovery, state="begun", **{**options, **more})


def test_check_mode_returns_the_plan_and_leaves_no_trace(options):
    planned = begin(options, check_mode=True)
    assert (planned["changed"], planned["needed"], planned["recovery"]) == (True, True, "")
    assert planned["plan"]["set"]["verdict"] == "complete"
    assert planned["plan"]["data_loss_seconds"] >= 0
    assert not Path(options["state_path"]).exists()


def test_a_plan_holds_no_secret(options, backed_up):
    text = json.dumps(begin(options, check_mode=True))
    config = backed_up.site_config(SITE)
    assert config["db_password"] not in text
    assert config["encryption_key"] not in text


def test_a_begun_recovery_is_resumed_and_then_ended_once(options):
    first = begin(options)
    again = begin(options)
    assert (first["resumed"], again["resumed"]) == (False, True)
    assert again["recovery"] == first["recovery"]
    ended = run_module(site_recovery, **options, state="abandoned", recovery=first["recovery"])
    assert (ended["changed"], ended["record"]["outcome"]) == (True, "failed")
    assert not run_module(site_recovery, **options, state="abandoned", recovery=first["recovery"])["changed"]
    assert begin(options)["recovery"] != first["recovery"]


@pytest.mark.promise(13)
def test_a_second_recovery_is_refused_with_who_has_the_lock(options):
    holder = {"host": "controller.example.com", "user": "anna", "pid": 4711}
    begin(options, holder=holder)
    refused = begin(options, holder={**holder, "user": "bert"})
    assert refused["error_code"] == "site_locked"
    assert "anna on controller.example.com (process 4711)" in refused["msg"]


def test_the_lock_of_a_dead_process_is_taken_over(options):
    alive = {"host": socket.gethostname(), "user": "bert", "pid": os.getpid()}
    with subprocess.Popen(["sleep", "60"]) as process:
        first = begin(options, holder={**alive, "pid": process.pid})
        refused = begin(options, holder=alive)
        process.kill()
    assert refused["error_code"] == "site_locked"
    assert begin(options, holder=alive)["recovery"] == first["recovery"]


@pytest.mark.promise(15)
def test_a_set_of_another_site_is_refused_by_name_and_not_chosen_by_itself(options, backed_up):
    backed_up.backup("beta.localhost")
    beta = str(backed_up.site_path("beta.localhost") / "private" / "backups")
    assert begin(options, paths=[beta])["error_code"] == "backup_not_found"
    name = begin({**options, "site": "beta.localhost"}, check_mode=True)["plan"]["set"]["name"]
    assert begin(options, paths=[beta], recover_to=name)["error_code"] == "wrong_site"
    assert begin(options, paths=[beta], allow_cross_site=True, check_mode=True)["needed"]


@pytest.mark.promise(16)
def test_newer_apps_in_the_set_are_refused_before_the_load(options, backed_up):
    version_file = backed_up.bench_path / "apps" / "erpnext" / "erpnext" / "__init__.py"
    present = version_file.read_text()
    version_file.write_text('__version__ = "14.0.0"\n')
    try:
        refused = begin(options)
        assert refused["error_code"] == "app_newer"
        assert "erpnext" in refused["msg"]
        assert begin(options, allow_newer_apps=True, check_mode=True)["plan"]["warnings"]
    finally:
        version_file.write_text(present)


@pytest.mark.promise(9)
def test_too_little_space_is_refused_with_what_is_missing(options):
    refused = begin(options, reserve_bytes=2**60)
    assert refused["error_code"] == "disk_space"
    assert "are missing" in refused["msg"]
    assert not Path(options["state_path"]).exists()


def test_a_broken_newest_set_is_skipped_and_named(options, backed_up):
    folder = backed_up.site_path(SITE) / "private" / "backups"
    newest = sorted(folder.glob("*-database.sql.gz"))[-1]
    broken = folder / newest.name.replace(newest.name[:15], "20991231_235959")
    broken.write_bytes(newest.read_bytes()[:-100])
    try:
        plan = begin(options, check_mode=True)["plan"]
        assert plan["set"]["name"] == newest.name[: -len("-database.sql.gz")]
        assert [skipped["name"] for skipped in plan["set"]["skipped"]] == ["20991231_235959-alpha_localhost"]
    finally:
        broken.unlink()


def test_an_invalid_configuration_is_a_finding_not_an_obstacle(options, backed_up):
    config_path = backed_up.site_path(SITE) / "site_config.json"
    content = config_path.read_bytes()
    config_path.write_text('{"db_name": ')
    try:
        replaces = begin(options, check_mode=True)["plan"]["replaces"]
    finally:
        config_path.write_bytes(content)
    assert not replaces["configuration_valid"]
    assert replaces["db_name"] == json.loads(content)["db_name"]


def test_a_database_that_is_damaged_can_still_be_planned_for(options, backed_up):
    with backed_up.connect(SITE) as connection:
        execute(connection, "RENAME TABLE tabSingles TO tabSingles_gone")
        try:
            replaces = begin(options, check_mode=True)["plan"]["replaces"]
        finally:
            execute(connection, "RENAME TABLE tabSingles_gone TO tabSingles")
    assert replaces["scheduler_enabled"] is None


def test_an_unknown_recovery_cannot_be_ended(options):
    missing = run_module(site_recovery, **options, state="finished", recovery="20260101T000000Z-0000")
    assert missing["error_code"] == "recovery_unknown"


def test_a_wrong_password_is_told_with_the_address(options):
    refused = begin(options, login_password="wrong")
    assert refused["error_code"] == "mariadb_access_denied"
    assert "wrong" not in refused["msg"]
