"""Tracked connections and names, on hosts made of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_host import FakeHost

BENCH = "/home/frappe/frappe-bench/sites"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


@pytest.mark.parametrize(("used", "severity"), [(75, "ok"), (76, "warning"), (91, "critical")])
def test_tracked_connections_are_judged(host: FakeHost, used: int, severity: str) -> None:
    host.write("/proc/sys/net/netfilter/nf_conntrack_count", f"{used}\n")
    host.write("/proc/sys/net/netfilter/nf_conntrack_max", "100\n")
    assert host.findings("H20")[""].severity == severity


def test_a_kernel_that_tracks_none_is_skipped(host: FakeHost) -> None:
    assert host.findings("H20")[""].severity == "skipped"


def bench(host: FakeHost, **settings: object) -> None:
    host.write(f"{BENCH}/common_site_config.json", json.dumps({"db_host": "127.0.0.1", **settings}))


def test_names_of_the_configuration_are_resolved(host: FakeHost) -> None:
    bench(host, mail_server="smtp.example.com", db_host="localhost")
    host.write(f"{BENCH}/a.example.com/site_config.json", '{"host_name": "https://a.example.com:8443/x"}')
    host.write(f"{BENCH}/b.example.com/site_config.json", "{broken")
    host.write(f"{BENCH}/c.localhost/site_config.json", '{"host_name": "http://c.localhost:8000", "db_host": "::1"}')
    host.answer("getent", "192.0.2.1 STREAM smtp.example.com\n")
    found = host.findings("H22")
    assert {item: finding.severity for item, finding in found.items()} == {
        "a.example.com": "ok",
        "smtp.example.com": "ok",
    }
    assert sorted(host.commands) == [["getent", "ahosts", "a.example.com"], ["getent", "ahosts", "smtp.example.com"]]


def test_a_name_that_is_not_known_is_critical(host: FakeHost) -> None:
    bench(host, db_host="db.internal")
    host.answer("getent", exit_code=2)
    finding = host.findings("H22")["db.internal"]
    assert finding.severity == "critical"
    assert finding.text.startswith("db.internal cannot be resolved (")


def test_a_name_server_that_does_not_answer_is_critical(host: FakeHost) -> None:
    bench(host, db_host="db.internal")
    host.hang("getent")
    assert host.findings("H22")["db.internal"].severity == "critical"


def test_without_the_program_nothing_is_known(host: FakeHost) -> None:
    bench(host, db_host="db.internal")
    assert host.findings("H22")["db.internal"].severity == "unknown"


@pytest.mark.parametrize("value", ["", None, "http://[broken", "localhost", "10.0.0.1"])
def test_a_bench_that_names_nobody_is_skipped(host: FakeHost, value: object) -> None:
    bench(host, db_host=value)
    assert host.findings("H22")[""].severity == "skipped"
