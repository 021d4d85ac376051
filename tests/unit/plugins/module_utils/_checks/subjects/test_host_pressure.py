"""Pressure, as the kernel writes it, on hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_host import FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def pressure(percent: float) -> str:
    return (
        f"some avg10=99.00 avg60={percent:.2f} avg300=0.01 total=5\nfull avg10=0.00 avg60=88.00 avg300=0.00 total=1\n"
    )


@pytest.mark.parametrize(("percent", "severity"), [(20, "ok"), (21, "warning"), (61, "critical")])
def test_memory_pressure_is_judged(host: FakeHost, percent: float, severity: str) -> None:
    host.write("/proc/pressure/memory", pressure(percent))
    finding = host.findings("H08")["host"]
    assert (finding.severity, finding.value) == (severity, percent)


def test_mariadb_is_judged_on_its_own(host: FakeHost) -> None:
    host.write("/proc/pressure/memory", pressure(0))
    host.process(10, "/usr/sbin/mariadbd", cgroup="0::/system.slice/mariadb.service\n")
    host.write("/sys/fs/cgroup/system.slice/mariadb.service/memory.pressure", pressure(61))
    severities = {item: finding.severity for item, finding in host.findings("H08").items()}
    assert severities == {"host": "ok", "mariadb": "critical"}


def test_a_database_server_in_the_root_group_has_no_pressure_of_its_own(host: FakeHost) -> None:
    host.write("/proc/pressure/memory", pressure(0))
    host.process(10, "mariadbd", cgroup="0::/\n")
    assert list(host.findings("H08")) == ["host"]


@pytest.mark.parametrize(
    ("percent", "of_the_disk", "of_a_processor"),
    [
        (30, "ok", "ok"),
        (31, "warning", "ok"),
        (61, "critical", "warning"),
        (81, "critical", "critical"),
    ],
)
def test_a_processor_may_be_waited_for_longer_than_the_disk(
    host: FakeHost, percent: float, of_the_disk: str, of_a_processor: str
) -> None:
    for kind in ("io", "cpu"):
        host.write(f"/proc/pressure/{kind}", pressure(percent))
    found = host.findings("H09")
    assert (found["io"].severity, found["cpu"].severity) == (of_the_disk, of_a_processor)


def test_a_container_is_judged_by_its_own_pressure(host: FakeHost) -> None:
    host.write("/proc/pressure/io", pressure(90))
    host.write("/sys/fs/cgroup/io.pressure", pressure(1))
    assert host.findings("H09")["io"].value == 90
    host.write("/run/.containerenv", "")
    assert host.findings("H09")["io"].value == 1


@pytest.mark.parametrize("check_id", ["H08", "H09"])
def test_a_kernel_that_does_not_measure_it_is_skipped(host: FakeHost, check_id: str) -> None:
    finding = host.findings(check_id)[""]
    assert finding.severity == "skipped"
    assert "psi=1" in finding.text
