"""The module rolling_restart on real gunicorn, nginx, supervisor and RQ, while users ask and jobs run."""

from __future__ import annotations

import http.client
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import rq
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import (
    find_services,
    web_master_pids,
    web_worker_pids,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.modules import rolling_restart

from tests.lab import Lab, Prober
from tests.lab.background import Background
from tests.lab.nginx import NginxServer
from tests.lab.prober import ask
from tests.lab.processes import wait_until
from tests.modules import run_module

SITE = "alpha.localhost"
JOBS = 12


class Poster(Background):
    """Writes a row by POST after POST, which nginx never sends twice: what fails, a user loses."""

    def __init__(self, port: int) -> None:
        super().__init__("poster")
        self.port = port
        self.statuses: list[int] = []

    def _run(self) -> None:
        while not self._ending.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("POST", "/api/method/lab.write", "description=x", {"Host": SITE})
                self.statuses.append(connection.getresponse().status)
            except (OSError, http.client.HTTPException):
                self.statuses.append(0)
            finally:
                connection.close()
            self._ending.wait(0.02)


@pytest.fixture(scope="module")
def nginx(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxServer]:
    with NginxServer(tmp_path_factory.mktemp("web") / "nginx", lab.web_port) as server:
        yield server


def restart(lab: Lab, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    paths = {"bench_path": str(lab.bench_path), "state_path": str(lab.state_path)}
    return run_module(rolling_restart, check_mode=check_mode, **paths, **{"drain_seconds": 5, **options})


def masters(lab: Lab) -> list[int]:
    bench = Bench(lab.bench_path)
    return web_master_pids(bench, find_services(bench))


def put_code(lab: Lab, text: str) -> None:
    """Change the application as an update does: its answer to a new address."""
    path = lab.bench_path / "apps" / "frappe" / "frappe" / "app.py"
    source = path.read_text().partition("# new code\n")[0]
    path.write_text(f"{source}# new code\n{text}\n")
    # Later than the start of whatever runs, whose time the kernel tells to the second only.
    later = time.time() + 5
    os.utime(path, (later, later))


def put_job(lab: Lab, connection: redis.Redis, **arguments: Any) -> rq.job.Job:
    return rq.Queue(f"{lab.bench_id}:short", connection=connection).enqueue_call(
        "frappe.utils.background_jobs.execute_job",
        kwargs={"site": SITE, "method": "frappe.utils.background_jobs.write_slowly", "kwargs": arguments},
        job_id=f"{SITE}::{uuid.uuid4()}",
    )


def live_workers(lab: Lab) -> set[str]:
    return {worker.name for worker in Queue(lab.redis_queue_url, lab.bench_id).live_workers()}


def rows(lab: Lab, marker: str) -> int:
    connection = lab.connect(SITE)
    ((count,),) = fetch_all(connection, "SELECT COUNT(*) FROM tabToDo WHERE description = %s", (marker,))
    connection.close()
    return int(count)


def test_new_code_is_loaded_without_a_failed_request(lab: Lab, nginx: NginxServer) -> None:
    old_masters, old_workers = masters(lab), live_workers(lab)
    before = nginx.bench_configuration.read_text()
    put_code(lab, 'HANDLERS["/new"] = lambda _connection, _settings, _environ: _message("new")')
    with Prober(nginx.port, SITE) as prober, Poster(nginx.port) as poster:
        wait_until(lambda: bool(prober.answers and poster.statuses), "the first answers")
        planned = restart(lab, check_mode=True, when="needed")
        assert masters(lab) == old_masters
        done = restart(lab, when="needed")
    assert [step["way"] for step in done["steps"]] == ["stand_in", "restart", "warm", "warm"], done
    assert done["steps"] == planned["steps"]
    assert done["busy"] == []
    assert "its code was changed" in done["lines"][0]
    assert prober.failures() == []
    assert set(poster.statuses) == {http.client.OK}
    assert ask(nginx.port, SITE, "/new") == http.client.OK
    assert not set(masters(lab)) & set(old_masters)
    assert nginx.bench_configuration.read_text() == before
    assert not old_workers & live_workers(lab)


def test_jobs_run_exactly_once_while_their_workers_are_restarted(lab: Lab) -> None:
    slow, quick = uuid.uuid4().hex, uuid.uuid4().hex
    old = live_workers(lab)
    with redis.Redis.from_url(lab.redis_queue_url) as connection:
        jobs = [put_job(lab, connection, seconds=2, marker=slow)]
        wait_until(lambda: jobs[0].get_status() == "started", "the slow job")
        jobs += [put_job(lab, connection, seconds=0.001, marker=quick) for _number in range(JOBS)]
        late = restart(lab, services=["workers"], timeout_seconds=0)
        assert late["busy"], "it was told to end, and is not waited for"
        wait_until(lambda: len(live_workers(lab)) == 2, "the worker that waited")
        done = restart(lab, services=["workers"])
        assert [step["way"] for step in done["steps"]] == ["warm", "warm"], done
        assert not old & live_workers(lab)
        wait_until(lambda: all(job.get_status() == "finished" for job in jobs), "the jobs")
        assert rows(lab, slow) == jobs[0].return_value()
        assert rows(lab, quick) == JOBS


def test_large_workers_are_replaced_without_a_new_master(lab: Lab, nginx: NginxServer) -> None:
    bench = Bench(lab.bench_path)
    old = masters(lab)
    old_workers = set(web_worker_pids(old))
    with Poster(nginx.port) as poster:
        wait_until(lambda: bool(poster.statuses), "the first answer")
        done = restart(lab, services=["web"], when="needed", max_web_worker_bytes=1)
    assert [step["way"] for step in done["steps"]] == ["reload"], done
    assert set(poster.statuses) == {http.client.OK}
    assert web_master_pids(bench, find_services(bench)) == old
    assert not old_workers & set(web_worker_pids(old))


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('bad')", "it ended"),
        (
            "def application(environ, start_response):\n"
            "    start_response('500 Oh', [('Content-Length', '0')])\n    return [b'']\n",
            f"{SITE} answers 500",
        ),
    ],
    ids=["not imported", "not served"],
)
def test_bad_code_leaves_everything_as_it_was(lab: Lab, nginx: NginxServer, code: str, problem: str) -> None:
    old = masters(lab)
    put_code(lab, code)
    with Prober(nginx.port, SITE) as prober:
        wait_until(lambda: bool(prober.answers), "the first answer")
        refused = restart(lab)
    put_code(lab, "")
    assert refused["error_code"] == "restart_refused", refused
    assert problem in refused["msg"]
    assert prober.failures() == []
    assert masters(lab) == old
