"""The kernel's settings for the servers that run, on hosts made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_host import FakeHost

RIGHT = {
    "/proc/sys/vm/overcommit_memory": "1",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "/proc/sys/net/core/somaxconn": "511",
    "/proc/sys/vm/swappiness": "10",
    "/proc/sys/fs/aio-max-nr": "65536",
}


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    for path, value in RIGHT.items():
        host.write(path, f"{value}\n")
    return host


def test_a_host_without_the_servers_is_skipped(host: FakeHost) -> None:
    assert host.findings("H25")[""].severity == "skipped"


def test_only_what_the_running_servers_ask_for_is_judged(host: FakeHost) -> None:
    host.process(10, "mariadbd")
    assert set(host.findings("H25")) == {"vm.swappiness", "fs.aio-max-nr"}
    host.process(11, "valkey-server", "*:6379")
    found = host.findings("H25")
    assert {finding.severity for finding in found.values()} == {"ok"}
    assert len(found) == len(RIGHT)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (
            "/proc/sys/vm/overcommit_memory",
            "0",
            "vm.overcommit_memory is 0; it should be 1, or Redis cannot fork to save",
        ),
        (
            "/sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never",
            "transparent_hugepage is always; it should be madvise or never, or Redis pauses and grows",
        ),
        (
            "/proc/sys/net/core/somaxconn",
            "128",
            "net.core.somaxconn is 128; it should be 511 or more, which is Redis's backlog",
        ),
        (
            "/proc/sys/vm/swappiness",
            "60",
            "vm.swappiness is 60; it should be 10 or less, or the buffer pool is swapped out for a cache of files",
        ),
        (
            "/proc/sys/fs/aio-max-nr",
            "1024",
            "fs.aio-max-nr is 1024; it should be 65536 or more, or InnoDB starts without asynchronous I/O",
        ),
    ],
)
def test_a_setting_that_differs_is_a_warning(host: FakeHost, path: str, value: str, text: str) -> None:
    host.process(10, "mariadbd")
    host.process(11, "redis-server")
    host.write(path, f"{value}\n")
    wrong = [finding for finding in host.findings("H25").values() if finding.severity != "ok"]
    assert [(finding.severity, finding.text) for finding in wrong] == [("warning", text)]


def test_a_setting_that_cannot_be_read_is_unknown(host: FakeHost) -> None:
    host.process(10, "mariadbd")
    (host.root / "proc/sys/fs/aio-max-nr").unlink()
    assert host.findings("H25")["fs.aio-max-nr"].severity == "unknown"
