"""File systems that take no writes, device errors, disks and arrays, on hosts made of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings

from tests.fake_host import UP_SECONDS, FakeHost

READ_ONLY = "21 1 8:1 / / rw - ext4 /dev/sda1 ro,errors=remount-ro\n"
FSTAB = "# comment\nUUID=x / ext4 errors=remount-ro 0 1\nUUID=y /cd iso9660 ro 0 0\nshort\n"
MDSTAT = """Personalities : [raid1]
md0 : active raid1 sdb1[1] sda1[0]
      976630464 blocks super 1.2 [2/{count}] [{members}]
      bitmap: 1/8 pages [4KB], 65536KB chunk

unused devices: <none>
"""


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def test_a_file_system_that_should_take_writes_and_does_not_is_critical(host: FakeHost) -> None:
    host.write("/etc/fstab", FSTAB)
    assert {item: finding.severity for item, finding in host.findings("H04").items()} == {"/": "ok"}
    host.write("/proc/self/mountinfo", READ_ONLY)
    finding = host.findings("H04")["/"]
    assert (finding.severity, finding.text) == ("critical", "/ (/dev/sda1) takes no writes")


def test_a_file_system_that_is_meant_to_be_so_is_right(host: FakeHost) -> None:
    host.write("/proc/self/mountinfo", READ_ONLY)
    host.write("/etc/fstab", FSTAB.replace("errors=remount-ro", "ro"))
    assert host.findings("H04") == {}


def test_backups_need_to_be_written_whatever_fstab_says(host: FakeHost) -> None:
    host.write("/proc/self/mountinfo", READ_ONLY)
    finding = host.findings("H04", settings=Settings(backup_paths=("/srv",)))["/"]
    assert finding.severity == "critical"


@pytest.mark.parametrize(
    ("message", "device"),
    [
        ("blk_update_request: I/O error, dev sda, sector 5 op 0x0", "sda"),
        ("Buffer I/O error on dev sdb1, logical block 0", "sdb1"),
        ("EXT4-fs error (device sda1): ext4_lookup:1578: inode #2: comm x", "sda1"),
        ("EXT4-fs (dm-0): Remounting filesystem read-only", "dm-0"),
        ("XFS (nvme0n1p2): Metadata corruption detected, Internal error", "nvme0n1p2"),
        ("BTRFS error (device sdc1): bad tree block", "sdc1"),
        ("critical medium error, dev sdd, sector 1", "sdd"),
    ],
)
def test_errors_of_devices_are_found_in_the_kernels_log(host: FakeHost, message: str, device: str) -> None:
    host.answer("dmesg", f"[{UP_SECONDS - 60:.6f}] {message}\n")
    finding = host.findings("H04")[f"device {device}"]
    assert finding.severity == "critical"
    assert finding.evidence == (message,)


@pytest.mark.parametrize(
    "line",
    [
        "[    5.000000] I/O error, dev sda, sector 5",
        f"[{UP_SECONDS - 60:.6f}] I/O error, dev sr0, sector 5",
        f"[{UP_SECONDS - 60:.6f}] EXT4-fs (sda1): mounted filesystem with ordered data mode",
    ],
    ids=["long ago", "an empty drive", "no error"],
)
def test_other_messages_are_no_errors(host: FakeHost, line: str) -> None:
    host.answer("dmesg", line)
    assert host.findings("H04") == {}


def test_a_degraded_array_is_critical(host: FakeHost) -> None:
    host.write("/proc/mdstat", MDSTAT.format(count=2, members="UU"))
    assert host.findings("H24")["md0"].severity == "ok"
    host.write("/proc/mdstat", MDSTAT.format(count=1, members="U_"))
    finding = host.findings("H24")["md0"]
    assert (finding.severity, finding.text) == ("critical", "md0 misses 1 of 2 members")


def test_a_virtual_machine_has_no_disk_to_ask(host: FakeHost) -> None:
    assert host.findings("H24")[""].severity == "skipped"
    host.write("/sys/block/vda/size", "1")
    host.write("/sys/block/sda/device/model", "QEMU HARDDISK\n")
    host.write("/proc/mdstat", "Personalities :\nunused devices: <none>\n")
    assert host.findings("H24")[""].severity == "skipped"


def disk(host: FakeHost, passed: bool = True, exit_code: int = 0, **answer: object) -> tuple[str, str]:
    host.write("/sys/block/sda/device/model", "Samsung SSD\n")
    host.answer("smartctl", json.dumps({"smart_status": {"passed": passed}, **answer}), exit_code)
    finding = host.findings("H24")["sda"]
    return finding.severity, finding.text


def test_a_disk_is_asked_for_its_health(host: FakeHost) -> None:
    assert disk(host) == ("ok", "sda says that it is well")
    assert host.commands == [["smartctl", "-j", "-H", "-A", "-n", "standby", "/dev/sda"]]
    assert disk(host, passed=False) == ("critical", "sda says that it is failing")
    assert disk(host, exit_code=8) == ("critical", "sda says that it is failing")
    assert disk(host, exit_code=16) == ("critical", "sda says that it is failing")
    assert disk(host, exit_code=4)[0] == "ok"
    worn = {"media_errors": 3}
    assert disk(host, nvme_smart_health_information_log=worn) == ("critical", "sda counted 3 media errors")


def test_a_disk_that_does_not_tell_is_unknown(host: FakeHost) -> None:
    assert disk(host, exit_code=2) == ("unknown", "sda sleeps, or does not tell its health")
    host.answer("smartctl", "smartctl 6.6, no JSON")
    assert host.findings("H24")["sda"].severity == "unknown"
    host.hang("smartctl")
    assert host.findings("H24")["sda"].severity == "unknown"


def test_a_host_without_smartctl_is_skipped(host: FakeHost) -> None:
    host.write("/sys/block/nvme0n1/device/model", "Samsung SSD\n")
    finding = host.findings("H24")["nvme0n1"]
    assert finding.severity == "skipped"
    assert "not installed" in finding.text
