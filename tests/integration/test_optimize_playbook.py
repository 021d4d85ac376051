"""The playbook lifeboat.frappe.optimize on the embedded bench: plan, change with before and after, nothing left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue

from tests.lab import Lab, Prober
from tests.lab.nginx import NginxServer
from tests.lab.processes import wait_until
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

SITE = "alpha.localhost"
PLAYBOOK = "lifeboat.frappe.optimize"


def test_plan_then_change_then_nothing(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text(LOCAL_HOST)

    def run(*arguments: str) -> Run:
        said = {"apply": "restart,redis", "clear_cache": SITE, "lifeboat_performance_seconds": 0.4}
        done = run_playbook(
            PLAYBOOK,
            inventory,
            {**lab.variables, "lifeboat_become": False, "lifeboat_performance_drain_seconds": 5, **said},
            arguments,
            cwd=tmp_path,
        )
        assert done.exit_code == 0, done.output
        assert not done.complaints, done.output
        return done

    def workers() -> set[str]:
        return {worker.name for worker in Queue(lab.redis_queue_url, lab.bench_id).live_workers()}

    old = workers()
    code = lab.bench_path / "apps" / "frappe" / "frappe" / "app.py"
    later = time.time() + 5
    os.utime(code, (later, later))
    with redis.Redis.from_url(lab.redis_queue_url, decode_responses=True) as queue:
        queue.config_set("save", "")
        with NginxServer(tmp_path / "nginx", lab.web_port) as nginx, Prober(nginx.port, SITE) as prober:
            wait_until(lambda: bool(prober.answers), "the first answer")
            planned = run("--check")
            assert "redis: queue save: from nothing to 3600 1 300 100 60 10000" in planned.output
            assert "stand_in, because its code was changed" in planned.output
            assert workers() == old
            assert queue.config_get("save") == {"save": ""}
            done = run()
            assert prober.failures() == []
        assert queue.config_get("save") == {"save": "3600 1 300 100 60 10000"}
    assert not workers() & old
    assert "memory of a web worker: " in done.output
    os.utime(code, (later - 3600, later - 3600))
    with redis.Redis.from_url(lab.redis_cache_url) as cache:
        db_name = lab.site_config(SITE)["db_name"]
        for key in cache.scan_iter(f"{db_name}|*"):
            cache.unlink(key)
    again = run()
    assert "Nothing to restart" in again.output
    assert "Cache and queue are set as they should be." in again.output
