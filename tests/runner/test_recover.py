"""`recover` as AWX runs it: by ansible-runner, from a project with a thin playbook; the job's artifacts are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import jsonschema
import pytest

from tests.lab import Lab
from tests.runner.jobs import Job, Project
from tests.tools.checkout import ROOT
from tests.tools.playbook_runs import COMPLAINT, LOCAL_HOST

SITE = "alpha.localhost"
# Large enough that a load shows its progress, which short work does not.
SCALE = 25
PROGRESS = re.compile(rf"^{re.escape(SITE)}: .+ tables.* (?:left|elapsed)", re.MULTILINE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A bench with one large site and its backup."""
    with Lab(tmp_path_factory.mktemp("lab"), scale=SCALE, sites=(SITE,)) as started:
        started.backup(SITE)
        yield started


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the one playbook."""
    return Project.of_playbooks(tmp_path_factory.mktemp("runner"), ["recover"], LOCAL_HOST, lab.variables)


@pytest.fixture(scope="module")
def recovered(project: Project) -> Job:
    """One recovery, whose artifacts several tests read."""
    return project.run("recover", "recovery", f"site={SITE}")


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
    assert recovered.files_with(secrets) == []


def test_second_job_changes_nothing(project: Project, recovered: Job) -> None:
    assert recovered.text("status") == "successful"
    job = project.run("recover", "again", f"site={SITE}")
    assert job.text("status") == "successful", job.text("stdout")
    assert job.events[-1]["event_data"]["changed"] == {}


def test_check_job_changes_nothing_and_shows_the_plan(project: Project, lab: Lab) -> None:
    before = lab.site_config(SITE)
    job = project.run("recover", "check", f"site={SITE}", "again=true", "--check")
    assert job.text("status") == "successful", job.text("stdout")
    assert "By the set:" in job.text("stdout")
    assert lab.site_config(SITE) == before
    assert not COMPLAINT.findall(job.text("stdout"))


def test_failed_job_says_why(project: Project) -> None:
    job = project.run("recover", "failing", "site=nobody.localhost")
    assert job.text("status") == "failed"
    failure = job.results_of("runner_on_failed")[0]
    assert failure["error_code"]
    assert "nobody.localhost" in failure["msg"]
