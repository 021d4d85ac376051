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


def test_check_mode_says_what_would_be_made_and_writes_nothing(scheduler: Scheduler) -> None:
    run = scheduler.run("--check", "--diff", "--extra-vars", f"site={ALPHA}")
    assert run.exit_code == 0, run.output
    assert f"{ALPHA}: would be backed up. There is no set yet." in run.output
    assert not scheduler.repository_path.exists()


def test_one_site_that_fails_costs_the_others_nothing_and_is_made_up_for(scheduler: Scheduler, tmp_path: Path) -> None:
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
    assert re.search(rf"{BETA}: \d{{8}}_\d{{6}}-beta_localhost, .* MiB in .* s, logical, not encrypted", run.output)
    assert "every file read again and looked into" in run.output

    offsite = {
        "lifeboat_offsite_repository": str(tmp_path / "offsite"),
        "lifeboat_offsite_password": "offsite",
        "lifeboat_backup_offsite_create": True,
    }
    named = scheduler.run("--extra-vars", f"site={ALPHA}", **offsite)
    assert named.exit_code == 0, named.output
    assert [len(scheduler.sets(site)) for site in (ALPHA, BETA)] == [1, 1]
    manifest = json.loads(scheduler.sets(ALPHA)[0].read_text())
    assert (manifest["site"], manifest["previous"]) == (ALPHA, None)
    assert manifest["position"]["gtid"]
    assert list((tmp_path / "offsite" / "snapshots").iterdir())
    assert list((scheduler.repository_path / "binlogs").glob("*/binlog.000001*"))

    again = scheduler.run(lifeboat_backup_sites=[BETA], lifeboat_backup_max_age_seconds=3600)
    assert again.exit_code == 0, again.output
    assert again.changed_tasks() == 0
    assert f"{BETA}: nothing to do. The newest set" in again.output
