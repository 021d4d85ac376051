"""File systems that fill up, run out of inodes, or take no writes any more: small ones in memory, mounted for real.

Disks that fail and arrays that miss a member are files here: this machine has neither.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings

from tests.check_runs import run_one
from tests.fake_host import NOW_SECONDS, FakeHost

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
MIB = 2**20
HOUR = 3600
Look = Callable[..., Finding]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def backups(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "backups"
    with mounted(folder, "size=8m,nr_inodes=100"):
        yield folder


@pytest.fixture
def look(host_target: Callable[..., Host], backups: Path) -> Look:
    """Run a check anew, and return what it says of the folder of backups."""

    def run(check_id: str, history: History | None = None) -> Finding:
        target = host_target(
            settings=Settings(backup_paths=(str(backups),)), history=history or History(), now=lambda: NOW_SECONDS
        )
        (finding,) = [finding for finding in run_one(check_id, target) if finding.item == str(backups)]
        return finding

    return run


@needs_root
@pytest.mark.check("H01")
def test_a_file_system_that_is_full_is_critical(look: Look, backups: Path) -> None:
    assert look("H01").severity == "ok"
    backup = backups / "20261121_020000-alpha-database.sql.gz"
    backup.write_bytes(b"x" * (7 * MIB))
    assert look("H01").severity == "warning"
    backup.write_bytes(b"x" * (7 * MIB + MIB // 2))
    assert look("H01").severity == "critical"
    backup.unlink()
    assert look("H01").severity == "ok"


@needs_root
@pytest.mark.check("H02")
def test_a_file_system_that_fills_up_is_foreseen(look: Look, backups: Path) -> None:
    runs = [
        {
            "at_seconds": NOW_SECONDS - (30 - number) * HOUR,
            "values": {f"H01|host|{backups}": 80.0 - number},
            "facts": {},
        }
        for number in range(30)
    ]
    (backups / "backup").write_bytes(b"x" * (4 * MIB))
    assert look("H02", History(runs)).severity == "warning"
    (backups / "backup").write_bytes(b"x" * (7 * MIB))
    assert look("H02", History(runs)).severity == "critical"
    (backups / "backup").unlink()
    steady = [{**run, "values": {f"H01|host|{backups}": 90.0}} for run in runs]
    assert look("H02", History(steady)).severity == "ok"


@needs_root
@pytest.mark.check("H03")
def test_a_file_system_without_inodes_is_critical(look: Look, backups: Path) -> None:
    assert look("H03").severity == "ok"
    for number in range(95):
        (backups / str(number)).touch()
    assert look("H03").severity == "critical"
    for number in range(95):
        (backups / str(number)).unlink()
    assert look("H03").severity == "ok"


@needs_root
@pytest.mark.check("H04")
def test_a_file_system_that_takes_no_writes_is_critical(look: Look, backups: Path) -> None:
    assert look("H04").severity == "ok"
    subprocess.run(["mount", "-o", "remount,ro", str(backups)], check=True)
    assert look("H04").severity == "critical"
    subprocess.run(["mount", "-o", "remount,rw", str(backups)], check=True)
    assert look("H04").severity == "ok"


@pytest.mark.check("H24")
def test_a_disk_or_an_array_that_fails_is_critical(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.write("/sys/block/sda/device/model", "Samsung SSD 870\n")
    for passed, members, severity in (("true", "UU", "ok"), ("false", "U_", "critical"), ("true", "UU", "ok")):
        host.answer("smartctl", '{"smart_status": {"passed": %s}}' % passed)  # noqa: UP031 (braces of JSON)
        host.write("/proc/mdstat", f"md0 : active raid1 sdb1[1] sda1[0]\n      5 blocks [2/2] [{members}]\n")
        assert {item: finding.severity for item, finding in host.findings("H24").items()} == {
            "sda": severity,
            "md0": severity,
        }
