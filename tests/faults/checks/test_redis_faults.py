"""Faults of Redis servers, made for real on servers of their own."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import USUAL, Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

from tests.check_runs import LONG_PATIENCE, run_one
from tests.lab import RedisServer
from tests.lab.layout import write_configuration
from tests.lab.processes import free_port, listens, start_child, stop_child, wait_until
from tests.lab.redis_server import redis_server_program

# A busy machine delays an answer by more than the 10 ms that are to be told of; what holds Redis up here is slower.
UNHURRIED = {"R01": {"warning": "1"}, "R10": {"warning": "0.1"}}


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as connection:
        yield connection


def look(
    check_id: str,
    server: RedisServer,
    role: str = "queue",
    url: str = "",
    patience: Patience = LONG_PATIENCE,
    **options: Any,
) -> list[Finding]:
    target = RedisInstance("redis", Surroundings(patience=patience), url or server.url, [role])
    return run_one(check_id, target, thresholds=UNHURRIED, **options)


def look_after(
    check_id: str, server: RedisServer, role: str = "queue", *, doing: Callable[[], None] = lambda: None
) -> list[Finding]:
    """Look at what was counted since an earlier run, which was a second before something was done."""
    earlier = RedisInstance("redis", Surroundings(patience=LONG_PATIENCE), server.url, [role]).read_sample()
    history = History(samples={"redis": replace(earlier, at_seconds=earlier.at_seconds - 1)})
    doing()
    target = RedisInstance("redis", Surroundings(patience=LONG_PATIENCE, history=history), server.url, [role])
    return run_one(check_id, target, sample_seconds=0)


def severities(findings: list[Finding]) -> dict[str, str]:
    return {finding.item: finding.severity for finding in findings}


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


@contextmanager
def listener() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        yield mute.getsockname()[1]


@pytest.mark.check("R01")
def test_each_stage_that_fails_is_named(redis_server: RedisServer, server: redis.Redis) -> None:
    def stage(url: str = "", patience: Patience = LONG_PATIENCE) -> str:
        finding = only(look("R01", redis_server, url=url, patience=patience))
        assert finding.severity == "critical"
        assert "hidden" not in str(finding)
        return finding.text.split(":")[0].rpartition(" ")[2]

    assert only(look("R01", redis_server)).severity == "ok"
    assert stage("http://127.0.0.1") == stage("redis://127.0.0.1:port") == "address"
    assert stage(f"redis://no-such-host.invalid:{redis_server.port}") == "name"
    with listener() as port:
        assert stage(f"redis://127.0.0.1:{port}", USUAL) == "answer"
    assert stage(f"redis://127.0.0.1:{port}") == "connection"
    assert stage("unix:///no/such/socket") == "connection"
    server.config_set("requirepass", "hidden")
    assert stage() == stage(redis_server.url.replace("//", "//:hidden-wrong@")) == "account"
    with_password = redis_server.url.replace("//", "//:hidden@")
    assert only(look("R01", redis_server, url=with_password)).severity == "ok"
    server.execute_command("AUTH", "hidden")
    server.config_set("requirepass", "")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server.replicaof("127.0.0.1", nobody.getsockname()[1])
        assert stage() == "role"
        server.replicaof("NO", "ONE")
    assert redis_server.process
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    assert stage(patience=USUAL) == "answer"
    os.kill(redis_server.process.pid, signal.SIGCONT)
    assert only(look("R01", redis_server)).severity == "ok"
    redis_server.stop()
    assert stage() == "connection"
    redis_server.start()
    assert only(look("R01", redis_server)).severity == "ok"


@pytest.mark.check("R01")
def test_server_that_loads_its_data_says_so(redis_server: RedisServer, server: redis.Redis) -> None:
    with server.pipeline(transaction=False) as pipeline:
        for number in range(30_000):
            pipeline.set(f"key-{number}", "x" * 100)
        pipeline.execute()
    server.save()
    redis_server.stop()
    slow_start = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"]
    program = str(redis_server_program(redis_server.folder / "bin"))
    command = [program, "--port", str(redis_server.port), "--dir", str(redis_server.folder), *slow_start]
    child = start_child(command, redis_server.folder / "slow.log")
    try:
        wait_until(lambda: listens(redis_server.port), "Redis that loads slowly", child)
        assert "stage data: it still loads" in only(look("R01", redis_server)).text
        server.config_set("key-load-delay", 0)
        wait_until(lambda: only(look("R01", redis_server)).severity == "ok", "the end of the loading", child)
    finally:
        stop_child(child)


@pytest.mark.check("R01")
def test_server_that_takes_no_more_clients_says_so(redis_server: RedisServer, server: redis.Redis) -> None:
    server.config_set("maxclients", 1)
    assert "too many clients" in only(look("R01", redis_server)).text
    server.config_set("maxclients", 1000)
    assert only(look("R01", redis_server)).severity == "ok"


@pytest.fixture
def two_servers(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    with RedisServer(tmp_path / "cache") as cache, RedisServer(tmp_path / "queue") as queue:
        with redis.Redis.from_url(cache.url) as connection:
            connection.config_set("maxmemory", "8mb")
            connection.config_set("maxmemory-policy", "allkeys-lru")
        yield cache, queue


@pytest.mark.check("R02")
def test_policies_that_are_wrong_for_what_a_server_is_for(
    two_servers: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    cache, queue = two_servers
    bench = Bench(tmp_path / "bench")
    bench.sites_path.mkdir(parents=True)

    def policies(queue_url: str = queue.url) -> dict[str, str]:
        addresses = {"redis_cache": cache.url, "redis_queue": queue_url}
        write_configuration(bench.common_config_path, addresses)
        return severities(run_one("R02", BenchTarget(bench, Surroundings(patience=LONG_PATIENCE))))

    right = {"queue": "ok", "cache": "ok", "shared": "ok"}
    assert policies() == right
    with redis.Redis.from_url(queue.url) as connection:
        connection.config_set("maxmemory-policy", "allkeys-lru")
        assert policies() == {**right, "queue": "warning"}
        connection.config_set("maxmemory", "100mb")
        assert policies() == {**right, "queue": "critical"}
        connection.config_set("maxmemory-policy", "noeviction")
        assert policies() == right
    with redis.Redis.from_url(cache.url) as connection:
        connection.config_set("maxmemory", "0")
        assert policies() == {**right, "cache": "warning"}
        connection.config_set("maxmemory", "8mb")
        connection.config_set("maxmemory-policy", "noeviction")
        assert policies() == {**right, "cache": "warning"}
        assert policies(f"{cache.url}/1") == {"queue": "ok", "cache": "warning", "shared": "critical"}
        connection.config_set("maxmemory-policy", "allkeys-lfu")
    assert policies() == right


def fill(server: redis.Redis, mebibytes: int) -> None:
    for number in range(mebibytes * 10):
        server.set(f"filled-{number}", os.urandom(50 * 1024).hex())


@pytest.mark.check("R03")
def test_evictions_while_it_looks(redis_server: RedisServer, server: redis.Redis) -> None:
    def write() -> None:
        with server.pipeline(transaction=False) as pipeline:
            for number in range(5000):
                pipeline.set(f"new-{number}", "x" * 2000)
            pipeline.execute()

    server.config_set("maxmemory", "4mb")
    server.config_set("maxmemory-policy", "allkeys-lru")
    assert only(look_after("R03", redis_server, "cache", doing=write)).severity == "warning"
    assert only(look_after("R03", redis_server, "queue", doing=write)).severity == "critical"
    assert only(look_after("R03", redis_server, "queue")).severity == "ok"


@pytest.mark.check("R04")
def test_memory_that_fills_up(redis_server: RedisServer, server: redis.Redis) -> None:
    server.config_set("maxmemory", "20mb")
    server.config_set("maxmemory-policy", "noeviction")
    assert only(look("R04", redis_server)).severity == "ok"
    fill(server, 14)
    assert only(look("R04", redis_server)).severity == "warning"
    with pytest.raises(redis.OutOfMemoryError):
        fill(server, 40)
    assert only(look("R04", redis_server)).severity == "critical"
    assert only(look("R04", redis_server, "cache")).severity == "critical"
    server.config_set("maxmemory-policy", "allkeys-lru")
    assert only(look("R04", redis_server, "cache")).severity == "ok"
    server.flushall()
    server.config_set("maxmemory", 0)
    found = only(look("R04", redis_server))
    assert (found.severity, "of the host" in found.text) == ("ok", True)


@pytest.mark.check("R05")
def test_snapshot_that_cannot_be_written(redis_server: RedisServer, server: redis.Redis) -> None:
    server.config_set("save", "3600 1")
    assert only(look("R05", redis_server)).severity == "ok"
    server.set("job", "x")
    # A folder in place of the file fails for root as well, as a full file system does.
    in_the_way = redis_server.folder / "dump.rdb"
    in_the_way.mkdir()
    (in_the_way / "full").touch()
    server.bgsave()
    wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", "the snapshot that fails")
    with pytest.raises(redis.ResponseError, match="MISCONF"):
        server.set("job", "y")
    for role in ("queue", "cache"):
        found = only(look("R05", redis_server, role))
        assert (found.severity, "writes are refused" in found.text) == ("critical", True)
        assert "stage writes" in only(look("R01", redis_server, role)).text
    server.config_set("save", "")
    assert only(look("R05", redis_server, "cache")).severity == "warning"
    server.config_set("save", "3600 1")
    (in_the_way / "full").unlink()
    in_the_way.rmdir()
    server.bgsave()
    wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "ok", "the snapshot")
    assert only(look("R05", redis_server)).severity == "ok"


@pytest.mark.check("R05")
def test_snapshot_that_is_long_due_and_a_queue_that_keeps_nothing(
    redis_server: RedisServer, server: redis.Redis
) -> None:
    assert only(look("R05", redis_server)).severity == "warning"
    # A cache that keeps nothing is as bench sets it up.
    assert only(look("R05", redis_server, "cache")).severity == "skipped"
    server.config_set("appendonly", "yes")
    assert only(look("R05", redis_server)).severity == "ok"
    server.config_set("appendonly", "no")
    server.config_set("save", "1 100 86400 1")
    server.set("job", "x")
    started = server.info("persistence")["rdb_last_save_time"]
    for age_seconds, severity in ((86_400, "ok"), (3 * 86_400, "warning")):
        surroundings = Surroundings(patience=LONG_PATIENCE, now=lambda age=age_seconds: started + age)  # type: ignore[misc]
        target = RedisInstance("redis", surroundings, redis_server.url, ["queue"])
        assert only(run_one("R05", target)).severity == severity
    server.save()
    assert only(look("R05", redis_server)).severity == "ok"


@pytest.mark.check("R06")
def test_memory_in_fragments(redis_server: RedisServer, server: redis.Redis) -> None:
    assert severities(look("R06", redis_server)) == {"": "ok"}
    with server.pipeline(transaction=False) as pipeline:
        for number in range(60_000):
            pipeline.set(f"key-{number}", "x" * 1000)
        pipeline.execute()
        for number in range(60_000):
            if number % 8:
                pipeline.delete(f"key-{number}")
        pipeline.execute()
    # Redis looks ten times a second at how much of it is resident.
    wait_until(lambda: severities(look("R06", redis_server))[""] == "warning", "the fragments")
    server.flushall()
    assert severities(look("R06", redis_server)) == {"": "ok"}


@pytest.mark.check("R07")
def test_cache_that_is_asked_in_vain(redis_server: RedisServer, server: redis.Redis) -> None:
    server.set("there", "x")

    def while_reading(hits: int, misses: int) -> Finding:
        def read() -> None:
            with server.pipeline() as pipeline:
                for number in range(hits + misses):
                    pipeline.get("there" if number < hits else "gone")
                pipeline.execute()

        return only(look_after("R07", redis_server, "cache", doing=read))

    assert while_reading(100, 1900).severity == "critical"
    assert while_reading(1400, 600).severity == "warning"
    assert while_reading(1900, 100).severity == "ok"
    assert while_reading(1, 99).severity == "skipped"
    assert only(look("R07", redis_server, "queue")).severity == "skipped"


@pytest.mark.check("R08")
def test_clients_up_to_the_limit(redis_server: RedisServer, server: redis.Redis) -> None:
    calm = {"": "ok", "refused": "ok"}

    def connect(count: int) -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", redis_server.port)) for _number in range(count)]

    def wait_for_clients(count: int) -> None:
        wait_until(lambda: server.info("clients")["connected_clients"] == count, f"{count} clients")

    def knock() -> None:
        for client in connect(120):
            client.close()
        wait_until(lambda: server.info("stats")["rejected_connections"] > 0, "a refusal")
        wait_for_clients(1)

    server.config_set("maxclients", 100)
    assert severities(look_after("R08", redis_server)) == calm
    assert severities(look_after("R08", redis_server, doing=knock)) == {**calm, "refused": "critical"}
    held = connect(83)
    wait_for_clients(84)
    assert severities(look_after("R08", redis_server)) == {**calm, "": "warning"}
    for client in held:
        client.close()
    wait_for_clients(1)
    assert severities(look_after("R08", redis_server)) == calm


@pytest.mark.check("R10")
def test_server_that_is_held_up(redis_server: RedisServer, server: redis.Redis) -> None:
    calm = {"ping": "ok", "fork": "ok", "commands": "ok"}
    wait_until(lambda: severities(look("R10", redis_server)) == calm, "a server that answers at once")
    # A script holds up all other clients, as KEYS on a big cache does.
    script = (
        "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end "
        "local started = now() repeat until now() > started + 150"
    )
    holds_up, is_over = threading.Event(), threading.Event()

    def hold_up() -> None:
        with redis.Redis.from_url(redis_server.url) as connection:
            while not is_over.is_set():
                connection.eval(script, 0)
                holds_up.set()

    thread = threading.Thread(target=hold_up)
    thread.start()
    try:
        assert holds_up.wait(60)
        found = look("R10", redis_server)
    finally:
        is_over.set()
        thread.join()
    assert severities(found) == {"ping": "critical", "fork": "ok", "commands": "warning"}
    (commands,) = [finding for finding in found if finding.item == "commands"]
    assert "EVAL" in commands.evidence[0]
    assert "redis.call" not in str(commands)
    server.slowlog_reset()
    wait_until(lambda: severities(look("R10", redis_server)) == calm, "a server that answers at once")


@pytest.mark.check("R11")
def test_server_that_anybody_may_use(redis_server: RedisServer, server: redis.Redis) -> None:
    assert severities(look("R11", redis_server)) == {"listen": "ok"}
    server.config_set("bind", "0.0.0.0")  # noqa: S104 (the fault)
    assert severities(look("R11", redis_server)) == {"listen": "ok"}  # protected mode keeps others out
    server.config_set("protected-mode", "no")
    assert severities(look("R11", redis_server)) == {"listen": "critical"}
    server.config_set("requirepass", "hidden")
    with_password = redis_server.url.replace("//", "//:hidden@")
    assert severities(look("R11", redis_server, url=with_password)) == {"listen": "ok"}
    server.execute_command("AUTH", "hidden")
    server.config_set("requirepass", "")
    server.config_set("bind", "127.0.0.1")
    assert severities(look("R11", redis_server)) == {"listen": "ok"}


@pytest.mark.check("R11")
def test_configuration_whose_password_others_read(tmp_path: Path) -> None:
    port = free_port()
    configuration = tmp_path / "redis_queue.conf"
    configuration.write_text(f"port {port}\nbind 127.0.0.1\nrequirepass hidden\ndir {tmp_path}\n")
    configuration.chmod(0o644)
    child = start_child([str(redis_server_program(tmp_path / "bin")), str(configuration)], tmp_path / "redis.log")
    try:
        wait_until(lambda: listens(port), "Redis", child)

        def find() -> dict[str, str]:
            url = f"redis://:hidden@127.0.0.1:{port}"
            target = RedisInstance("redis", Surroundings(patience=LONG_PATIENCE), url, ["queue"])
            return severities(run_one("R11", target))

        assert find() == {"listen": "ok", "file": "warning"}
        configuration.chmod(0o640)
        assert find() == {"listen": "ok", "file": "ok"}
    finally:
        stop_child(child)


@pytest.mark.check("R12")
def test_lists_that_nobody_writes_to_the_database(redis_server: RedisServer, server: redis.Redis) -> None:
    assert only(look("R12", redis_server, "queue")).severity == "skipped"
    server.set("_abc|app_hooks", "x")
    server.rpush("_abc|insert_queue_for_Activity Log", "x", "y")
    found = only(look("R12", redis_server, "cache"))
    assert (found.severity, found.value) == ("ok", 2)
    with server.pipeline(transaction=False) as pipeline:
        for _number in range(1001):
            pipeline.rpush("_abc|monitor-transactions", *["{}"] * 1000)
        pipeline.execute()
    found = only(look("R12", redis_server, "cache"))
    assert (found.severity, found.value) == ("critical", 1_001_000)
    assert found.evidence[0] == "_abc|monitor-transactions: 1,001,000 items"
    server.ltrim("_abc|monitor-transactions", 0, 200_000)
    assert only(look("R12", redis_server, "cache")).severity == "warning"
    server.delete("_abc|monitor-transactions")
    assert only(look("R12", redis_server, "cache")).severity == "ok"
