"""Processors that are busy or wait, from two samples, on hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import host_load
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host

from tests.fake_host import NOW_SECONDS, UP_SECONDS, FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def sample(seconds_ago: float, own: float = 0, **ticks: float) -> Sample:
    counters = {f"cpu_{name}": 1000 + ticks.get(name, 0) for name in ("user", "idle", "iowait", "steal")}
    total = sum(counters.values())
    started = NOW_SECONDS - UP_SECONDS
    return Sample(NOW_SECONDS - seconds_ago, started, {**counters, "cpu_total": total, "cpu_own": own})


def sampled(host: FakeHost, own: float = 0, **ticks: float) -> Host:
    target = host.target()
    target.samples = [sample(2), sample(0, own, **ticks)]
    return target


def busy(target: Host) -> float | None:
    (measurement,) = host_load.cpu_busy(target)
    return measurement.value


def test_busy_is_what_was_neither_idle_nor_waiting(host: FakeHost) -> None:
    assert busy(sampled(host, user=60, idle=30, iowait=10)) == 60


def test_the_checks_own_time_is_not_counted(host: FakeHost) -> None:
    assert busy(sampled(host, own=40, user=60, idle=40)) == 20
    assert busy(sampled(host, own=80, user=60, idle=40)) == 0


def test_the_own_time_of_an_earlier_run_is_another_processs(host: FakeHost) -> None:
    target = host.target(history=History(samples={"host": sample(600, own=9999)}))
    target.samples = [sample(0, own=5, user=90, idle=10)]
    assert busy(target) == 90


@pytest.mark.parametrize(("user", "severity"), [(80, "ok"), (81, "warning"), (96, "critical")])
def test_busy_processors_are_judged(host: FakeHost, user: int, severity: str) -> None:
    earlier = Sample(
        NOW_SECONDS - 600,
        NOW_SECONDS - UP_SECONDS,
        {"cpu_total": 1000 - 100, "cpu_idle": 800 - 100 + user, "cpu_iowait": 50, "cpu_steal": 0},
    )
    finding = host.findings("H05", history=History(samples={"host": earlier}))[""]
    assert (finding.severity, finding.value) == (severity, user)
    assert finding.text == f"the processors were {user} % busy in the last 600 seconds"


def test_a_clock_that_stands_still_is_no_division_by_zero(host: FakeHost) -> None:
    with pytest.raises(Exception, match="no time"):
        busy(sampled(host))


@pytest.mark.parametrize(
    ("iowait", "steal", "severities"),
    [
        (10, 10, ["", ""]),
        (60, 30, ["", ""]),
        (0, 31, ["", "critical"]),
    ],
)
def test_time_that_was_stolen_is_critical_sooner(
    host: FakeHost, iowait: int, steal: int, severities: list[str]
) -> None:
    target = sampled(host, user=100 - iowait - steal, iowait=iowait, steal=steal)
    found = list(host_load.cpu_waiting(target))
    assert [measurement.item for measurement in found] == ["iowait", "steal"]
    assert [measurement.value for measurement in found] == [iowait, steal]
    assert [measurement.severity for measurement in found] == severities


def test_one_sample_alone_is_unknown(host: FakeHost) -> None:
    assert host.findings("H05")[""].severity == "unknown"
    assert host.findings("H07")[""].severity == "unknown"


@pytest.mark.parametrize(("load", "severity"), [("4.00", "ok"), ("4.10", "warning"), ("6.10", "critical")])
def test_the_load_is_judged_by_processor(host: FakeHost, load: str, severity: str) -> None:
    host.write("/proc/loadavg", f"9.00 {load} 1.00 2/300 12345\n")
    finding = host.findings("H06")[""]
    assert (finding.severity, finding.value) == (severity, float(load) / 2)
    assert finding.text == f"the load of 5 minutes is {float(load):g} on 2 processors"


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_with_a_quota_sees_the_load_of_others(host: FakeHost, version: int) -> None:
    host.write("/proc/loadavg", "9.00 9.00 1.00 2/300 12345\n")
    if version == 1:
        host.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n")
        host.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    else:
        host.write("/sys/fs/cgroup/cpu.max", "50000 100000\n")
    finding = host.findings("H06")[""]
    assert finding.severity == "skipped"
    assert "may use 0.5 processors" in finding.text


def test_a_container_without_a_quota_is_judged(host: FakeHost) -> None:
    host.write("/proc/loadavg", "9.00 1.00 1.00 2/300 12345\n")
    host.write("/sys/fs/cgroup/cpu.max", "max 100000\n")
    host.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    host.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert host.findings("H06")[""].severity == "ok"


def test_lxcfs_shows_a_container_its_own_load(host: FakeHost) -> None:
    host.write("/proc/loadavg", "9.00 9.00 1.00 2/300 12345\n")
    host.write("/sys/fs/cgroup/cpu.max", "50000 100000\n")
    host.write("/proc/self/mountinfo", "21 1 0:9 / /proc/loadavg rw - fuse.lxcfs lxcfs rw\n")
    assert host.findings("H06")[""].severity == "critical"
