"""Memory, swap, and who was killed, on hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample

from tests.fake_host import GIB, NOW_SECONDS, UP_SECONDS, FakeHost

KIB_PER_GIB = 2**20
KILLED = "Out of memory: Killed process 4242 ({name}) total-vm:1kB, anon-rss:1kB"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def meminfo(host: FakeHost, available_gib: float = 5, swap_gib: int = 0, swap_free_gib: float = 0) -> None:
    amounts = {"MemTotal": 10, "MemAvailable": available_gib, "SwapTotal": swap_gib, "SwapFree": swap_free_gib}
    lines = [f"{name}:    {gib * KIB_PER_GIB:.0f} kB" for name, gib in amounts.items()]
    host.write("/proc/meminfo", "\n".join([*lines, "HugePages_Total:       0", ""]))


@pytest.mark.parametrize(("available", "severity"), [(1.0, "ok"), (0.9, "warning"), (0.4, "critical")])
def test_available_memory_is_judged(host: FakeHost, available: float, severity: str) -> None:
    meminfo(host, available)
    finding = host.findings("H10")[""]
    assert (finding.severity, finding.value) == (severity, pytest.approx(available * 10))


def test_a_kernel_that_does_not_tell_is_unknown(host: FakeHost) -> None:
    host.write("/proc/meminfo", "MemTotal: 5 kB\n")
    assert host.findings("H10")[""].severity == "unknown"


@pytest.mark.parametrize(
    ("folder", "limit", "used", "cache"),
    [
        ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_a_container_is_judged_by_its_limit(host: FakeHost, folder: str, limit: str, used: str, cache: str) -> None:
    meminfo(host, 9)
    host.write(f"{folder}/{limit}", f"{4 * GIB}\n")
    host.write(f"{folder}/{used}", f"{4 * GIB}\n")
    assert host.findings("H10")[""].value == 0
    host.write(f"{folder}/memory.stat", f"anon 5\n{cache} {GIB}\n")
    finding = host.findings("H10")[""]
    assert (finding.value, finding.severity) == (25, "ok")
    host.write(f"{folder}/{limit}", "9223372036854771712\n")
    assert host.findings("H10")[""].value == 90


def test_swap_is_judged(host: FakeHost) -> None:
    meminfo(host)
    assert host.findings("H11")[""].severity == "skipped"
    meminfo(host, swap_gib=10, swap_free_gib=2)
    assert host.findings("H11")["swap"].severity == "ok"
    meminfo(host, swap_gib=10, swap_free_gib=1.9)
    assert host.findings("H11")["swap"].severity == "warning"
    meminfo(host, swap_gib=10, swap_free_gib=0.9)
    assert host.findings("H11")["swap"].severity == "critical"


def test_a_service_in_the_swap_is_a_warning(host: FakeHost) -> None:
    meminfo(host, swap_gib=10, swap_free_gib=9)
    for pid in (10, 11):
        host.process(pid, "redis-server", status="Name:\tredis\nVmRSS:\t 61440 kB\nVmSwap:\t 51200 kB\n")
    host.process(12, "mariadbd", status="Name:\tmariadbd\nVmSwap:\t 102401 kB\n")
    found = host.findings("H11")
    assert set(found) == {"swap", "mariadbd"}
    assert (found["mariadbd"].severity, found["mariadbd"].text) == ("warning", "100.0 MiB of mariadbd lie in the swap")
    host.process(13, "redis-server", status="VmRSS:\t 1 kB\nVmSwap:\t 1024 kB\n")
    assert "redis-server" in host.findings("H11")


def earlier(seconds_ago: float, oom_kill: float, up_seconds: float = UP_SECONDS) -> History:
    sample = Sample(NOW_SECONDS - seconds_ago, NOW_SECONDS - up_seconds, {"oom_kill": oom_kill})
    return History(samples={"host": sample})


def test_nobody_was_killed(host: FakeHost) -> None:
    host.answer("dmesg", "[5.000000] Linux\n")
    finding = host.findings("H12")[""]
    assert (finding.severity, finding.value) == ("ok", 0)
    assert finding.text == "processes that the kernel killed in 1 day: 0"


@pytest.mark.parametrize(("name", "severity"), [("mariadbd", "critical"), ("python3", "critical"), ("cc1", "warning")])
def test_the_log_says_who_was_killed(host: FakeHost, name: str, severity: str) -> None:
    host.answer(
        "dmesg", f"[{UP_SECONDS - 60:.6f}] {KILLED.format(name=name)}\n[9.000000] {KILLED.format(name='old')}\n"
    )
    finding = host.findings("H12")[""]
    assert (finding.severity, finding.value, finding.evidence) == (severity, 1, (f"killed: {name}",))


def test_the_count_since_the_last_run_is_known_without_the_log(host: FakeHost) -> None:
    host.write("/proc/vmstat", "oom_kill 5\n")
    finding = host.findings("H12", history=earlier(600, 3))[""]
    assert (finding.severity, finding.value) == ("warning", 2)
    assert finding.text == "processes that the kernel killed in 10 min: 2"
    assert host.findings("H12", history=earlier(600, 5))[""].severity == "ok"


def test_what_was_before_the_last_run_was_told_then(host: FakeHost) -> None:
    host.write("/proc/vmstat", "oom_kill 5\n")
    host.answer("dmesg", f"[{UP_SECONDS - 700:.6f}] {KILLED.format(name='mariadbd')}\n")
    assert host.findings("H12", history=earlier(600, 5))[""].severity == "ok"


def test_a_boot_since_the_last_run_begins_the_count_anew(host: FakeHost) -> None:
    history = earlier(600, 9, up_seconds=9 * UP_SECONDS)
    assert host.findings("H12", history=history)[""].severity == "ok"
    host.write("/proc/vmstat", "oom_kill 1\n")
    assert host.findings("H12", history=history)[""].value == 1


def test_without_log_and_earlier_run_nothing_is_known(host: FakeHost) -> None:
    host.write("/proc/vmstat", "oom_kill 5\n")
    finding = host.findings("H12")[""]
    assert finding.severity == "unknown"
    assert "the next run" in finding.text
