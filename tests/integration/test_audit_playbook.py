"""The playbook lifeboat.frappe.audit over an inventory in which hosts are away or broken, run as a person runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.lab import Lab
from tests.tools.checkout import ROOT, VENV
from tests.tools.playbook_runs import Run, run_playbook

PLAYBOOK = "lifeboat.frappe.audit"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "bin" / "python")}
# Nobody listens there.
AWAY = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
BROKEN = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python"}
MISTAKEN = {**LOCAL, "lifeboat_audit_subjects": "{{ of_a_variable_that_nobody_set }}"}
ALL_FILES = {"report.html", "report.json", "report.md", "report.csv", "junit.xml", "report.sarif"}


class Owner:
    """The owner of a fleet, of which one host is the lab."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.variables = {
            **lab.variables,
            "lifeboat_become": False,
            "lifeboat_report_path": str(folder / "reports"),
            # The subjects that do not depend on what else runs on this machine.
            "lifeboat_audit_subjects": ["mariadb", "redis", "queue", "site"],
        }

    def audit(self, hosts: dict[str, dict[str, Any]], *arguments: str, **variables: Any) -> Run:
        inventory = self.folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"frappe_benches": {"hosts": hosts}}, sort_keys=False))
        given = {**self.variables, **variables}
        given = {name: value for name, value in given.items() if not any(name in host for host in hosts.values())}
        return run_playbook(PLAYBOOK, inventory, given, arguments)

    def reports(self) -> list[Path]:
        return sorted((self.folder / "reports").glob("audit-*"))

    def newest(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.reports()[-1] / "report.json").read_text())
        jsonschema.validate(document, json.loads((ROOT / "docs" / "audit-report.schema.json").read_text()))
        return document


@pytest.fixture
def owner(lab: Lab, tmp_path: Path) -> Owner:
    return Owner(lab, tmp_path)


def test_no_host_vanishes_from_the_report(owner: Owner) -> None:
    """The first host, on which everything that is done once would be done, is the one that is away."""
    run = owner.audit({"away": AWAY, "broken": BROKEN, "mistaken": MISTAKEN, "lab": LOCAL})
    document = owner.newest()
    states = {host["name"]: host["state"] for host in document["hosts"]}
    assert states == {"away": "unreachable", "broken": "failed", "mistaken": "failed", "lab": "answered"}
    assert all(host["reason"] for host in document["hosts"] if host["state"] != "answered")
    assert document["summary"]["coverage"] <= 25
    assert {path.name for path in owner.reports()[-1].iterdir()} == ALL_FILES
    assert {finding["host"] for finding in document["findings"]} == {"lab"}
    assert "did not answer" in (owner.reports()[-1] / "report.html").read_text()
    assert f"{owner.reports()[-1]}/report.html" in run.output


def test_a_report_is_written_when_no_host_answers(owner: Owner) -> None:
    run = owner.audit({"away": AWAY, "broken": BROKEN})
    assert run.exit_code == 0, run.output
    assert owner.newest()["summary"]["headline"] == "No host answered: nothing is known"


def test_the_next_audit_compares_and_a_query_fails_the_job(owner: Owner) -> None:
    first = owner.audit({"lab": LOCAL})
    assert first.exit_code == 0, first.output
    assert not first.complaints, first.output
    before = owner.newest()
    assert before["compared_with"] == ""
    assert before["hosts"][0]["problems"] == []
    owner.lab.supervisorctl("stop", "frappe-bench-workers:")
    try:
        query = "findings[?change=='new' && severity=='critical']"
        run = owner.audit({"lab": LOCAL}, audit_query=query, fail_on_query=True)
    finally:
        owner.lab.supervisorctl("start", "frappe-bench-workers:")
    document = owner.newest()
    assert run.exit_code != 0
    assert "The query selected" in run.output
    assert document["compared_with"] == before["generated_at"]
    assert document["selected"], "no worker ran, which no check called critical"
    assert document["summary"]["changes"]["new"] >= len(document["selected"])


def test_check_mode_looks_and_writes_nothing(owner: Owner) -> None:
    run = owner.audit({"lab": LOCAL}, "--check")
    assert run.exit_code == 0, run.output
    assert not run.complaints, run.output
    assert re.search(r"score \d+, coverage", run.output)
    assert not (owner.folder / "reports").exists()


def test_a_host_that_takes_too_long_has_not_answered(owner: Owner) -> None:
    slow = {**LOCAL, "lifeboat_audit_timeout_seconds": 2, "lifeboat_audit_health_options": {"sample_seconds": 8}}
    run = owner.audit({"slow": slow, "away": AWAY})
    assert run.exit_code == 0, run.output
    states = {host["name"]: (host["state"], host["reason"]) for host in owner.newest()["hosts"]}
    assert states["slow"][0] == "failed"
    assert "Timed out after 2" in states["slow"][1]


def test_a_query_that_cannot_be_used_fails_after_the_report(owner: Owner) -> None:
    run = owner.audit({"lab": LOCAL}, audit_query="findings[?", lifeboat_audit_subjects=["redis"])
    assert run.exit_code != 0
    assert "Cannot use the query" in run.output
    assert owner.newest()["selected"] == []


def test_the_inventory_speaks_for_one_host_and_for_the_role_health(owner: Owner) -> None:
    accepted = [{"id": "R01", "reason": "moved on Monday", "owner": "ops", "expires": "2099-01-01"}]
    thresholds = {"R01": {"warning": "~:-1"}}
    own = {"lifeboat_health_thresholds": thresholds, "lifeboat_health_checks": ["R01"], "lifeboat_audit_query": "[`1`]"}
    run = owner.audit({"lab": {**LOCAL, **own, "lifeboat_health_accepted": accepted}, "twin": {**LOCAL, **own}})
    assert run.exit_code == 0, run.output
    document = owner.newest()
    assert document["selected"] == [1]
    found = {(one["host"], one["id"], one["severity"], bool(one["accepted"])) for one in document["findings"]}
    assert {one for one in found if one[1] == "R01"} == {
        ("lab", "R01", "warning", True),
        ("twin", "R01", "warning", False),
    }


def test_no_password_is_in_any_report(owner: Owner) -> None:
    run = owner.audit(
        {"lab": LOCAL}, "-vvv", lifeboat_mariadb_login_password="n0tf0ry0u", lifeboat_mariadb_login_user="x"
    )
    everything = run.output + "".join(path.read_text() for path in owner.reports()[-1].iterdir())
    secrets = [owner.lab.site_config(site)["db_password"] for site in owner.lab.sites]
    assert not [secret for secret in secrets if secret in everything]
    assert "n0tf0ry0u" not in everything.split("TASK [", 1)[-1]
