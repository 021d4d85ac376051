"""The playbook lifeboat.frappe.diagnose and the modules error_log_info and site_diagnosis, on the embedded bench."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service_control import start_service
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.failed_jobs import read_failed_jobs
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import run_command
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import error_log_info, site_diagnosis
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.known_errors import known_errors

from tests.lab import Lab
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

SITE = "alpha.localhost"
PLAYBOOK = "lifeboat.frappe.diagnose"
PERSON = "jane.doe@example.com"
TRACE = f"""Traceback (most recent call last):
  File "/x/apps/frappe/frappe/database/database.py", line 227, in sql
    self.execute_query(query, values)
pymysql.err.IntegrityError: (1062, "Duplicate entry '{PERSON}' for key 'email'")
"""


class OnCall:
    """The person who was called."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "hosts"
        self.inventory.write_text(LOCAL_HOST)
        state = {"lifeboat_diagnosis_state_path": str(folder / "state"), "lifeboat_become": False}
        self.variables = {**lab.variables, **state, "lifeboat_diagnosis_error_hours": 24}

    def run(self, *arguments: str, **variables: Any) -> Run:
        run = run_playbook(PLAYBOOK, self.inventory, {**self.variables, **variables}, arguments, cwd=self.folder)
        assert not run.complaints, run.output
        return run


@pytest.fixture
def on_call(lab: Lab, tmp_path: Path) -> OnCall:
    (lab.site_path(SITE) / "site_config.json").chmod(0o640)
    return OnCall(lab, tmp_path)


@pytest.fixture
def dead_worker(lab: Lab) -> Iterator[str]:
    program = "frappe-bench-workers:frappe-bench-frappe-long-worker-0"
    lab.supervisorctl("stop", program)
    yield program
    lab.supervisorctl("start", program)


def look(lab: Lab, folder: Path, **options: Any) -> dict[str, Any]:
    given = {"bench_path": str(lab.bench_path), "log_paths": [], "known_errors": known_errors(), **options}
    result = run_module(error_log_info, state_path=str(folder / "state"), **given)
    assert not result["failed"], result
    return result


def test_site_that_works_passes_and_its_errors_are_explained(on_call: OnCall, lab: Lab) -> None:
    log = lab.site_path(SITE) / "logs" / "frappe.log"
    log.write_text("OSError: [Errno 28] No space left on device\n" * 50)
    run = on_call.run(site=SITE)
    log.unlink()
    assert run.exit_code == 0, run.output
    assert "nothing keeps it from working" in run.output
    assert "  50 x OSError: [Errno 28] No space left on device" in run.output
    assert "The disk is full: df -h; df -i (disk_full)" in run.output
    assert run.changed_tasks() == 0


def test_site_must_be_named(on_call: OnCall) -> None:
    run = on_call.run()
    assert run.exit_code != 0
    assert "Which site?" in run.output
    assert SITE in run.output


def test_dead_worker_fails_the_play_until_it_is_mended(on_call: OnCall, dead_worker: str) -> None:
    told = on_call.run(site=SITE, lifeboat_diagnosis_fail=False)
    assert told.exit_code == 0, told.output
    assert f"supervisorctl start {dead_worker}" in told.output

    planned = on_call.run("--check", "--diff", site=SITE, fix=True)
    assert planned.exit_code != 0
    assert f"{SITE} is not well: " in planned.output
    assert f"+{dead_worker}: running" in planned.output

    mended = on_call.run(site=SITE, fix=True)
    assert mended.exit_code == 0, mended.output
    assert f"mended: {dead_worker}: stopped -> running" in mended.output
    assert mended.changed_tasks() == 1
    assert on_call.run(site=SITE, fix=True).changed_tasks() == 0


def test_errors_of_every_source_are_one_and_masked(lab: Lab, tmp_path: Path) -> None:
    (lab.bench_path / "logs" / "frappe.log").write_text(f"2026-11-21 14:45:08,123 ERROR frappe x\n{TRACE}")
    connection = lab.connect(SITE)
    execute(
        connection,
        "INSERT INTO `tabError Log` (name, creation, modified, method, error) VALUES ('e1', %s, %s, 'Failed', %s)",
        ("2037-01-01 00:00:00", "2037-01-01 00:00:00", TRACE),
    )
    connection.commit()
    try:
        result = look(lab, tmp_path, sources=["logs", "error_log"])
        (error,) = [error for error in result["errors"] if error["known"] == "mariadb_duplicate_entry"]
        assert error["count"] >= 1
        assert "Error Log" in error["sources"]
        assert SITE in error["sites"]
        assert error["frames"] == ["frappe/frappe/database/database.py in sql"]
        assert error["title"].endswith("""(1062, "Duplicate entry '?' for key 'email'")""")
        assert PERSON not in json.dumps(result)
    finally:
        execute(connection, "DELETE FROM `tabError Log` WHERE name = 'e1'")
        connection.commit()
        connection.close()


