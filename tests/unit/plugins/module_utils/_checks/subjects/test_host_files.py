"""Open files and deleted ones, of the real kernel and of hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_host import GIB, FakeHost

LIMITS = "Limit  Soft Limit  Hard Limit  Units\nMax open files            {soft}                 524288  files\n"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    host.write("/proc/sys/fs/file-nr", "500\t0\t1000\n")
    return host


def program(host: FakeHost, pid: int, name: str, opened: int, soft: str = "100") -> Path:
    folder = host.process(pid, name, limits=LIMITS.format(soft=soft))
    (folder / "fd").mkdir()
    for number in range(opened):
        (folder / "fd" / str(number)).symlink_to("/dev/null")
    return folder / "fd"


def test_the_host_and_the_worst_of_each_program_are_judged(host: FakeHost) -> None:
    program(host, 10, "mariadbd", 50)
    program(host, 11, "redis-server", 71)
    program(host, 12, "redis-server", 3)
    program(host, 13, "postfix", 91)
    program(host, 14, "sshd", 3)
    found = host.findings("H19")
    assert {item: finding.severity for item, finding in found.items()} == {
        "host": "ok",
        "mariadbd": "ok",
        "redis-server": "warning",
        "others": "critical",
    }
    assert found["others"].text == "postfix (process 13) has 91 of 100 files open"


def test_programs_without_a_limit_or_that_ended_are_left_out(host: FakeHost) -> None:
    program(host, 10, "mariadbd", 5, soft="unlimited")
    host.process(11, "redis-server")
    assert list(host.findings("H19")) == ["host"]


@pytest.mark.parametrize(("allocated", "severity"), [(700, "ok"), (701, "warning"), (901, "critical")])
def test_the_kernels_limit_is_judged(host: FakeHost, allocated: int, severity: str) -> None:
    host.write("/proc/sys/fs/file-nr", f"{allocated}\t0\t1000\n")
    assert host.findings("H19")["host"].severity == severity


def test_deleted_files_are_counted_once_and_their_owners_named(host: FakeHost, tmp_path: Path) -> None:
    # A link in /proc reads as the name with "(deleted)" and opens the file: here it is a file of just that name.
    deleted = tmp_path / "ibtmp1 (deleted)"
    deleted.write_bytes(b"x" * 2_000_000)
    for pid, name in ((10, "mariadbd"), (11, "nginx")):
        folder = host.process(pid, name) / "fd"
        folder.mkdir()
        (folder / "3").symlink_to(deleted)
        (folder / "4").symlink_to(tmp_path / "gone (deleted)")
        (folder / "5").symlink_to("/memfd:x (deleted)")
        (folder / "6").symlink_to("/dev/null")
    finding = host.findings("H21")[""]
    assert finding.value is not None
    assert 2_000_000 <= finding.value < 2_100_000
    assert finding.evidence == ("mariadbd (process 10) holds 1.9 MiB in 1 deleted file",)
    assert finding.severity == "ok"


def test_many_bytes_are_a_warning(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.host_files._BLOCK_BYTES", GIB
    )
    deleted = host.write("/a (deleted)", "x")
    folder = host.process(10, "java") / "fd"
    folder.mkdir()
    (folder / "3").symlink_to(deleted)
    finding = host.findings("H21")[""]
    assert finding.severity == "critical"
    assert finding.text == "deleted files that are open take 8.0 GiB"


def test_processes_that_end_meanwhile_hold_nothing(host: FakeHost) -> None:
    host.process(10, "true")
    assert host.findings("H21")[""].severity == "ok"


def test_processes_that_may_not_be_looked_at_are_said(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: Path) -> None:
        raise PermissionError if "/10/" in str(place) else FileNotFoundError

    monkeypatch.setattr("os.scandir", refuse)
    host.process(10, "mariadbd")
    target = host.target()
    finding = host.findings("H21", target)[""]
    assert (finding.severity, finding.text) == ("unknown", "no process may be looked at: run this as root")
    host.process(11, "own")
    finding = host.findings("H21")[""]
    assert finding.severity == "ok"
    assert "1 processes of other accounts may not be looked at" in finding.text
