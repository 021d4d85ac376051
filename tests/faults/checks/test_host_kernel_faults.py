"""Open files for real; the kernel's tables and settings, which all of this machine shares, on hosts made of files."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import list_processes
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host

from tests.check_runs import run_one
from tests.fake_host import GIB, FakeHost

OPEN_MANY = (
    "import sys; kept = [open('/dev/null') for _ in range({count})]; print('ready', flush=True); sys.stdin.read()"
)


@contextmanager
def running(code: str, *arguments: str, most_files: int = 1000) -> Iterator[int]:
    """Run Python until the block ends; yield its pid when it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what the child gets from pytest is a deleted file
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files)),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.kill()


@pytest.mark.check("H19")
def test_a_program_that_has_too_many_files_open_is_seen(host_target: Callable[..., Host]) -> None:
    def severity(count: int) -> str:
        with running(OPEN_MANY.format(count=count), most_files=100) as pid:
            target = host_target()
            target.processes = [process for process in list_processes() if process.pid == pid]  # of this test alone
            (finding,) = [finding for finding in run_one("H19", target) if finding.item == "others"]
            return finding.severity

    assert [severity(count) for count in (10, 80, 92, 10)] == ["ok", "warning", "critical", "ok"]


@pytest.mark.check("H20")
def test_a_table_of_connections_that_is_full_is_seen(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.write("/proc/sys/net/netfilter/nf_conntrack_max", "1000\n")
    for used, severity in ((10, "ok"), (800, "warning"), (950, "critical"), (10, "ok")):
        host.write("/proc/sys/net/netfilter/nf_conntrack_count", f"{used}\n")
        assert host.findings("H20")[""].severity == severity


@pytest.mark.check("H21")
def test_a_deleted_file_that_is_open_is_seen_with_its_owner(host_target: Callable[..., Host], tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, GIB + GIB // 8)
    keep_open = "import sys; kept = open(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
    with running(keep_open, str(log)) as pid:

        def look() -> tuple[str, tuple[str, ...]]:
            target = host_target()
            target.processes = [process for process in list_processes() if process.pid == pid]  # of this test alone
            (finding,) = run_one("H21", target)
            return finding.severity, finding.evidence

        assert look() == ("ok", ())
        log.unlink()
        severity, (owner,) = look()
        assert severity == "warning"
        assert f"(process {pid}) holds 1.1 GiB in 1 deleted file" in owner
    target = host_target()
    target.processes = [process for process in list_processes() if process.pid == os.getpid()]
    assert run_one("H21", target)[0].severity == "ok"


@pytest.mark.check("H25")
def test_a_setting_of_the_kernel_that_drifts_is_seen(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.process(10, "redis-server", "127.0.0.1:11000")
    for value, severity in (("1", "ok"), ("0", "warning"), ("1", "ok")):
        host.write("/proc/sys/vm/overcommit_memory", f"{value}\n")
        assert host.findings("H25")["vm.overcommit_memory"].severity == severity
