"""``site_maintenance`` on a real server, with and without Redis, MariaDB and running jobs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue, RunningJob
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import maintenance
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.maintenance_run import (
    MaintenanceRequest,
    run_absent,
    run_present,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.site_values import with_switches
from ansible_collections.lifeboat.frappe.plugins.modules import site_maintenance

from tests.lab import Lab, MariaDBServer
from tests.lab.prober import ask
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.promotion_stage import NEIGHBOUR, SITE, FakeSurroundings, Stage

ALPHA, BETA = "alpha.localhost", "beta.localhost"
OK, SERVICE_UNAVAILABLE = 200, 503


@pytest.fixture
def stage(tmp_path: Path, mariadb_server: MariaDBServer) -> Stage:
    return Stage(tmp_path, mariadb_server.login)


def run(stage: Stage, state: str = "present", *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    result = run_module(
        site_maintenance,
        check_mode=check_mode,
        **{
            "site": SITE,
            "state": state,
            "bench_path": str(stage.bench.path),
            "state_path": str(stage.state_path),
            "login_user": stage.login.login_user,
            "login_password": stage.login.login_password,
            "login_host": stage.login.login_host,
            "login_port": stage.login.login_port,
            "config_file": str(stage.bench.path / "none"),
            "drain_timeout_seconds": 0,
            **options,
        },
    )
    assert result["failed"] or set(result) >= {"changed", "plan", "drained", "ended_connections"}
    return result


def request(stage: Stage) -> MaintenanceRequest:
    return MaintenanceRequest(stage.site, stage.state_path, "", 0, check_mode=False)


@pytest.mark.parametrize(
    "switches",
    [{}, {"maintenance_mode": 0, "pause_scheduler": False}, {"pause_scheduler": True}, {"maintenance_mode": "0"}],
)
def test_original_values_come_back_exactly(stage: Stage, switches: dict[str, Any]) -> None:
    configuration = with_switches(stage.configuration(), switches)
    stage.site.config_path.write_text(json.dumps(configuration))
    planned = run(stage, check_mode=True)
    assert planned["changed"]
    assert stage.configuration() == configuration
    closed = run(stage)
    assert closed["changed"]
    assert stage.configuration() == {**configuration, **closed["diff"]["after"]}
    assert closed["diff"]["after"]["maintenance_mode"] == 1
    again = run(stage)
    assert (again["changed"], again["plan"]["steps"], again["drained"]) == (False, [], None)
    assert run(stage, "absent", check_mode=True)["changed"]
    opened = run(stage, "absent")
    assert opened["changed"]
    assert stage.configuration() == configuration
    assert not run(stage, "absent")["changed"]
    actions = [record["action"] for record in read_records(stage.state_path)]
    assert actions == ["present", "absent"]


def test_connections_of_this_site_end_and_of_others_go_on(stage: Stage) -> None:
    neighbour = json.loads(stage.bench.site(NEIGHBOUR).config_path.read_text())
    with (
        closing(connect(stage.login_of_site(stage.configuration()), stage.old)) as stale,
        closing(connect(stage.login_of_site(neighbour), neighbour["db_name"])) as other,
    ):
        assert run(stage)["ended_connections"] == 1
        with pytest.raises(pymysql.MySQLError):
            fetch_all(stale, "SELECT 1")
        assert fetch_all(other, "SELECT 1") == [(1,)]


def test_redis_that_is_down_is_told(stage: Stage) -> None:
    assert run(stage)["drained"]["skipped"].startswith("Cannot use Redis")


def test_server_that_is_down_does_not_keep_the_site_open(stage: Stage) -> None:
    result = run(stage, login_port=1)
    assert (result["changed"], result["ended_connections"]) == (True, None)
    assert stage.configuration()["maintenance_mode"] == 1


def test_wrong_login_changes_nothing(stage: Stage) -> None:
    assert run(stage, login_password="wrong")["error_code"] == "mariadb_access_denied"
    assert stage.site.config_path.read_bytes() == stage.original_bytes


def test_maintenance_mode_that_somebody_else_turned_on_is_turned_off(stage: Stage) -> None:
    stage.site.config_path.write_text(json.dumps({**stage.configuration(), "maintenance_mode": 1}))
    run(stage, "absent")
    assert stage.configuration()["maintenance_mode"] == 0


def test_jobs_are_waited_for_while_the_site_serves(stage: Stage) -> None:
    surroundings = FakeSurroundings()
    seen: list[tuple[Any, Any]] = []

    class Jobs(list[RunningJob]):
        def __bool__(self) -> bool:
            configuration = stage.configuration()
            seen.append((configuration["maintenance_mode"], configuration["pause_scheduler"]))
            return False

    surroundings.jobs = Jobs()
    run_present(lambda: connect(stage.login), request(stage), surroundings.look_around)
    assert seen[0] == (0, 1)
    assert surroundings.reloads == 1


def test_way_into_maintenance_that_was_killed_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "_end_connections", killed)
        with pytest.raises(KeyboardInterrupt):
            run_present(lambda: connect(stage.login), request(stage), FakeSurroundings().look_around)
    assert run(stage)["changed"]
    assert not run(stage)["changed"]
    run_absent(request(stage), FakeSurroundings().look_around)
    assert stage.configuration() == json.loads(stage.original_bytes)


def test_recovery_that_is_under_way_keeps_others_out(stage: Stage) -> None:
    state = {
        "recovery": "other",
        "host": "controller.example.com",
        "user": "ops",
        "pid": 1,
        "process": "",
        "since": 1.0,
        "renewed_at": 4e9,
        "lease_seconds": 60,
    }
    (stage.state_path / SITE / "lock").write_text(json.dumps(state))
    assert run(stage)["error_code"] == "site_locked"
    assert run(stage, recovery="other")["changed"]


@pytest.mark.promise(14)
def test_lab_site_is_closed_after_its_job_ended_and_the_other_site_serves(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "site": ALPHA,
        "bench_path": str(lab.bench_path),
        "state_path": str(lab.state_path),
        "config_file": str(lab.mariadb.option_file),
    }
    enough, running_jobs = tmp_path / "enough", Queue.running_jobs
    slow = {"seconds": 3600, "marker": "of the job", "until": str(enough)}
    lab.enqueue(ALPHA, "frappe.utils.background_jobs.write_slowly", "long", **slow)
    queue = Queue(lab.redis_queue_url, lab.bench_id)
    wait_until(lambda: bool(queue.running_jobs(ALPHA)), "the job")

    def end_what_is_waited_for(queue: Queue, site: str) -> list[RunningJob]:
        jobs = running_jobs(queue, site)
        enough.touch()
        return jobs

    monkeypatch.setattr(Queue, "running_jobs", end_what_is_waited_for)
    closed = run_module(site_maintenance, **options)
    assert closed["drained"]["skipped"] == ""
    assert closed["drained"]["waited_seconds"] > 0
    assert closed["drained"]["still_running"] == []
    assert ask(lab.web_port, ALPHA, "/login") == SERVICE_UNAVAILABLE
    assert ask(lab.web_port, BETA, "/login") == OK
    assert run_module(site_maintenance, **options, state="absent")["changed"]
    assert ask(lab.web_port, ALPHA, "/login") == OK
