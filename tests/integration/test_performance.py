"""The modules performance_info, worker_counts and redis_settings on real gunicorn, supervisor, RQ and Redis."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.modules import performance_info, redis_settings, worker_counts

from tests.lab import Lab, RedisServer
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.web_processes import web_processes


def options(lab: Lab, **others: Any) -> dict[str, Any]:
    return {"bench_path": str(lab.bench_path), "state_path": str(lab.state_path), **others}


def test_bench_is_measured_and_not_touched(lab: Lab) -> None:
    later = time.time() + 5
    os.utime(lab.bench_path / "apps" / "frappe" / "frappe" / "app.py", (later, later))
    found = run_module(performance_info, **options(lab, seconds=1, config_file=str(lab.mariadb.option_file)))
    assert not found["changed"]
    assert found["measures"]["web_workers"] == 2
    assert set(found["measures"]["response_seconds"]) == set(lab.sites)
    assert [group["count"] for group in found["measures"]["groups"]] == [1, 1]
    (restart,) = [each["reason"] for each in found["advice"] if each["action"] == "restart"]
    assert "no nginx of this host" in restart
    assert not [each for each in found["advice"] if each["action"] == "redis"]
    os.utime(lab.bench_path / "apps" / "frappe" / "frappe" / "app.py", (0, 0))
    again = run_module(
        performance_info,
        **options(lab, seconds=1, before=found["measures"], config_file=str(lab.mariadb.option_file)),
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
        live = len(Queue(lab.redis_queue_url, lab.bench_id).live_workers())
        return common["gunicorn_workers"], common["background_workers"], web_processes(lab), live

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
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as queue:
        assert queue.config_get("save") == {"save": "3600 1 300 100 60 10000"}