def test_failed_job_is_read_without_a_change(lab: Lab, tmp_path: Path) -> None:
    lab.enqueue(SITE, "frappe.nowhere.work")
    with redis.Redis.from_url(lab.redis_queue_url) as queue:
        registry = f"rq:failed:{lab.bench_id}:short"
        wait_until(lambda: bool(queue.zcard(registry)), "the job to fail")
        before = {key: queue.ttl(key) > 0 for key in queue.keys("rq:job:*")}
        result = look(lab, tmp_path, sources=["jobs"])
        assert {key: queue.ttl(key) > 0 for key in queue.keys("rq:job:*")} == before
    (error,) = result["errors"]
    assert (error["known"], error["sites"]) == ("app_not_importable", [SITE])
    assert error["sources"] == ["failed jobs of short"]
    assert look(lab, tmp_path, sources=["jobs"], site="beta.localhost")["errors"] == []


def test_text_of_an_old_or_odd_job_is_read_as_text(lab: Lab) -> None:
    with redis.Redis.from_url(lab.redis_queue_url) as queue:
        key = f"rq:failed:{lab.bench_id}:odd"
        queue.zadd(key, {"a.example::1": 1, "a.example::2": 2, "a.example::3": 3, "a.example::4": 4})
        queue.hset(
            "rq:job:a.example::1", mapping={"exc_info": b"plain text", "ended_at": "2026-11-21T14:45:08.000000Z"}
        )
        queue.xadd("rq:results:a.example::2", {"type": 2, "exc_string": "a"})
        queue.xadd("rq:results:a.example::3", {"type": 2, "exc_string": b"cGxhaW4="})
        jobs = read_failed_jobs(lab.redis_queue_url, lab.bench_id, ["odd"], 0)
        assert {(job.id, job.text) for job in jobs} == {("a.example::1", "plain text"), ("a.example::3", "plain")}
        assert len(read_failed_jobs(lab.redis_queue_url, lab.bench_id, ["odd"], 2e9)) == 1, "one has no time"
        queue.delete(key, "rq:job:a.example::1", "rq:results:a.example::2", "rq:results:a.example::3")


def test_journal_is_read_where_it_is(lab: Lab, tmp_path: Path) -> None:
    first = look(lab, tmp_path, sources=["journal"], keep_cursor=True)
    assert isinstance(first["errors"], list)
    assert look(lab, tmp_path, sources=["journal"], keep_cursor=True)["since"] >= first["since"]


def test_forgotten_pause_is_ended_and_a_cache_that_may_harm_is_cleared(lab: Lab, tmp_path: Path) -> None:
    where = {"site": SITE, "bench_path": str(lab.bench_path), "state_path": str(tmp_path / "state")}
    given = {**where, "fix": True, "deadline_seconds": 60}
    path, logs = lab.site_path(SITE) / "site_config.json", lab.site_path(SITE) / "logs"
    configuration = json.loads(path.read_text())
    path.write_text(json.dumps({**configuration, "pause_scheduler": 1}))
    os.utime(path, (1, 1))
    away = logs.rename(logs.with_name("logs-away"))  # without it the lab's application answers with an error
    key = f"{configuration['db_name']}|a"
    with redis.Redis.from_url(lab.redis_cache_url) as cache:
        try:
            cache.set(key, b"x")
            run_module(site_diagnosis, **given, settle_seconds=0)
            result = run_module(site_diagnosis, **given, settle_seconds=0)
            assert not cache.exists(key)
        finally:
            away.rename(logs)
    # What is broken first is mended first: the cache is looked at once the scheduler goes on.
    assert [fix["fix"] for fix in result["fixed"]] == ["clear_cache"]
    assert json.loads(path.read_text())["pause_scheduler"] == 0
    assert run_module(site_diagnosis, **given)["healthy"]


def test_service_that_nobody_has_is_not_started(lab: Lab) -> None:
    bench = Bench(lab.bench_path)
    for manager in ("supervisor", "process"):
        with pytest.raises(LifeboatError, match="Cannot start nothing") as caught:
            start_service(Service("nothing", manager, "worker", "stopped", None), bench, run_command)
        assert caught.value.error_code == "command_failed"
