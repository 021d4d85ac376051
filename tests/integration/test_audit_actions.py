"""The actions ``audit_host`` and ``audit_report`` in a play of one's own, without the role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.lab import Lab
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook


def play(folder: Path, *tasks: dict[str, Any], **variables: Any) -> Run:
    (folder / "hosts").write_text(LOCAL_HOST)
    named = [{"name": f"Task {number}", **task} for number, task in enumerate(tasks)]
    whole = {"name": "Audit", "hosts": "localhost", "gather_facts": False, "tasks": named, "vars": variables}
    (folder / "play.yml").write_text(json.dumps([whole]))
    return run_playbook(folder / "play.yml", folder / "hosts", cwd=folder)


def ask(lab: Lab, **options: Any) -> dict[str, Any]:
    where = {"bench_path": str(lab.bench_path), "config_file": str(lab.mariadb.option_file)}
    asked = {"health_check": {**where, "subjects": ["redis"]}, "audit_info": where, **options}
    return {"lifeboat.frappe.audit_host": asked, "register": "asked"}


def report(folder: Path, **options: Any) -> dict[str, Any]:
    hosts = "{{ {inventory_hostname: asked} }}"
    return {"lifeboat.frappe.audit_report": {"hosts": hosts, "path": str(folder / "reports"), **options}}


def test_an_answer_is_private_and_gone_with_the_run(lab: Lab, tmp_path: Path) -> None:
    copy = {"ansible.builtin.shell": "stat -c '%a %n' {{ asked.document }} > kept", "args": {"chdir": str(tmp_path)}}
    run = play(tmp_path, ask(lab), copy, report(tmp_path, title="Own title"))
    assert run.exit_code == 0, run.output
    assert not run.complaints, run.output
    mode, _space, path = (tmp_path / "kept").read_text().strip().partition(" ")
    assert mode == "600"
    assert not Path(path).exists()
    (written,) = (tmp_path / "reports").glob("audit-*/report.json")
    document = json.loads(written.read_text())
    assert document["title"] == "Own title"
    assert {finding["subject"] for finding in document["findings"]} == {"redis"}
    assert document["hosts"][0]["facts"]["backups"]


def test_a_host_whose_checks_fail_says_why(lab: Lab, tmp_path: Path) -> None:
    failing = ask(lab, health_check={"bench_path": "/nonexistent"})
    run = play(tmp_path, {**failing, "ignore_errors": True}, report(tmp_path))
    assert run.exit_code == 0, run.output
    (written,) = (tmp_path / "reports").glob("audit-*/report.json")
    (host,) = json.loads(written.read_text())["hosts"]
    assert host["state"] == "failed"
    assert "Cannot find a bench at /nonexistent" in host["reason"]


def test_facts_that_fail_leave_the_checks(lab: Lab, tmp_path: Path) -> None:
    run = play(tmp_path, ask(lab, audit_info={"bench_path": "/nonexistent"}), report(tmp_path))
    assert run.exit_code == 0, run.output
    (written,) = (tmp_path / "reports").glob("audit-*/report.json")
    (host,) = json.loads(written.read_text())["hosts"]
    assert host["state"] == "answered"
    assert "The facts could not be read: Cannot find a bench" in host["problems"][0]


def test_options_are_checked_on_the_controller(tmp_path: Path) -> None:
    run = play(tmp_path, {"lifeboat.frappe.audit_report": {"path": str(tmp_path), "colour": "red"}})
    assert run.exit_code != 0
    assert "missing required arguments: hosts" in run.output


def test_a_report_that_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    nobody = {"lifeboat.frappe.audit_report": {"hosts": {}, "path": str(tmp_path / "reports")}}
    run = play(tmp_path, nobody)
    assert run.exit_code != 0
    assert f"Cannot write the report to {tmp_path}/reports/audit-" in run.output
