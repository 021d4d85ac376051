"""The playbook lifeboat.frappe.backup and its role, run as a scheduler runs them, on the embedded bench."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.backup"
ALPHA, BETA = "alpha.localhost", "beta.localhost"


class Scheduler:
    """Whoever backs the sites of one bench up every now and then."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.repository_path = folder / "repository"
        self._folder = folder
        self._inventory = folder / "hosts"
        self._inventory.write_text(LOCAL_HOST)

    def run(self, *arguments: str, **variables: Any) -> Run:
        everything = {
            **self.lab.variables,
            "lifeboat_become": False,
            "lifeboat_repository_path": str(self.repository_path),
            "lifeboat_backup_reserve_bytes": 0,
            **variables,
        }
        run = run_playbook(PLAYBOOK, self._inventory, everything, arguments, cwd=self._folder)
        assert not run.complaints, run.output
        return run

    def sets(self, site: str) -> list[Path]:
        return sorted((self.repository_path / "sites" / site).glob("*/manifest.json"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("bench-to-back-up")
    with Lab(folder / "lab", services=False, sites=(ALPHA, BETA)) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def scheduler(bench: Lab, tmp_path: Path) -> Scheduler:
    return Scheduler(bench, tmp_path)


def test_every_site_gets_a_set_and_a_second_run_has_nothing_to_do(scheduler: Scheduler) -> None:
    checked = scheduler.run("--check", "--diff")
    assert checked.exit_code == 0, checked.output
    assert "would be backed up. There is no set yet." in checked.output
    assert not scheduler.repository_path.exists()

    run = scheduler.run()
    assert run.exit_code == 0, run.output
    assert [len(scheduler.sets(site)) for site in (ALPHA, BETA)] == [1, 1]
    assert re.search(rf"{ALPHA}: \d{{8}}_\d{{6}}-alpha_localhost, .* MiB in .* s, logical, not encrypted", run.output)
    assert "every file read again and looked into" in run.output
    assert "a crash of the host loses the end of the log" in run.output, "settings of the server are judged"
    assert "SET GLOBAL sync_binlog = 1; and in the option file under [mariadbd]: sync_binlog = 1" in run.output

    again = scheduler.run(lifeboat_backup_max_age_seconds=3600)
    assert again.exit_code == 0, again.output
    assert again.changed_tasks() == 0
    assert "nothing to do. The newest set" in again.output
    assert [len(scheduler.sets(site)) for site in (ALPHA, BETA)] == [1, 1]


def test_one_site_that_fails_costs_the_others_nothing_and_is_named(scheduler: Scheduler) -> None:
    config_path = scheduler.lab.site_path(ALPHA) / "site_config.json"
    good = config_path.read_bytes()
    config_path.write_bytes(good[:-10])
    try:
        run = scheduler.run()
    finally:
        config_path.write_bytes(good)
    assert run.exit_code != 0
    assert [len(scheduler.sets(site)) for site in (ALPHA, BETA)] == [0, 1]
    assert f"The backup failed for {ALPHA}." in run.output
    assert f"{ALPHA}: FAILED. Cannot read" in run.output
    assert "failed=1" in run.output


def test_one_site_can_be_named(scheduler: Scheduler) -> None:
    run = scheduler.run("--extra-vars", f"site={BETA}", "-v")
    assert run.exit_code == 0, run.output
    (manifest_path,) = scheduler.sets(BETA)
    assert scheduler.sets(ALPHA) == []
    manifest = json.loads(manifest_path.read_text())
    assert manifest["site"] == BETA
    assert manifest["position"]["gtid"]
