"""The cached keys of one site go, in whatever state a cleanup before was killed, and nothing else in the same Redis."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import cache
from ansible_collections.lifeboat.frappe.plugins.modules import cleanup

from tests.cleanup_folder import make_bench
from tests.lab import RedisServer
from tests.modules import run_module

LASTING = {"_a|monitor-transactions", "_a|insert_queue_for_Error Log", "_a|session", "_a|rl:login:1.2.3.4"}
LASTING |= {"_a|login_failed_count", "_a|agent-jobs-1"}
OTHERS = {"_ab|doctype", "rq:job:a.example::1", "assets_json"}
CACHED = {f"_a|key {number}" for number in range(8)}


@pytest.fixture
def onlooker(redis_server: RedisServer) -> Iterator[redis.Redis]:
    onlooker = redis.Redis.from_url(redis_server.url)
    for key in LASTING | OTHERS | CACHED:
        onlooker.set(key, time.time())
    yield onlooker
    onlooker.close()


def keys(onlooker: redis.Redis) -> set[str]:
    return {key.decode() for key in onlooker.scan_iter()}


def run(folder: Path, url: str, **options: Any) -> dict[str, Any]:
    bench_path = folder / "frappe-bench"
    if not bench_path.exists():
        package = make_bench(folder).apps_path / "press" / "press"
        package.mkdir(parents=True)
        (package / "hooks.py").write_text('app_name = "press"\npersistent_cache_keys = ["agent-jobs*"]\n')
    (bench_path / "sites" / "common_site_config.json").write_text(json.dumps({"redis_cache": url}))
    paths = {"bench_path": str(bench_path), "state_path": str(folder / "state")}
    return run_module(cleanup, **paths, rules={"site_cache": {"sites": ["a.example", "other.example"]}}, **options)


@pytest.mark.promise(25)
def test_keys_of_the_site_go_once(tmp_path: Path, redis_server: RedisServer, onlooker: redis.Redis) -> None:
    planned = run(tmp_path, redis_server.url, check_mode=True)
    assert (planned["changed"], planned["rules"]["site_cache"]["items"]) == (True, 8)
    assert keys(onlooker) >= CACHED
    assert run(tmp_path, redis_server.url)["tasks"][0]["count"] == 8
    assert keys(onlooker) == LASTING | OTHERS
    assert not run(tmp_path, redis_server.url)["changed"]


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(
    tmp_path: Path, redis_server: RedisServer, onlooker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "BATCH_KEYS", 3)

    def clean() -> None:
        batches = 0
        unlink = redis.Redis.unlink

        def counted(*arguments: Any) -> Any:
            nonlocal batches
            batches += 1
            if batches == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return unlink(*arguments)

        redis.Redis.unlink = counted
        run(tmp_path, redis_server.url)

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(keys(onlooker) & CACHED) == 5
    assert run(tmp_path, redis_server.url)["tasks"][0]["count"] == 5
    assert keys(onlooker) == LASTING | OTHERS


def test_cache_that_does_not_answer_is_refused(tmp_path: Path, onlooker: redis.Redis) -> None:
    done = run(tmp_path, "redis://127.0.0.1:1")
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "redis_unavailable")
    assert keys(onlooker) >= CACHED
