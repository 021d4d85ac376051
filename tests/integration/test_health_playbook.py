"""The playbook lifeboat.frappe.health and its role, run as a scheduler runs them, on the embedded bench."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.tools.checkout import ROOT, VENV
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.health"
MOST_STATS_BYTES = 8192
UNITS = ("lifeboat-health.service", "lifeboat-health.timer")


class Scheduler:
    """Whoever runs the checks of one bench every now and then."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.inventory = folder / "hosts"
        self.inventory.write_text(LOCAL_HOST)
        self.variables = {
            **lab.variables,
            "lifeboat_become": False,
            "lifeboat_health_state_path": str(folder / "state"),
            "lifeboat_health_textfile_path": str(folder / "lifeboat.prom"),
            "lifeboat_health_python": str(VENV / "bin" / "python"),
            "lifeboat_health_timer_interval": "",
            "__health_configuration_path": str(folder / "etc" / "health.json"),
            "__health_folder": str(folder / "lib"),
            "__health_link": str(folder / "lifeboat-health"),
            "__health_unit_folder": str(folder / "units"),
        }

    def run(self, *arguments: str, **variables: Any) -> Run:
        run = run_playbook(PLAYBOOK, self.inventory, {**self.variables, **variables}, arguments, cwd=self.folder)
        assert not run.complaints, run.output
        return run

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }


@pytest.fixture
def scheduler(lab: Lab, tmp_path: Path) -> Scheduler:
    return Scheduler(lab, tmp_path)


def test_a_run_shows_the_worst_and_keeps_what_it_saw(scheduler: Scheduler) -> None:
    run = scheduler.run()
    assert run.exit_code == 0, run.output
    assert run.changed_tasks() == 0
    assert "Score " in run.output
    assert {"state/health.jsonl", "state/health_samples.json", "lifeboat.prom"} <= set(scheduler.files())
    assert 'lifeboat_check_status{check="H01"' in (scheduler.folder / "lifeboat.prom").read_text()
    again = scheduler.run("--extra-vars", "subjects=host,redis")
    assert again.exit_code == 0, again.output
    assert again.changed_tasks() == 0
    lines = (scheduler.folder / "state" / "health.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert not [key for key in json.loads(lines[1])["values"] if key[0] == "D"]


def test_check_mode_looks_and_writes_nothing(scheduler: Scheduler) -> None:
    before = scheduler.files()
    run = scheduler.run("--check", "--diff", lifeboat_health_script=True, lifeboat_health_timer_interval="7min")
    assert run.exit_code == 0, run.output
    assert "Score " in run.output
    assert "+OnUnitActiveSec=7min" in run.output
    assert scheduler.files() == before
    assert run.changed_tasks() > 0, "it says what it would install"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    templates = ROOT / "roles" / "health" / "templates"
    variables = {
        "__health_link": "/bin/true",
        "lifeboat_health_timer_interval": "10min",
        "lifeboat_health_timeout_seconds": 60,
        "ansible_managed": "Ansible",
    }
    (tmp_path / "hosts").write_text(LOCAL_HOST)
    tasks = [
        {
            "name": f"Write {name}",
            "ansible.builtin.template": {"src": f"{templates}/{name}.j2", "dest": f"{tmp_path}/{name}", "mode": "0644"},
        }
        for name in UNITS
    ]
    play = {"name": "Write", "hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    assert run_playbook(tmp_path / "play.yml", tmp_path / "hosts").exit_code == 0
    units = [str(tmp_path / name) for name in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lifeboat" not in done.stderr, done.stderr


def test_it_fails_for_what_is_named_alone(scheduler: Scheduler) -> None:
    wrong = {"lifeboat_health_thresholds": {"H01": {"warning": "101:", "critical": ""}}, "subjects": "host"}
    assert scheduler.run(**wrong, fail_on="D01").exit_code == 0
    failed = scheduler.run(**wrong, fail_on="H01,D01")
    assert failed.exit_code == 2, failed.output
    assert "told to fail: H01" in failed.output
    accepted = {"id": "H01", "reason": "A test", "owner": "tests", "expires": "2999-12-31"}
    assert scheduler.run(**wrong, fail_on="H01", lifeboat_health_accepted=[accepted]).exit_code == 0
    assert "takes critical" in scheduler.run(**wrong, fail_on="critcal").output


def test_statistics_are_small_and_count_the_hosts_that_did_not_answer(scheduler: Scheduler) -> None:
    (scheduler.folder / "ansible.cfg").write_text("[defaults]\nshow_custom_stats = true\n")
    scheduler.inventory.write_text(
        f"[frappe_benches]\n{LOCAL_HOST}gone ansible_host=127.0.0.1 ansible_port=9 ansible_connection=ssh\n"
    )
    run = scheduler.run(subjects="host")
    assert run.exit_code == 4, run.output
    shown = run.output.partition("CUSTOM STATS: ")[2].partition("RUN: ")[2]
    stats = json.loads(shown)["lifeboat_health"]
    assert len(json.dumps(stats)) <= MOST_STATS_BYTES
    assert (stats["hosts"], stats["unreachable"], stats["unreachable_hosts"]) == (2, 1, ["gone"])
    assert stats["counts"]["ok"] > 0
    assert stats["coverage"] <= 50


def test_the_program_checks_the_host_without_ansible(scheduler: Scheduler) -> None:
    first = scheduler.run(lifeboat_health_script=True, subjects="host,redis")
    assert first.exit_code == 0, first.output
    assert first.changed_tasks() > 0
    assert scheduler.run(lifeboat_health_script=True, subjects="host,redis").changed_tasks() == 0
    configuration = scheduler.folder / "etc" / "health.json"
    assert configuration.stat().st_mode & 0o777 == 0o600
    command = [scheduler.folder / "lifeboat-health", "--configuration", configuration]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.startswith("LIFEBOAT "), done.stderr
    assert done.returncode in (0, 1, 2, 3)
    assert done.stdout.count("\n") == 1
    assert len((scheduler.folder / "state" / "health.jsonl").read_text().splitlines()) == 3
    result = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=False).stdout)
    assert {finding["subject"] for finding in result["findings"]} == {"host", "redis"}
    removed = scheduler.run(lifeboat_health_state="absent")
    assert removed.exit_code == 0, removed.output
    assert not {"lifeboat-health", "lib/lifeboat-health", "etc/health.json"} & set(scheduler.files())
    assert scheduler.run(lifeboat_health_state="absent").changed_tasks() == 0
