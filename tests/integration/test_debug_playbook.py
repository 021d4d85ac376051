"""The playbook lifeboat.frappe.debug on a real server: planned, on, unchanged, refused without a timer, off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.debug_stage import CONFIGURATION, ONE, DebugStage
from tests.lab import MariaDBServer
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.debug"


@pytest.fixture
def stage(mariadb_server: MariaDBServer, tmp_path: Path) -> DebugStage:
    (tmp_path / "hosts").write_text(LOCAL_HOST)
    return DebugStage(tmp_path, mariadb_server.login)


def test_debug_is_planned_turned_on_once_and_ended(stage: DebugStage, mariadb_server: MariaDBServer) -> None:
    before = stage.variables()
    folder = stage.bench.path.parent
    # No systemd here: the timer's units are nothing that a test may leave on a host.
    variables = {
        "lifeboat_bench_path": str(stage.bench.path),
        "lifeboat_state_path": str(stage.state_path),
        "lifeboat_mariadb_config_file": str(mariadb_server.option_file),
        "lifeboat_become": False,
        "lifeboat_debug_timer": False,
        "lifeboat_debug_min_free_percent": 0,
    }

    def run(*arguments: str, **more: str) -> Run:
        done = run_playbook(PLAYBOOK, folder / "hosts", {**variables, **more}, arguments, cwd=folder)
        assert done.exit_code == 0, done.output
        assert not done.complaints, done.output
        return done

    planned = run("--check", "--diff", minutes="30", site=ONE)
    assert '+            "logging": 1' in planned.output
    assert planned.changed_tasks() == 1
    assert not stage.state_path.exists()

    begun = run(minutes="30", site=ONE)
    assert begun.changed_tasks() == 1
    assert "NOTHING PUTS THIS BACK BY ITSELF" in begun.output
    assert f"{ONE}: debug mode until" in begun.output
    assert mariadb_server.login.login_password not in begun.output
    assert stage.variables()["slow_query_log"] == "ON"
    assert run(minutes="30", site=ONE).changed_tasks() == 0

    ended = run(state="absent", lifeboat_debug_remove_logs="true")
    assert "it was ended by hand" in ended.output
    assert stage.variables() == before
    assert stage.bench.site(ONE).config_path.read_text() == CONFIGURATION
