"""`health` and `audit` as AWX runs them: exit codes, artifacts, and an event stream without complaints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.runner.jobs import Job, Project
from tests.tools.playbook_runs import COMPLAINT, LOCAL_HOST

# Nobody listens there.
LOST_HOST = "lost ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_common_args='-o ConnectTimeout=2'\n"
MOST_BYTES = 8 * 1024
COMPLAINTS = {"warning", "deprecated", "system_warning"}
# Every lab has a site without a backup.
ALWAYS_BREACHED = "B01"


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with both playbooks, and an inventory of which one host is away."""
    folder = tmp_path_factory.mktemp("runner")
    variables = {
        **lab.variables,
        "lifeboat_hosts": "all",
        "lifeboat_report_path": str(folder / "reports"),
        "lifeboat_health_state_path": str(folder / "state"),
        # What else runs on this machine is left out.
        "lifeboat_health_subjects": ["mariadb", "redis", "queue", "site", "backup"],
    }
    return Project.of_playbooks(folder, ["health", "audit"], f"{LOCAL_HOST}{LOST_HOST}", variables)


@pytest.fixture(scope="module")
def health(project: Project) -> Job:
    """A job that looks at the host which is there."""
    return project.run("health", "health", "--limit localhost")


@pytest.fixture(scope="module")
def audit(project: Project) -> Job:
    """A job that audits the whole inventory."""
    return project.run("audit", "audit")


@pytest.fixture(params=["health", "audit"])
def job(request: pytest.FixtureRequest) -> Job:
    """Either job."""
    found: Job = request.getfixturevalue(request.param)
    return found


def test_job_succeeds_whatever_it_found(job: Job) -> None:
    assert job.text("status") == "successful", job.text("stdout")
    assert job.text("rc") == "0"


def test_event_stream_holds_no_complaint(job: Job) -> None:
    assert not COMPLAINT.findall(job.text("stdout"))
    assert not [event["stdout"] for event in job.events if event["event"] in COMPLAINTS]
    results = [event["event_data"].get("res", {}) for event in job.events]
    assert not [result for result in results if result.get("warnings") or result.get("deprecations")]


def test_artifacts_hold_no_secret(job: Job, lab: Lab) -> None:
    assert job.files_with([lab.site_config(site)["db_password"] for site in lab.sites]) == []


def test_health_publishes_little_and_changes_nothing(health: Job) -> None:
    assert set(health.published) == {"lifeboat_health"}
    assert len(json.dumps(health.published)) <= MOST_BYTES
    published = health.published["lifeboat_health"]
    assert (published["hosts"], published["unreachable"]) == (1, 0)
    assert 0 <= published["score"] <= 100
    assert published["counts"]["ok"] > 0
    assert len(published["worst"]) <= 10
    assert health.events[-1]["event_data"]["changed"] == {}


def test_health_fails_for_what_was_named_and_publishes_all_the_same(project: Project) -> None:
    job = project.run("health", "failing", "--limit localhost", f"fail_on={ALWAYS_BREACHED}")
    assert (job.text("status"), job.text("rc")) == ("failed", "2")
    assert ALWAYS_BREACHED in job.results_of("runner_on_failed")[0]["msg"]
    assert job.published["lifeboat_health"]["worst"]


def test_health_of_a_host_that_is_away_fails_and_counts_it(project: Project) -> None:
    job = project.run("health", "away", "subjects=redis")
    assert (job.text("status"), job.text("rc")) == ("failed", "4")
    assert job.published["lifeboat_health"]["unreachable_hosts"] == ["lost"]
    assert job.published["lifeboat_health"]["coverage"] <= 50


def test_audit_publishes_little_and_names_the_host_that_is_away(audit: Job) -> None:
    assert set(audit.published) == {"lifeboat_audit"}
    assert len(json.dumps(audit.published)) <= MOST_BYTES
    published = audit.published["lifeboat_audit"]
    assert published["hosts"] == {"total": 2, "answered": 1, "unreachable": 1, "failed": 0}
    assert published["silent"] == "lost"
    assert published["coverage"] <= 50
    assert (Path(published["path"]) / "report.html").is_file()


def test_answers_of_hosts_are_not_in_the_event_stream(audit: Job) -> None:
    """A fleet's answers would fill the controller's database."""
    sizes = [len(json.dumps(event)) for event in audit.events]
    assert max(sizes) < 4 * MOST_BYTES


def test_audit_fails_for_what_its_query_selects_and_publishes_all_the_same(project: Project, audit: Job) -> None:
    assert audit.text("status") == "successful"
    query = f"audit_query=\"findings[?id=='{ALWAYS_BREACHED}'&&severity=='critical']\""
    job = project.run("audit", "selecting", query, "fail_on_query=true")
    assert (job.text("status"), job.text("rc")) == ("failed", "2")
    assert "The query selected" in job.results_of("runner_on_failed")[-1]["msg"]
    published = job.published["lifeboat_audit"]
    assert published["selected_count"] >= 1
    assert published["selected"]
    assert published["path"] != audit.published["lifeboat_audit"]["path"]
