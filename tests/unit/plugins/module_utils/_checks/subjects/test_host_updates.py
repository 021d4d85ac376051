"""Security updates that wait, from what apt and dnf keep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History

from tests.fake_host import NOW_SECONDS, FakeHost

DAY = 86_400
LIST = "/var/lib/apt/lists/security.example.com_debian-security_dists_x-security_main_binary-amd64_Packages"
STATUS = "Package: openssl\nStatus: install ok installed\nVersion: 3.0.1-1\n"
NEWER = "Package: openssl\nVersion: 3.0.2-1\n"
UPDATES = "security updates"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    host.write("/var/lib/dpkg/status", STATUS)
    host.write(LIST, "Package: openssl\nVersion: 3.0.1-1\n")
    host.write("/etc/apt/apt.conf.d/10periodic", 'APT::Periodic::Update-Package-Lists "1";\n')
    (host.root / "var/lib/apt/lists/partial").mkdir()
    fetched(host, 3600)
    return host


def fetched(host: FakeHost, seconds_ago: float) -> None:
    for name in ("var/lib/apt/lists/partial", "var/lib/apt/lists"):
        os.utime(host.root / name, (NOW_SECONDS - seconds_ago, NOW_SECONDS - seconds_ago))


def test_a_host_that_has_all_updates_is_right(host: FakeHost) -> None:
    found = host.findings("H18")
    assert {item: finding.severity for item, finding in found.items()} == {UPDATES: "ok", "package lists": "ok"}
    assert found[UPDATES].fact == "0"


def waiting(host: FakeHost, fact: str = "") -> tuple[str, float | None, str]:
    facts = {f"H18|host|{UPDATES}": fact} if fact else {}
    history = History([{"at_seconds": 1.0, "values": {}, "facts": facts}])
    finding = host.findings("H18", history=history)[UPDATES]
    assert finding.evidence == ("openssl",)
    return finding.severity, finding.value, finding.fact


@pytest.mark.parametrize(("days", "severity"), [(0, "ok"), (7, "ok"), (8, "warning"), (31, "critical")])
def test_updates_wait_since_the_run_that_saw_them_first(host: FakeHost, days: int, severity: str) -> None:
    host.write(LIST, NEWER)
    since = f"{NOW_SECONDS - days * DAY:.0f}"
    assert waiting(host, since) == (severity, days * DAY, since)


def test_updates_that_the_last_run_did_not_see_are_new(host: FakeHost) -> None:
    host.write(LIST, NEWER)
    assert waiting(host, "0") == ("ok", 0, f"{NOW_SECONDS:.0f}")


def test_at_the_first_look_they_have_waited_too_long(host: FakeHost) -> None:
    host.write(LIST, NEWER)
    assert waiting(host) == ("warning", 8 * DAY, f"{NOW_SECONDS - 8 * DAY:.0f}")


@pytest.mark.parametrize("name", ["openssl.list", "openssl:amd64.list"])
def test_a_package_that_is_younger_cannot_have_waited_longer(host: FakeHost, name: str) -> None:
    host.write(LIST, NEWER)
    host.write(f"/var/lib/dpkg/info/{name}", "", age_seconds=2 * DAY)
    assert waiting(host)[:2] == ("ok", 2 * DAY)


def test_compressed_lists_are_read_by_apts_own_helper(host: FakeHost) -> None:
    (host.root / LIST.lstrip("/")).unlink()
    path = host.write(f"{LIST}.lz4", "")
    host.answer("apt-helper", NEWER)
    assert waiting(host)[0] == "warning"
    assert host.commands == [["/usr/lib/apt/apt-helper", "cat-file", str(path)]]


def test_without_a_list_of_security_updates_nothing_is_known(host: FakeHost) -> None:
    (host.root / LIST.lstrip("/")).unlink()
    host.write("/var/lib/apt/lists/esm.ubuntu.com_apps_ubuntu_dists_x-apps-security_main_binary-amd64_Packages", NEWER)
    host.write("/var/lib/apt/lists/example.com_debian_dists_x_main_binary-amd64_Packages", NEWER)
    finding = host.findings("H18")[""]
    assert (finding.severity, "apt-get update" in finding.text) == ("unknown", True)


def test_old_lists_tell_of_old_updates(host: FakeHost) -> None:
    fetched(host, 8 * DAY)
    finding = host.findings("H18")["package lists"]
    assert (finding.severity, finding.text) == ("warning", "apt fetched its lists 8 days ago")


def test_unattended_upgrades_must_run_where_they_are_switched_on(host: FakeHost) -> None:
    setting = '// APT::Periodic::Unattended-Upgrade "0";\nAPT::Periodic::Unattended-Upgrade "1";\n'
    host.write("/etc/apt/apt.conf.d/20auto-upgrades", setting, age_seconds=31 * DAY)
    assert host.findings("H18")["unattended upgrades"].severity == "critical"
    host.write("/var/lib/apt/periodic/unattended-upgrades-stamp", "", age_seconds=8 * DAY)
    assert host.findings("H18")["unattended upgrades"].severity == "warning"
    host.write("/var/lib/apt/periodic/unattended-upgrades-stamp", "", age_seconds=DAY)
    assert host.findings("H18")["unattended upgrades"].severity == "ok"


@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_dnf_answers_from_its_cache(tmp_path: Path, folder: str) -> None:
    host = FakeHost(tmp_path)
    assert host.findings("H18")[""].severity == "skipped"
    (host.root / folder).mkdir(parents=True)
    host.answer("dnf", "")
    assert host.findings("H18")[UPDATES].severity == "ok"
    assert host.commands == [["dnf", "-q", "-C", "updateinfo", "list", "--security"]]
    host.answer("dnf", "RHSA-2026:1 Important/Sec. openssl-3.0.2-1.el9.x86_64\n" * 2)
    finding = host.findings("H18")[UPDATES]
    assert (finding.severity, finding.evidence) == ("warning", ("openssl-3.0.2-1.el9.x86_64",))
