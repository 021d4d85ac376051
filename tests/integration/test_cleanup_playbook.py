"""The playbook lifeboat.frappe.cleanup: plan, review, apply, quarantine and undo, on the embedded bench."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all

from tests.cleanup_folder import make_file
from tests.lab import Lab
from tests.lab.processes import wait_until
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.cleanup"
LOGROTATE = shutil.which("logrotate")


class Upkeep:
    """Whoever cleans up one bench."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.logs = lab.bench_path / "logs"
        self.folder = folder
        (folder / "hosts").write_text(LOCAL_HOST)
        state = {"lifeboat_state_path": str(folder / "state"), "lifeboat_become": False}
        self.rotation, self.ages = folder / "logrotate.d" / "benches", folder / "tmpfiles.conf"
        self.rotation.parent.mkdir()
        programs = {"lifeboat_cleanup_temporary_files": "present" if shutil.which("systemd-tmpfiles") else "unmanaged"}
        programs["lifeboat_cleanup_log_rotation"] = "present" if LOGROTATE else "unmanaged"
        programs["lifeboat_cleanup_temporary_files_path"] = str(self.ages)
        programs["lifeboat_cleanup_log_rotation_path"] = str(self.rotation)
        programs["lifeboat_cleanup_log_rotation_reopen"] = f"kill -s USR2 {lab.supervisorctl('pid').strip()}"
        self.variables = {
            **lab.variables,
            **state,
            **programs,
            "lifeboat_cleanup_rules": {"bench_logs": {"keep_newest": 0}},
        }

    def run(self, *arguments: str, **variables: Any) -> Run:
        given = {**self.variables, **variables}
        run = run_playbook(PLAYBOOK, self.folder / "hosts", given, arguments, cwd=self.folder)
        assert not run.complaints, run.output
        return run

    def make_log(self, name: str, age_days: float) -> Path:
        return make_file(self.logs / name, time.time(), age_days)


@pytest.fixture
def upkeep(lab: Lab, tmp_path: Path) -> Upkeep:
    return Upkeep(lab, tmp_path)


def test_plan_is_shown_reviewed_and_applied_once(upkeep: Upkeep) -> None:
    old, new = upkeep.make_log("worker.log.1", 40), upkeep.make_log("worker.log.2", 3)
    plans = upkeep.folder / "plans"
    planned = upkeep.run("--check", "--diff", save_plan_in=plans.name)
    assert "bench_logs: 1 file, 8.0 KiB" in planned.output
    assert old.exists()
    assert not (upkeep.folder / "state").exists()
    (plan,) = plans.iterdir()
    later = upkeep.make_log("worker.log.3", 50)
    reviewed = {"plan": f"{plans.name}/{plan.name}", "plan_sha256": hashlib.sha256(plan.read_bytes()).hexdigest()}
    applied = upkeep.run(**reviewed)
    assert "1 file deleted" in applied.output
    assert applied.changed_tasks() == 1 + upkeep.rotation.exists() + upkeep.ages.exists()
    assert [path.exists() for path in (old, new, later)] == [False, True, True]
    assert upkeep.run(lifeboat_cleanup_quarantine=True).changed_tasks() == 1
    assert upkeep.run(lifeboat_cleanup_quarantine=True).changed_tasks() == 0
    assert not later.exists()
    (run,) = (path.stem for path in (upkeep.folder / "state" / "cleanup").iterdir())
    assert "1 file put back" in upkeep.run(undo=run).output
    assert later.exists()
    later.unlink()
    if LOGROTATE:
        rotate_logs(upkeep)


def rotate_logs(upkeep: Upkeep) -> None:
    """Let logrotate do what it was told: supervisor writes to the new files, and what Frappe rotates itself stays."""
    own = make_file(upkeep.logs / "frappe.log", time.time(), 3)
    log = upkeep.logs / "web.error.log"
    with log.open("a") as stream:
        stream.write("a line\n")
    before = log.stat().st_ino
    command = [LOGROTATE, "--force", "--state", upkeep.folder / "rotated", upkeep.rotation]
    subprocess.run(command, check=True, capture_output=True)
    (rotated,) = upkeep.logs.glob("web.error.log-*")
    assert (rotated.stat().st_ino, log.stat().st_ino == before) == (before, False)
    descriptors = Path("/proc", upkeep.lab.supervisorctl("pid").strip(), "fd")
    wait_until(lambda: any(path.resolve() == log for path in descriptors.iterdir()), "supervisor opens the new log")
    assert not list(upkeep.logs.glob("frappe.log-*"))
    own.unlink()


@pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed")
def test_log_that_another_rule_rotates_is_not_rotated_twice(upkeep: Upkeep) -> None:
    (upkeep.rotation.parent / "frappe").write_text(f"{upkeep.logs}/*.log {{\n  weekly\n}}\n")
    playbook = upkeep.folder / "rotate.yml"
    role = {"name": "lifeboat.frappe.cleanup", "tasks_from": "log_rotation"}
    task = {"name": "Rotate", "ansible.builtin.include_role": role}
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    run = run_playbook(playbook, upkeep.folder / "hosts", upkeep.variables, cwd=upkeep.folder)
    assert run.exit_code == 2, run.output
    assert "Refused to rotate the logs of" in run.output
    assert "logrotate.d/frappe does it already" in run.output
    assert not upkeep.rotation.exists()


def test_what_is_refused_fails_the_run_after_the_rest_is_done(lab: Lab, upkeep: Upkeep) -> None:
    old = upkeep.make_log("worker.log.9", 40)
    nobody = {"days": {"Version": 1}, "replicas": ["127.0.0.1:1"]}
    rules = {"bench_logs": {"keep_newest": 0}, "log_tables": nobody}
    variables = {**upkeep.variables, "lifeboat_cleanup_rules": rules}
    with lab.connect(lab.sites[0]) as connection:
        execute(connection, "UPDATE tabVersion SET creation = '2020-01-01', modified = '2020-01-01' LIMIT 1")
        before = fetch_all(connection, "SELECT COUNT(*) FROM tabVersion")
        run = run_playbook(PLAYBOOK, upkeep.folder / "hosts", variables, cwd=upkeep.folder)
        assert fetch_all(connection, "SELECT COUNT(*) FROM tabVersion") == before
    assert run.exit_code == 2, run.output
    assert "Cannot reach MariaDB at 127.0.0.1:1" in run.output
    assert not old.exists()
