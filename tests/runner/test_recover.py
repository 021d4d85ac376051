"""`recover` as AWX runs it: by ansible-runner, from a project with a thin playbook; the job's artifacts are read."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.lab import Lab
from tests.tools.checkout import COLLECTIONS_PATH, ROOT, tool_environment
from tests.tools.playbook_runs import COMPLAINT, LOCAL_HOST

SITE = "alpha.localhost"
# Large enough that a load shows its progress, which short work does not.
SCALE = 25
PROGRESS = re.compile(rf"^{re.escape(SITE)}: .+ tables.* (?:left|elapsed)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """The artifacts that a run left."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        paths = (self.folder / "job_events").glob("*-*.json")
        return sorted((json.loads(path.read_text()) for path in paths), key=lambda event: event["counter"])

    @property
    def published(self) -> dict[str, Any]:
        """What `set_stats` published: AWX hands it to the next node of a workflow."""
        data: dict[str, Any] = self.events[-1]["event_data"]["artifact_data"]
        return data


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A bench with one backup of each site."""
    with Lab(tmp_path_factory.mktemp("lab"), scale=SCALE) as started:
        for site in started.sites:
            started.backup(site)
        yield started


@pytest.fixture(scope="module")
def private_data(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that AWX hands to ansible-runner."""
    folder = tmp_path_factory.mktemp("runner")
    for name in ("env", "inventory", "project"):
        (folder / name).mkdir()
    (folder / "inventory" / "hosts").write_text(LOCAL_HOST)
    (folder / "project" / "recover.yml").write_text(
        yaml.safe_dump([{"name": "Recover", "ansible.builtin.import_playbook": "lifeboat.frappe.recover"}])
    )
    (folder / "env" / "envvars").write_text(yaml.safe_dump({"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_PATH)}))
    (folder / "env" / "extravars").write_text(yaml.safe_dump({**lab.variables, "lifeboat_become": False}))
    return folder


def run(private_data: Path, ident: str, *arguments: str) -> Job:
    extra = " ".join(f"-e {argument}" if "=" in argument else argument for argument in arguments)
    command = ["ansible-runner", "run", str(private_data), "-p", "recover.yml", "--ident", ident, "--cmdline", extra]
    subprocess.run(command, env=tool_environment(), check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return Job(private_data / "artifacts" / ident)


@pytest.fixture(scope="module")
def recovered(private_data: Path) -> Job:
    """One recovery, whose artifacts several tests read."""
    return run(private_data, "recovery", f"site={SITE}")


def test_job_succeeds(recovered: Job) -> None:
    assert recovered.text("status") == "successful", recovered.text("stdout")
    assert recovered.text("rc") == "0"


def test_output_shows_progress_and_no_complaint(recovered: Job) -> None:
    output = recovered.text("stdout")
    assert PROGRESS.search(output), output
    assert not COMPLAINT.findall(output)


def test_record_is_published(recovered: Job, lab: Lab) -> None:
    record = recovered.published["lifeboat_recovery"]
    schema = json.loads((ROOT / "docs" / "recovery-record.schema.json").read_text())
    jsonschema.validate(record, schema)
    assert record["outcome"] == "recovered"
    assert record["site"] == SITE
    assert record["rto_seconds"] > 0
    assert record["bench_path"] == str(lab.bench_path)


def test_only_our_modules_change_the_host(recovered: Job) -> None:
    changing = {
        event["event_data"]["resolved_action"]
        for event in recovered.events
        if event["event"] == "runner_on_ok" and event["event_data"]["res"].get("changed")
    }
    assert "lifeboat.frappe.site_promotion" in changing


def test_artifacts_hold_no_secret(recovered: Job, lab: Lab) -> None:
    configuration = lab.site_config(SITE)
    secrets = [value for name, value in configuration.items() if "password" in name or "encryption_key" in name]
    assert secrets
    for path in recovered.folder.rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert not [secret for secret in secrets if secret in text], path.name


def test_second_job_changes_nothing(private_data: Path, recovered: Job) -> None:
    assert recovered.text("status") == "successful"
    job = run(private_data, "again", f"site={SITE}")
    assert job.text("status") == "successful", job.text("stdout")
    assert job.events[-1]["event_data"]["changed"] == {}


def test_check_job_changes_nothing_and_shows_the_plan(private_data: Path, lab: Lab) -> None:
    before = lab.site_config("beta.localhost")
    job = run(private_data, "check", "site=beta.localhost", "--check")
    assert job.text("status") == "successful", job.text("stdout")
    assert lab.site_config("beta.localhost") == before
    assert not COMPLAINT.findall(job.text("stdout"))


def test_failed_job_says_why(private_data: Path) -> None:
    job = run(private_data, "failing", "site=nobody.localhost")
    assert job.text("status") == "failed"
    failures = [event["event_data"]["res"] for event in job.events if event["event"] == "runner_on_failed"]
    assert failures[0]["error_code"]
    assert "nobody.localhost" in failures[0]["msg"]
