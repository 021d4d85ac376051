"""``measuring`` and ``host_memory``: the numbers of a load, from a server and a host that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.host_memory import (
    BenchesOfHost,
    measure_host,
    workers_of,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import GIB, MIB, Load, Workers
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.measuring import (
    measure_load,
    server_process,
    take_samples,
)

from tests.cleanup_folder import make_bench
from tests.fake_host import FakeHost
from tests.server_doubles import NOW_SECONDS, UPTIME_SECONDS, ServerDouble
from tests.settings_loads import VARIABLES

SERVER_VARIABLES = {
    **VARIABLES,
    "datadir": "/data/",
    "pid_file": "/run/mariadb.pid",
    "log_bin": "ON",
    "open_files_limit": "32000",
    "performance_schema": "OFF",
    "sort_buffer_size": "2097152",
}
COUNTERS = {
    "Max_used_connections": 40.0,
    "Innodb_buffer_pool_bytes_data": 5.0 * MIB,
    "Innodb_buffer_pool_reads": 500.0,
    "Innodb_buffer_pool_read_requests": 1e6,
    "Innodb_os_log_written": UPTIME_SECONDS * 1000,
    "Open_table_definitions": 300.0,
    "Table_open_cache_overflows": 0.0,
    "Opened_tables": 10.0,
    "Created_tmp_tables": 1000.0,
    "Created_tmp_disk_tables": 100.0,
}


def server_double(
    surroundings: Surroundings, growth: dict[str, float] | None = None, seconds: float = 60, host: str = "127.0.0.1"
) -> ServerDouble:
    server = ServerDouble(
        variables=SERVER_VARIABLES,
        counters=COUNTERS,
        growth=growth,
        seconds=seconds,
        host=host,
        answers={
            "COUNT(*)": [(380,)],
            "SUM(FILE_SIZE)": [(5 * GIB,)],
            "innodb_table_stats": [("tabItem", 7 * GIB)],
        },
        surroundings=surroundings,
    )
    waits: list[float] = []
    take_samples(server, 1.5, waits.append)
    assert waits == [1.5]
    return server


def measured(server: ServerDouble, host: FakeHost, settled_at_seconds: float = 0.0) -> Load:
    benches = BenchesOfHost(host.target())
    process = server_process(server, benches.host)
    return measure_load(server, benches, process, server.variables, settled_at_seconds)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    host.write("/proc/meminfo", f"MemTotal: {16 * GIB // 1024} kB\n")
    host.write("/run/mariadb.pid", "7\n")
    host.process(7, "mariadbd", status="VmRSS: 900000 kB\nRssAnon: 900000 kB\n")
    return host


def worker(host: FakeHost, pid: int, parent: int, mebibytes: int, *arguments: str) -> None:
    folder = host.process(pid, *arguments, status=f"VmRSS: {mebibytes * 1024} kB\nRssAnon: 1024 kB\n")
    (folder / "stat").write_text(f"{pid} (x) S {parent} " + "0 " * 17 + "100000 0")


def test_load_without_a_history(host: FakeHost) -> None:
    (host.root / "data").mkdir()
    load = measured(server_double(host.surroundings), host)
    assert load.seen_seconds == UPTIME_SECONDS
    assert (load.peak_connections, load.tables, load.active_tables, load.sites) == (40, 380, 300, 1)
    # Nothing of late: the average since the start tells.
    assert (load.miss_percent, load.temporary_percent) == (0.05, 10.0)
    assert load.hour_bytes == pytest.approx(3_600_000)
    assert load.innodb_bytes == 7 * GIB
    assert load.free_bytes is not None
    assert load.host is not None
    assert load.host.total_bytes == 16 * GIB
    assert (load.overflows, load.opened_per_second, load.open_files_limit) == (0, 0, 32000)
    assert load.writes_binary_log
    assert load.need.thread_bytes == 2 * MIB + 16 * MIB


def test_what_happened_of_late_goes_before_the_average(host: FakeHost) -> None:
    growth = {
        "Innodb_buffer_pool_reads": 400.0,
        "Innodb_buffer_pool_read_requests": 20_000.0,
        "Created_tmp_tables": 200.0,
        "Created_tmp_disk_tables": 100.0,
        "Table_open_cache_overflows": 3.0,
        "Opened_tables": 600.0,
    }
    load = measured(server_double(host.surroundings, growth), host)
    assert (load.miss_percent, load.temporary_percent) == (2.0, 50.0)
    assert (load.overflows, load.opened_per_second) == (3, 10)


def test_too_few_reads_tell_nothing(host: FakeHost) -> None:
    server = ServerDouble(
        variables=SERVER_VARIABLES,
        counters={**COUNTERS, "Innodb_buffer_pool_read_requests": 9999.0, "Created_tmp_tables": 199.0},
        answers={"COUNT(*)": [(1,)], "SUM(FILE_SIZE)": [(0,)], "innodb_table_stats": "not allowed"},
        surroundings=host.surroundings,
    )
    take_samples(server, 0, lambda _seconds: None)
    load = measured(server, host)
    assert (load.miss_percent, load.temporary_percent, load.innodb_bytes) == (None, None, 0)


def history_of(*hours_held: float, at_seconds: float = NOW_SECONDS - 50) -> History:
    return History(
        [{"at_seconds": at_seconds, "values": {"D13|127.0.0.1:3306|size": hours}, "facts": {}} for hours in hours_held]
    )


def with_history(host: FakeHost, history: History) -> Surroundings:
    return Surroundings(**{**vars(host.surroundings), "history": history})


def test_busy_hours_of_earlier_runs_decide_about_the_redo_log(host: FakeHost) -> None:
    """A log of 96 MiB held 10 % of an hour in one of twenty runs: p95 is what it held in the others."""
    history = history_of(10.0, *[50.0] * 19)
    assert measured(server_double(with_history(host, history)), host).hour_bytes == 2 * 96 * MIB
    history = history_of(10.0, 10.0, *[50.0] * 18, 0.0)
    assert measured(server_double(with_history(host, history)), host).hour_bytes == 10 * 96 * MIB


def test_what_was_before_the_last_change_tells_nothing(host: FakeHost) -> None:
    growth = {"Innodb_os_log_written": 1e8}
    surroundings = with_history(host, history_of(10.0, at_seconds=NOW_SECONDS - 500))
    load = measured(server_double(surroundings, growth, seconds=60), host, settled_at_seconds=NOW_SECONDS - 100)
    assert load.seen_seconds == 100
    assert load.hour_bytes == pytest.approx(3_600_000)
    load = measured(server_double(surroundings, growth, seconds=600), host, settled_at_seconds=NOW_SECONDS - 1000)
    assert load.hour_bytes == 10 * 96 * MIB
    load = measured(server_double(host.surroundings, growth, seconds=600), host)
    assert load.hour_bytes == pytest.approx(6e8)


def test_run_of_the_checks_before_the_last_change_is_not_compared_with(host: FakeHost) -> None:
    server = server_double(host.surroundings, {"Opened_tables": 600.0}, seconds=60)
    earlier = server.samples[0]
    old = {**earlier.counters, "Opened_tables": -99999.0}
    sample = type(earlier)(NOW_SECONDS - 5000, earlier.started_at_seconds, old)
    history = History(samples={server.name: sample})
    surroundings = with_history(host, history)
    compared = measured(server_double(surroundings, {"Opened_tables": 600.0}), host)
    assert compared.opened_per_second == pytest.approx(20, rel=0.01)
    settled = measured(server_double(surroundings, {"Opened_tables": 600.0}), host, NOW_SECONDS - 4000)
    assert settled.opened_per_second == 10


def test_single_sample_is_compared_with_the_start(host: FakeHost) -> None:
    server = server_double(host.surroundings)
    del server.samples[0]
    load = measured(server, host)
    assert load.opened_per_second == pytest.approx(10 / UPTIME_SECONDS)
    assert (load.miss_percent, load.temporary_percent) == (0.05, 10.0)


def test_one_sample_without_a_wait(host: FakeHost) -> None:
    server = ServerDouble(variables=SERVER_VARIABLES, counters=COUNTERS, surroundings=host.surroundings)
    take_samples(server, 0)
    assert len(server.samples) == 1


def test_server_elsewhere_has_a_load_but_no_host(host: FakeHost) -> None:
    load = measured(server_double(host.surroundings, host="db1.example.com"), host)
    assert (load.host, load.free_bytes) == (None, None)


def test_process_that_cannot_be_told_from_others(host: FakeHost) -> None:
    (host.root / "run/mariadb.pid").unlink()
    server = server_double(host.surroundings)
    assert server_process(server, host.target()) is not None
    host.process(8, "mariadbd")
    assert server_process(server_double(host.surroundings), host.target()) is None


def bench_of(host: FakeHost, tmp_path: Path, **common: Any) -> BenchTarget:
    path = make_bench(tmp_path).path
    (path / "sites" / "common_site_config.json").write_text(json.dumps(common))
    return BenchTarget(bench_at(path), host.surroundings)


def test_workers_are_counted_and_weighed(host: FakeHost) -> None:
    worker(host, 20, 1, 50, "/env/bin/gunicorn", "-w", "3", "--threads", "4", "frappe.app:application")
    for pid, mebibytes in ((21, 200), (22, 210), (23, 400)):
        worker(host, pid, 20, mebibytes, "gunicorn: worker [frappe.app:application]")
    worker(host, 30, 1, 100, "python", "-m", "frappe.utils.bench_helper", "frappe", "worker", "--queue", "short")
    worker(host, 31, 30, 120, "python", "-m", "frappe.utils.bench_helper", "frappe", "worker", "--queue", "short")
    worker(host, 32, 1, 100, "python", "-m", "frappe.utils.bench_helper", "frappe", "worker", "--queue", "long")
    benches = BenchesOfHost(host.target())
    assert benches.web == Workers(3, 400 * MIB)
    assert benches.queue == Workers(2, 120 * MIB)
    assert benches.connections == 3 * 4 + 2 * 2
    assert benches.web.bytes == 1200 * MIB


@pytest.mark.parametrize("arguments", [("--threads=2",), ("--threads", "2")], ids=["equals", "word"])
def test_development_server_is_one_worker(host: FakeHost, arguments: tuple[str, ...]) -> None:
    worker(host, 20, 1, 50, "/usr/bin/python", "gunicorn", *arguments)
    assert workers_of(host.target(), "web") == Workers(1, 50 * MIB)
    assert BenchesOfHost(host.target()).connections == 2


def test_threads_of_other_programs_are_not_counted(host: FakeHost) -> None:
    worker(host, 20, 1, 50, "pigz", "--threads", "64")
    worker(host, 21, 1, 50, "gunicorn", "--threads", "many")
    assert BenchesOfHost(host.target()).connections == 1


def test_workers_that_are_configured_count_though_they_do_not_run(host: FakeHost, tmp_path: Path) -> None:
    bench = bench_of(host, tmp_path, gunicorn_workers="9")
    benches = BenchesOfHost(host.target(), (bench,))
    assert (benches.web, benches.connections) == (Workers(9, 0.0), 10)
    odd = bench_of(host, tmp_path / "odd", gunicorn_workers="several")
    assert BenchesOfHost(host.target(), (odd,)).web.count == 0


class RedisDouble(RedisInstance):
    """A Redis server that answers from what a test gives it."""

    def __init__(self, url: str, role: str, info: dict[str, Any] | None) -> None:
        super().__init__(url, Surroundings(), url, [role])
        self._info = info

    def ask(self, question: Any) -> Any:
        """Return what the test gave, or what a server that does not answer does."""
        del question
        if self._info is None:
            raise UnmeasurableError("it does not answer")
        return self._info


def test_memory_of_a_host(host: FakeHost, tmp_path: Path) -> None:
    host.write("/proc/pressure/memory", "some avg10=1.00 avg60=12.50 avg300=0.10 total=1\nfull avg10=0\n")
    host.process(40, "java", status=f"RssAnon: {3 * GIB // 1024} kB\n")
    host.write("/proc/7/cgroup", "0::/system.slice/mariadb.service\n")
    host.write("/sys/fs/cgroup/system.slice/mariadb.service/memory.max", f"{6 * GIB}\n")
    instances = (
        RedisDouble("redis://127.0.0.1:1", "cache", {"maxmemory": GIB, "used_memory_peak": MIB}),
        RedisDouble("redis://127.0.0.1:2", "queue", {"maxmemory": 0, "used_memory_peak": 5 * MIB}),
        RedisDouble("redis://elsewhere:2", "queue", {"maxmemory": 0, "used_memory_peak": GIB}),
        RedisDouble("redis://localhost:3", "cache", None),
        RedisDouble("unix:///run/redis.sock", "queue", None),
    )
    found = BenchesOfHost(host.target(), (bench_of(host, tmp_path),), instances)
    (process,) = (process for process in found.host.processes if process.pid == 7)
    memory = measure_host(found, process)
    assert memory.total_bytes == 16 * GIB
    assert memory.server_limit_bytes == 6 * GIB
    assert memory.other_bytes == 3 * GIB
    assert memory.waiting_percent == 12.5
    assert memory.redis_bytes == pytest.approx(GIB + 5 * MIB + 0.05 * 16 * GIB)
    assert memory.has_bench


def test_container_has_what_it_may_take(host: FakeHost) -> None:
    host.write("/sys/fs/cgroup/memory.max", f"{4 * GIB}\n")
    host.write("/sys/fs/cgroup/memory.current", f"{GIB}\n")
    (process,) = host.target().processes
    memory = measure_host(BenchesOfHost(host.target()), process)
    assert (memory.total_bytes, memory.server_limit_bytes, memory.has_bench) == (4 * GIB, None, False)
    host.write("/sys/fs/cgroup/memory.max", f"{64 * GIB}\n")
    assert measure_host(BenchesOfHost(host.target()), process).total_bytes == 16 * GIB
