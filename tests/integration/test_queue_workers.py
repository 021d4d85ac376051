"""Ending a worker of RQ at the right moment, with a process in its place whose state in Redis is what a test wants."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.queue_workers import (
    QueueWorker,
    ask_to_end,
    find_queue_workers,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.worker_restart import restart_worker
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import RedisServer
from tests.lab.processes import wait_until

KEY = "rq:worker:w"
# Waits as RQ does, with BLPOP; what it was handed it could not give back.
WAITING = "import sys, redis; print(redis.Redis(port=int(sys.argv[1])).blpop('rq:queue:b:short'), flush=True)"


@pytest.fixture
def connection(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as connection:
        yield connection


@pytest.fixture
def process(redis_server: RedisServer) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", WAITING, str(redis_server.port)], stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def register(connection: redis.Redis, pid: int, **fields: str) -> QueueWorker:
    connection.sadd("rq:workers", KEY)
    known = {"pid": str(pid), "hostname": socket.gethostname(), "queues": "b:short", "birth": "x", "state": "idle"}
    connection.hset(KEY, mapping={**known, **fields})
    return QueueWorker("w", pid, ("short",), None, 0.0)


def waits(connection: redis.Redis) -> bool:
    return connection.info("clients")["blocked_clients"] == 1


def test_waiting_worker_is_ended_with_nothing_in_its_hands(
    redis_server: RedisServer, connection: redis.Redis, process: subprocess.Popen[bytes]
) -> None:
    worker = register(connection, process.pid)
    wait_until(lambda: waits(connection), "the worker")
    assert ask_to_end(redis_server.url, worker, 60)
    connection.rpush("rq:queue:b:short", "job")
    assert process.wait() == -signal.SIGTERM
    assert connection.llen("rq:queue:b:short") == 1


def test_worker_that_is_neither_busy_nor_waits_is_left_alone(
    redis_server: RedisServer, connection: redis.Redis, process: subprocess.Popen[bytes]
) -> None:
    wait_until(lambda: waits(connection), "the worker")
    connection.rpush("rq:queue:b:short", "job")
    wait_until(lambda: connection.llen("rq:queue:b:short") == 0, "its job")
    os.kill(process.pid, signal.SIGSTOP)
    worker = register(connection, process.pid)
    sent: list[int] = []
    assert not ask_to_end(redis_server.url, worker, 0.1, lambda _pid, number: sent.append(number))
    assert set(sent) == {signal.SIGSTOP, signal.SIGCONT}
    assert not restart_worker(worker, redis_server.url, Queue(redis_server.url, "b"), 0, lambda: None)
    os.kill(process.pid, signal.SIGCONT)


def test_busy_worker_is_told_once(
    redis_server: RedisServer, connection: redis.Redis, process: subprocess.Popen[bytes]
) -> None:
    worker = register(connection, process.pid, state="busy")
    sent: list[int] = []
    assert ask_to_end(redis_server.url, worker, 60, lambda _pid, number: sent.append(number))
    assert sent == [signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT]
    connection.hset(KEY, "shutdown_requested_date", "2026-11-21T22:00:00.000000Z")
    assert ask_to_end(redis_server.url, worker, 60, lambda _pid, number: sent.append(number))
    assert len(sent) == 3
    process.kill()
    process.wait()
    assert ask_to_end(redis_server.url, worker, 60)


def test_worker_without_a_successor_is_told(
    redis_server: RedisServer, connection: redis.Redis, process: subprocess.Popen[bytes]
) -> None:
    worker = register(connection, process.pid)
    wait_until(lambda: waits(connection), "the worker")
    queue = Queue(redis_server.url, "b")
    seconds = itertools.count(step=3)
    started: list[bool] = []

    def start_again() -> None:
        started.append(True)

    with pytest.raises(LifeboatError, match="none took its place") as caught:
        restart_worker(worker, redis_server.url, queue, 1_000_000, start_again, lambda: next(seconds))
    assert caught.value.error_code == "restart_failed"
    assert started == [True]


def test_workers_of_this_host_are_found(redis_server: RedisServer, connection: redis.Redis) -> None:
    queue = Queue(redis_server.url, "b", hostname="elsewhere")
    register(connection, os.getpid(), hostname="somewhere")
    host = Host("host", Surroundings(), [])
    assert find_queue_workers(queue, "elsewhere", [], host) == []
    (found,) = find_queue_workers(queue, "somewhere", [], host)
    assert (found.pid, found.queues, found.service) == (os.getpid(), ("short",), None)
