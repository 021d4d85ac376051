"""The playbook lifeboat.frappe.maintain on the embedded bench: check mode, a run, and a second one that changes nothing."""

from __future__ import annotations

from pathlib import Path

from tests.lab import Lab
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.maintain"


def test_plan_is_shown_and_a_second_run_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(LOCAL_HOST)
    variables = {**lab.variables, "lifeboat_state_path": str(tmp_path / "state"), "lifeboat_become": False}

    def run(*arguments: str) -> Run:
        done = run_playbook(PLAYBOOK, hosts, variables, arguments, cwd=tmp_path)
        assert not done.complaints, done.output
        assert done.exit_code == 0, done.output
        return done

    run("--check", "--diff")
    assert not (tmp_path / "state").exists()
    run()
    assert run().changed_tasks() == 0
