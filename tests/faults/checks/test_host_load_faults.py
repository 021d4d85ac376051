"""Processors, memory and pressure: work and a kill for real; what would stop this machine is made of files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host

from tests.check_runs import run_one
from tests.fake_host import NOW_SECONDS, UP_SECONDS, FakeHost
from tests.lab.processes import wait_until

MIB = 2**20
# Control groups of version 1 and 2: where a group is made, and its limit.
MEMORY_GROUPS = (
    (Path("/sys/fs/cgroup/memory/lifeboat-test"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup/lifeboat-test"), "memory.max"),
)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


@pytest.fixture
def busy_loops() -> Iterator[None]:
    """Keep every processor busy."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _number in range(os.cpu_count() or 1)]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


@pytest.mark.check("H05")
@pytest.mark.usefixtures("busy_loops")
def test_processors_that_only_work_are_seen(host_target: Callable[..., Host]) -> None:
    wait_until(lambda: run_one("H05", host_target())[0].severity in {"warning", "critical"}, "busy processors")


def ten_minutes_ago(**ticks: float) -> History:
    """Return a run of ten minutes ago, before the processors did this."""
    now = {"cpu_user": 100.0, "cpu_idle": 800.0, "cpu_iowait": 50.0, "cpu_steal": 0.0, "cpu_total": 1000.0}
    counters = {name: count - ticks.get(name.removeprefix("cpu_"), 0) for name, count in now.items()}
    return History(samples={"host": Sample(NOW_SECONDS - 600, NOW_SECONDS - UP_SECONDS, counters)})


@pytest.mark.check("H05")
def test_processors_that_rest_again_are_right(host: FakeHost) -> None:
    """On files, because other tests may keep this machine busy."""
    assert host.findings("H05", history=ten_minutes_ago(user=99, idle=1, total=100))[""].severity == "critical"
    assert host.findings("H05", history=ten_minutes_ago(user=9, idle=91, total=100))[""].severity == "ok"


@pytest.mark.check("H06")
def test_a_load_that_rises_and_falls_is_seen(host: FakeHost) -> None:
    for load, severity in (("1.0", "ok"), ("5.0", "warning"), ("7.0", "critical"), ("1.0", "ok")):
        host.write("/proc/loadavg", f"0.1 {load} 0.1 1/100 5\n")
        assert host.findings("H06")[""].severity == severity


@pytest.mark.check("H07")
def test_processors_that_wait_are_seen(host: FakeHost) -> None:
    waiting = host.findings("H07", history=ten_minutes_ago(iowait=20, idle=80, total=100))
    assert (waiting["iowait"].severity, waiting["steal"].severity) == ("warning", "ok")
    host.write("/proc/stat", f"cpu 100 0 0 800 50 0 0 50\nbtime {NOW_SECONDS - UP_SECONDS:.0f}\n")
    stolen = host.findings("H07", history=ten_minutes_ago(idle=50, total=100))
    assert (stolen["iowait"].severity, stolen["steal"].severity) == ("ok", "critical")
    host.write("/proc/stat", f"cpu 100 0 50 800 50 0 0 0\nbtime {NOW_SECONDS - UP_SECONDS:.0f}\n")
    calm = host.findings("H07", history=ten_minutes_ago(idle=100, total=100))
    assert {finding.severity for finding in calm.values()} == {"ok"}


@pytest.mark.parametrize(
    ("check_id", "kind", "item"),
    [
        pytest.param("H08", "memory", "host", marks=pytest.mark.check("H08")),
        pytest.param("H09", "io", "io", marks=pytest.mark.check("H09")),
        pytest.param("H09", "cpu", "cpu", marks=pytest.mark.check("H09")),
    ],
)
def test_pressure_that_rises_and_falls_is_seen(host: FakeHost, check_id: str, kind: str, item: str) -> None:
    for percent, severity in ((1, "ok"), (99, "critical"), (1, "ok")):
        host.write(f"/proc/pressure/{kind}", f"some avg10=0.00 avg60={percent}.00 avg300=0.00 total=1\n")
        assert host.findings(check_id)[item].severity == severity


@pytest.mark.check("H10")
def test_memory_that_runs_out_is_seen(host: FakeHost) -> None:
    for available, severity in ((50, "ok"), (9, "warning"), (4, "critical"), (50, "ok")):
        host.write("/proc/meminfo", f"MemTotal: 100 kB\nMemAvailable: {available} kB\n")
        assert host.findings("H10")[""].severity == severity


@pytest.mark.check("H11")
def test_swap_that_fills_is_seen(host: FakeHost) -> None:
    for free, severity in ((90, "ok"), (15, "warning"), (5, "critical"), (90, "ok")):
        host.write("/proc/meminfo", f"MemTotal: 100 kB\nSwapTotal: 100 kB\nSwapFree: {free} kB\n")
        assert host.findings("H11")["swap"].severity == severity


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group with 16 MiB of memory."""
    for folder, limit in MEMORY_GROUPS:
        if os.access(folder.parent, os.W_OK) and (folder.parent / "cgroup.procs").exists():
            folder.mkdir(exist_ok=True)
            if (folder / limit).exists():
                (folder / limit).write_text(str(16 * MIB))
                yield folder
                folder.rmdir()
                return
            folder.rmdir()
    pytest.skip("control groups of memory cannot be made here")


@pytest.mark.check("H12")
def test_a_process_that_the_kernel_killed_is_seen(host_target: Callable[..., Host], memory_group: Path) -> None:
    before = host_target().read_sample()
    earlier = Sample(before.at_seconds - 5, before.started_at_seconds, before.counters)
    history = History(samples={"host": earlier})
    assert run_one("H12", host_target(history=history))[0].value == 0

    def enter() -> None:
        (memory_group / "cgroup.procs").write_text(str(os.getpid()))

    # tail keeps the last line, and this one never ends.
    with subprocess.Popen(["tail", "/dev/zero"], preexec_fn=enter) as hungry:  # noqa: PLW1509 (no thread runs yet)
        assert hungry.wait() == -9
    (finding,) = run_one("H12", host_target(history=history))
    assert finding.severity in {"warning", "critical"}
    assert "killed: tail" in finding.evidence

    now = host_target().read_sample()
    later = time.time() + 60
    mended = Sample(later - 30, now.started_at_seconds, now.counters)
    assert run_one("H12", host_target(history=History(samples={"host": mended}), now=lambda: later))[0].severity == "ok"
