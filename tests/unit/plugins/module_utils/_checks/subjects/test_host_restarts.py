"""Reboots and restarts that are due, on hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History

from tests.fake_host import NOW_SECONDS, UP_SECONDS, FakeHost

DAY = 86_400
REPLACED = "7f00-7f01 r-xp 00000000 08:01 1234 {path} (deleted)\n"
WHOLE = "7f00-7f01 r-xp 00000000 08:01 1234 /usr/lib/libssl.so.3\n"
STARTED_SECONDS = NOW_SECONDS - UP_SECONDS + 1000


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


@pytest.mark.parametrize(("age", "severity"), [(0, "warning"), (29 * DAY, "warning"), (31 * DAY, "critical")])
def test_a_reboot_that_packages_asked_for_is_due(host: FakeHost, age: float, severity: str) -> None:
    assert host.findings("H16")[""].severity == "ok"
    host.write("/run/reboot-required", "*** System restart required ***\n", age_seconds=age)
    host.write("/run/reboot-required.pkgs", "linux-image-x\nlibc6\nlinux-image-x\n")
    finding = host.findings("H16")[""]
    assert (finding.severity, finding.evidence) == (severity, ("libc6", "linux-image-x"))


def test_a_kernel_that_came_after_the_boot_waits_for_the_next_one(host: FakeHost) -> None:
    kernel = host.write("/boot/vmlinuz-6.1.0-99-amd64", "")
    made = kernel.stat().st_ctime
    host.write("/proc/stat", f"cpu 1\nbtime {made - 200:.0f}\n")
    assert host.findings("H16", now=lambda: made + 60)[""].severity == "ok", "it was made while the host booted"
    host.write("/proc/stat", f"cpu 1\nbtime {made - 5000:.0f}\n")
    finding = host.findings("H16", now=lambda: made + 60)[""]
    assert (finding.severity, finding.evidence) == ("warning", ("vmlinuz-6.1.0-99-amd64",))
    assert finding.text == "a reboot has been due for 1 min"


def test_a_container_has_no_kernel_of_its_own(host: FakeHost) -> None:
    host.write("/run/.containerenv", "")
    host.write("/run/reboot-required", "")
    assert host.findings("H16")[""].severity == "skipped"


def test_services_with_replaced_libraries_are_named(host: FakeHost) -> None:
    maps = WHOLE + REPLACED.format(path="/usr/lib/libssl.so.1.1") + REPLACED.format(path="/usr/lib/libz.so")
    host.process(10, "/usr/sbin/nginx", cgroup="0::/system.slice/nginx.service\n", maps=maps)
    host.process(11, "/usr/sbin/nginx", cgroup="0::/system.slice/nginx.service\n", maps=maps)
    host.process(12, "/home/b/env/bin/gunicorn", maps=REPLACED.format(path="/home/b/env/x.so"))
    host.process(13, "/usr/sbin/sshd", maps=WHOLE)
    found = host.findings("H17")
    assert {item: finding.severity for item, finding in found.items()} == {
        "nginx.service": "warning",
        "gunicorn": "warning",
    }
    assert found["nginx.service"].evidence == ("/usr/lib/libssl.so.1.1", "/usr/lib/libz.so")
    assert found["gunicorn"].text == "gunicorn has run with 1 replaced file for 1 s"


@pytest.mark.parametrize("path", ["/memfd:x.so", "/dev/zero.so", "/tmp/ffi1234", "/SYSV0.so"])
def test_what_never_was_a_library_on_disk_does_not_count(host: FakeHost, path: str) -> None:
    host.process(10, "/usr/sbin/nginx", maps=REPLACED.format(path=path))
    assert host.findings("H17")[""].severity == "ok"


def seen_since(name: str, since: float) -> History:
    return History([{"at_seconds": since, "values": {}, "facts": {f"H17|host|{name}": f"{since:.0f}"}}])


@pytest.mark.parametrize(("name", "severity"), [("mariadbd", "critical"), ("gunicorn", "warning")])
def test_what_is_exposed_may_not_stay_so(host: FakeHost, name: str, severity: str) -> None:
    host.write("/proc/stat", f"cpu 1\nbtime {NOW_SECONDS - 90 * DAY:.0f}\n")
    host.process(10, name, maps=REPLACED.format(path="/usr/lib/libc.so.6"))
    since = NOW_SECONDS - 15 * DAY
    finding = host.findings("H17", history=seen_since(name, since))[name]
    assert (finding.severity, finding.value, finding.fact) == (severity, 15 * DAY, f"{since:.0f}")


def test_a_restart_begins_the_time_anew(host: FakeHost) -> None:
    host.process(10, "mariadbd", maps=REPLACED.format(path="/usr/lib/libc.so.6"))
    finding = host.findings("H17", history=seen_since("mariadbd", STARTED_SECONDS - 1))["mariadbd"]
    assert finding.value == 1
    later = host.findings("H17", history=seen_since("mariadbd", STARTED_SECONDS))["mariadbd"]
    assert later.value == NOW_SECONDS - STARTED_SECONDS


def test_processes_that_may_not_be_looked_at_are_said(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    read_text = vars(Path)["read_text"]  # by a name that inference follows, pylint crashes

    def refuse(path: Path, *arguments: str, **options: str) -> str:
        if path.parts[-2:] == ("10", "maps"):
            raise PermissionError
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    host.process(10, "mariadbd")
    assert host.findings("H17")[""].severity == "unknown"
    host.process(11, "nginx")  # it ended before its maps were read
    finding = host.findings("H17")[""]
    assert finding.severity == "ok"
    assert "(1 processes may not be looked at)" in finding.text
