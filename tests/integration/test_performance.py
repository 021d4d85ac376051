"""The playbook lifeboat.frappe.optimize and its modules performance_info, worker_counts and redis_settings."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
import rq
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import web_worker_pids
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_run import CountRequest, run_counts
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.info import InfoRequest, look_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.redis_run import (
    RedisRequest,
    planned_changes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import (
    performance_info,
    redis_settings,
    rolling_restart,
    worker_counts,
)

from tests.lab import Lab, Prober, RedisServer, Writer
from tests.lab.nginx import NginxServer
from tests.lab.prober import ask
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook
from tests.web_processes import web_masters

SITE = "alpha.localhost"
PLAYBOOK = "lifeboat.frappe.optimize"
JOBS = 12


def options(lab: Lab, **others: Any) -> dict[str, Any]:
    return {"bench_path": str(lab.bench_path), "state_path": str(lab.state_path), **others}


def live_workers(lab: Lab) -> set[str]:
    return {worker.name for worker in Queue(lab.redis_queue_url, lab.bench_id).live_workers()}


def test_bench_is_measured_and_not_touched(lab: Lab) -> None:
    later = time.time() + 5
    os.utime(lab.bench_path / "apps" / "frappe" / "frappe" / "app.py", (later, later))
    found = run_module(performance_info, **options(lab, seconds=1, config_file=str(lab.mariadb.option_file)))
    assert not found["changed"]
    assert found["measures"]["web_workers"] == 2
    assert set(found["measures"]["response_seconds"]) == set(lab.sites)
    assert [group["count"] for group in found["measures"]["groups"]] == [1, 1]
    (refused,) = [each["reason"] for each in found["advice"] if each["reason"].startswith("Refused to restart")]
    assert "no nginx of this host" in refused
    assert not [each for each in found["advice"] if each["action"] == "restart"]
    assert not [each for each in found["advice"] if each["action"] == "redis"]
    os.utime(lab.bench_path / "apps" / "frappe" / "frappe" / "app.py", (0, 0))
    again = look_at(
        InfoRequest(
            bench=Bench(lab.bench_path),
            state_path=lab.state_path,
            login=lab.login,
            seconds=0.4,
            probe_path="/login",
            most_web_worker_bytes=1024**3,
            before=found["measures"],
        )
    )
    assert any(line.startswith("memory of Redis queue: ") for line in again["lines"])


def test_redis_gets_what_each_role_needs_and_what_it_had(lab: Lab) -> None:
    configuration = lab.bench_path / "config" / "redis_queue.conf"
    with redis.Redis.from_url(lab.redis_queue_url, decode_responses=True) as queue:
        queue.config_set("maxmemory-policy", "allkeys-lru")
        queue.config_set("save", "")
        queue.set("kept", "yes")
        keys = queue.dbsize()
        planned = run_module(redis_settings, check_mode=True, **options(lab))
        assert [change["name"] for change in planned["changes"]] == ["maxmemory-policy", "save"]
        assert queue.config_get("save") == {"save": ""}
        done = run_module(redis_settings, **options(lab))
        assert done["changes"] == planned["changes"]
        assert queue.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert "\nmaxmemory-policy noeviction\n" in configuration.read_text()
        assert "\nsave 3600 1 300 100 60 10000\n" in configuration.read_text()
        assert not run_module(redis_settings, **options(lab))["changed"]
        assert run_module(redis_settings, **options(lab, state="restored"))["changed"]
        assert queue.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        assert not run_module(redis_settings, **options(lab, state="restored"))["changed"]
        assert queue.dbsize() == keys
        run_module(redis_settings, **options(lab))


def test_numbers_of_workers_are_set_and_put_back(lab: Lab) -> None:
    def numbers() -> tuple[int, int, int, int]:
        common = json.loads((lab.sites_path / "common_site_config.json").read_text())
        counts = len(web_worker_pids(masters)), len(live_workers(lab))
        return (common["gunicorn_workers"], common["background_workers"], *counts)

    masters = web_masters(lab)
    wanted = options(lab, seconds=0.4, gunicorn_workers=3, background_workers=2, apply=True)
    before = (lab.bench_path / "config" / "supervisor.conf").read_text()
    proposed = run_module(worker_counts, **options(lab, seconds=0.4))
    assert not proposed["changed"]
    assert [each["proposed"] for each in proposed["proposals"]] == [2, 1]
    assert run_module(worker_counts, check_mode=True, **wanted)["changed"]
    assert numbers() == (2, 1, 2, 2)
    done = run_module(worker_counts, **wanted)
    assert done["changed"], done
    wait_until(lambda: numbers() == (3, 2, 3, 4), "the new numbers")
    assert not run_module(worker_counts, **wanted)["changed"]
    restored = run_module(worker_counts, **options(lab, state="restored", apply=True))
    assert restored["changed"], restored
    wait_until(lambda: numbers() == (2, 1, 2, 2), "the old numbers")
    assert (lab.bench_path / "config" / "supervisor.conf").read_text() == before
    assert not run_module(worker_counts, **options(lab, state="restored", apply=True))["changed"]


def test_supervisor_that_refuses_the_new_number_is_told(lab: Lab) -> None:
    wanted = {"gunicorn_workers": 2, "background_workers": 2}
    asked: list[list[str]] = []

    def refuse(arguments: Sequence[str]) -> CommandResult:
        asked.append(list(arguments))
        return CommandResult(tuple(arguments), 2, "ERROR (no such group)", "")

    request = CountRequest(Bench(lab.bench_path), lab.state_path, wanted, 0.4, "/login", True, False, refuse)
    with pytest.raises(LifeboatError, match="supervisor refuses it"):
        run_counts(request)
    assert [words[-1] for words in asked] == ["reread", "frappe-bench-workers"]
    remembered = json.loads(request.originals_path.read_bytes())
    stopped = {**remembered, "programs": {**remembered["programs"], "b-frappe-short-worker@.service": 1}}
    request.originals_path.write_text(json.dumps(stopped))
    restored = run_module(worker_counts, **options(lab, state="restored", apply=True))
    assert restored["changed"]
    assert restored["lines"][-1].startswith("b-frappe-short-worker@.service is not loaded")
    assert json.loads(request.originals_path.read_bytes()) == stopped
    request.originals_path.write_text(json.dumps(remembered))
    assert not run_module(worker_counts, **options(lab, state="restored", apply=True))["changed"]
    assert not request.originals_path.exists()


def test_more_workers_than_the_memory_takes_are_refused(lab: Lab) -> None:
    refused = run_module(worker_counts, **options(lab, seconds=0.4, gunicorn_workers=100_000, apply=True))
    assert refused["error_code"] == "counts_refused"


def test_one_server_for_cache_and_queue_is_refused(lab: Lab) -> None:
    path = lab.sites_path / "common_site_config.json"
    text = path.read_text()
    path.write_text(json.dumps({**json.loads(text), "redis_queue": f"{lab.redis_cache_url}/1"}))
    refused = run_module(redis_settings, **options(lab))
    path.write_text(text)
    assert refused["error_code"] == "redis_shared"


def test_remembered_text_that_is_no_value_is_not_set(lab: Lab) -> None:
    (folder,) = [each for each in lab.state_path.iterdir() if each.name.startswith("-")]
    (folder / "redis-settings.json").write_text('{"queue": {"save": "1 1\\nrename-command x"}}')
    refused = run_module(redis_settings, **options(lab, state="restored"))
    (folder / "redis-settings.json").unlink()
    assert refused["error_code"] == "configuration_refused"


def test_server_without_a_file_here_is_set_live_and_that_is_said(lab: Lab, redis_server: RedisServer) -> None:
    path = lab.sites_path / "common_site_config.json"
    text = path.read_text()
    path.write_text(json.dumps({**json.loads(text), "redis_queue": redis_server.url}))
    done = run_module(redis_settings, **options(lab))
    path.write_text(text)
    assert done["lines"][-1].startswith("queue: its configuration file is not on this host")
    assert planned_changes(RedisRequest(Bench(lab.bench_path), lab.state_path, ("cache", "queue"), None, True)) == []
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as queue:
        assert queue.config_get("save") == {"save": "3600 1 300 100 60 10000"}


def put_job(lab: Lab, connection: redis.Redis, **arguments: Any) -> rq.job.Job:
    return rq.Queue(f"{lab.bench_id}:short", connection=connection).enqueue_call(
        "frappe.utils.background_jobs.execute_job",
        kwargs={"site": SITE, "method": "frappe.utils.background_jobs.write_slowly", "kwargs": arguments},
        job_id=f"{SITE}::{uuid.uuid4()}",
    )


def rows(lab: Lab, marker: str) -> int:
    connection = lab.connect(SITE)
    ((count,),) = fetch_all(connection, "SELECT COUNT(*) FROM tabToDo WHERE description = %s", (marker,))
    connection.close()
    return int(count)


def test_jobs_run_exactly_once_while_their_workers_are_restarted(lab: Lab, tmp_path: Path) -> None:
    slow, quick = uuid.uuid4().hex, uuid.uuid4().hex
    old, enough = live_workers(lab), tmp_path / "enough"
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        jobs = [put_job(lab, connection, seconds=3600, marker=slow, until=str(enough))]
        wait_until(lambda: jobs[0].get_status() == "started", "the slow job")
        jobs += [put_job(lab, connection, seconds=0.001, marker=quick) for _number in range(JOBS)]
        late = run_module(rolling_restart, **options(lab, services=["workers"], timeout_seconds=0))
        assert late["busy"], "it was told to end, and is not waited for"
        # The one with the slow job was told already: told again, RQ would end it in the middle of the job.
        others = options(lab, services=["workers", "scheduler"])
        planned = run_module(rolling_restart, check_mode=True, **others)
        assert not planned["failed"], planned
        assert planned["steps"][0]["way"] == "restart"
        threading.Timer(1, enough.touch).start()
        done = run_module(rolling_restart, **others)
        assert not done["failed"], done
        wait_until(lambda: len(live_workers(lab) - old) == len(old), "the new workers")
        wait_until(lambda: all(job.get_status() == "finished" for job in jobs), "the jobs")
        assert rows(lab, slow) == jobs[0].return_value()
        assert rows(lab, quick) == JOBS


def test_plan_then_change_then_nothing(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text(LOCAL_HOST)

    def run(*arguments: str, apply: str = "restart,redis") -> Run:
        said = {"apply": apply, "clear_cache": SITE, "lifeboat_performance_seconds": 0.4}
        done = run_playbook(
            PLAYBOOK,
            inventory,
            {**lab.variables, "lifeboat_become": False, "lifeboat_performance_drain_seconds": 120, **said},
            arguments,
            cwd=tmp_path,
        )
        assert done.exit_code == 0, done.output
        assert not done.complaints, done.output
        return done

    old = live_workers(lab)
    code = lab.bench_path / "apps" / "frappe" / "frappe" / "app.py"
    code.write_text(f'{code.read_text()}\n\nHANDLERS["/new"] = lambda *_arguments: _message("new")\n')
    # Later than the start of whatever runs, whose time the kernel tells to the second only.
    later = time.time() + 5
    os.utime(code, (later, later))
    with redis.Redis.from_url(lab.redis_queue_url, decode_responses=True) as queue:
        queue.config_set("save", "")
        with NginxServer(tmp_path / "nginx", lab.web_port) as nginx, Prober(nginx.port, SITE) as prober:
            configuration = nginx.bench_configuration.read_text()
            wait_until(lambda: bool(prober.answers), "the first answer")
            planned = run("--check", apply="restart,redis,kernel")
            assert "redis: queue save: from nothing to 3600 1 300 100 60 10000" in planned.output
            assert "a second web server serves while it is restarted, because its code was changed" in planned.output
            assert live_workers(lab) == old
            assert queue.config_get("save") == {"save": ""}
            # What is posted is never sent twice by nginx: what fails, a user loses.
            with Writer(lab, SITE, port=nginx.port) as writer:
                done = run()
            assert prober.failures() == []
            assert writer.refused_at == []
            assert writer.acknowledged
            assert ask(nginx.port, SITE, "/new") == http.client.OK
            assert nginx.bench_configuration.read_text() == configuration
        assert queue.config_get("save") == {"save": "3600 1 300 100 60 10000"}
    assert not live_workers(lab) & old
    assert "memory of a web worker: " in done.output
    os.utime(code, (later - 3600, later - 3600))
    with redis.Redis.from_url(lab.redis_cache_url) as cache:
        db_name = lab.site_config(SITE)["db_name"]
        for key in cache.scan_iter(f"{db_name}|*"):
            cache.unlink(key)
    again = run()
    assert "Nothing to restart" in again.output
    assert "Cache and queue are set as they should be." in again.output
    for url in (lab.redis_queue_url, lab.redis_cache_url):
        with redis.Redis.from_url(url, decode_responses=True) as connection:
            assert not {"cmdstat_flushall", "cmdstat_flushdb"} & set(connection.info("commandstats")), url
