"""Versions and the end of their support, read by ``software``."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts import software

from tests.unit.plugins.module_utils._facts.fakes import FakeBench, FakeRedis, host_at, write

OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'


def test_the_system(tmp_path: Path) -> None:
    write(tmp_path, "/etc/os-release", OS_RELEASE)
    write(tmp_path, "/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
    write(tmp_path, "/proc/cpuinfo", "processor : 0\nmodel : x\n\nprocessor : 1\n")
    write(tmp_path, "/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n")
    assert software.system_facts(host_at(tmp_path)) == {
        "os": "Debian GNU/Linux 12 (bookworm)",
        "kernel": "6.1.0-28-amd64",
        "cores": 2,
        "memory_bytes": 16 * 1024 * 1024,
    }


def test_a_system_that_tells_little(tmp_path: Path) -> None:
    write(tmp_path, "/proc/meminfo", "")
    write(tmp_path, "/proc/cpuinfo", "")
    facts = software.system_facts(host_at(tmp_path))
    assert (facts["os"], facts["memory_bytes"]) == ("unknown", None)
    assert [one["kind"] for one in software.host_software(host_at(tmp_path))] == ["python"]


def test_the_operating_system_has_an_end(tmp_path: Path) -> None:
    write(tmp_path, "/etc/os-release", OS_RELEASE)
    python, system = software.host_software(host_at(tmp_path))
    assert python["name"] == "Python"
    assert (system["name"], system["series"], system["end_of_life"]) == ("Debian GNU/Linux", "12", "2028-06-30")


@pytest.mark.parametrize(
    ("info", "name", "version"),
    [
        ({"redis_version": "7.0.15"}, "Redis", "7.0.15"),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, "Valkey", "8.0.1"),
    ],
)
def test_redis_and_valkey(info: dict[str, str], name: str, version: str) -> None:
    (found,) = software.redis_software(FakeRedis(info, {}))
    assert (found["name"], found["version"]) == (name, version)
    assert found["end_of_life"]


def test_apps_of_a_bench(tmp_path: Path) -> None:
    write(tmp_path, "/sites/apps.txt", "frappe\nown\n")
    write(tmp_path, "/apps/frappe/frappe/__init__.py", '__version__ = "15.1.0"\n')
    frappe, own = software.bench_software(FakeBench(tmp_path))
    assert (frappe["name"], frappe["version"], frappe["end_of_life"]) == ("frappe", "15.1.0", "2027-12-31")
    assert (own["version"], own["end_of_life"]) == ("unknown", "")
