"""The playbook lifeboat.frappe.maintain on a bench made of files: check mode, a run, and a second without a change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute

from tests.configured_server import FOLLOWS_LOAD, run_settings_module
from tests.lab import MariaDBServer
from tests.schema_site import SITE, SchemaSite
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

PLAYBOOK = "lifeboat.frappe.maintain"


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer) -> Iterator[SchemaSite]:
    with closing(SchemaSite(tmp_path, mariadb_server)) as site:
        yield site


def test_plan_is_shown_and_a_second_run_changes_nothing(site: SchemaSite) -> None:
    execute(site.administrator, "CREATE TABLE tabStale (name INT PRIMARY KEY) ENGINE=InnoDB STATS_AUTO_RECALC=0")
    execute(site.administrator, "INSERT INTO tabStale SELECT seq FROM seq_1_to_500")
    (site.folder / "hosts").write_text(LOCAL_HOST)
    variables = {
        "lifeboat_bench_path": str(site.bench.path),
        "lifeboat_state_path": str(site.state_path),
        "lifeboat_mariadb_config_file": str(site.server.option_file),
        "lifeboat_become": False,
        "lifeboat_database_settings_drop_in_path": str(site.folder / "90-lifeboat.cnf"),
        "lifeboat_database_settings_least_uptime_hours": 0,
        "lifeboat_database_settings_keep": FOLLOWS_LOAD,
        "save_settings_in": str(site.folder / "review"),
    }

    def run(*arguments: str) -> Run:
        done = run_playbook(PLAYBOOK, site.folder / "hosts", variables, arguments, cwd=site.folder)
        assert not done.complaints, done.output
        assert done.exit_code == 0, done.output
        return done

    planned = run("--check", "--diff").output
    assert "tabStale: analyze: 500 rows changed" in planned
    assert not site.state_path.exists()
    proposed = (site.folder / "review" / "localhost.cnf").read_text()
    assert "sync_binlog = 1" in proposed
    try:
        done = run("-e", "minutes=5", "-e", "apply=true").output
        assert "tabStale: statistics made anew" in done
        assert "sync_binlog = 1 is set now" in done
        assert "sync_binlog = 1" in (site.folder / "90-lifeboat.cnf").read_text()
        assert run("-e", f"site={SITE}", "-e", "apply=true").changed_tasks() == 0
    finally:
        run_settings_module(site.server, site.folder, state="restored", state_path=str(site.state_path))
    assert not (site.folder / "90-lifeboat.cnf").exists()
