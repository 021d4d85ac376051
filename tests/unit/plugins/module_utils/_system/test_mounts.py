"""File systems, from the kernel's text, and their room, from the real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.mounts import (
    Mount,
    Usage,
    file_systems,
    mount_of,
    parse_mounts,
    read_usages,
)

MOUNTINFO = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
22 21 0:5 / /proc rw - proc proc rw
23 21 8:1 /var/lib/docker /var/lib/docker rw - ext4 /dev/sda1 rw
24 21 8:2 / /boot ro,relatime - ext4 /dev/sda2 rw
25 21 8:3 / /srv/my\040data rw - xfs /dev/sda3 ro,noquota
26 21 0:40 / /tmp rw - tmpfs tmpfs rw,size=1g
27 21 0:41 / /run rw - tmpfs tmpfs rw,size=1g
28 21 0:42 / /mnt/nas rw - nfs4 nas:/export rw
29 21 8:9 / /etc/hosts rw - ext4 /dev/sdb1 rw
30 21 7:0 / /snap/core ro - squashfs /dev/loop0 ro
31 21 0:50 / /dev/shm rw - tmpfs old rw
32 21 0:51 / /dev/shm rw - tmpfs new rw
not a line
"""


def points(*places: str) -> list[str]:
    return [mount.point for mount in file_systems(parse_mounts(MOUNTINFO), map(Path, places))]


def test_mounts_are_read_with_what_the_file_system_itself_allows() -> None:
    mounts = {mount.point: mount for mount in parse_mounts(MOUNTINFO)}
    assert mounts["/"] == Mount("8:1", "/", "ext4", "/dev/sda1", is_read_only=False)
    assert not mounts["/boot"].is_read_only, "only this mount is read-only, not what it shows"
    assert mounts["/srv/my data"].is_read_only
    assert mounts["/dev/shm"].source == "new", "the last mount on a point hides those below it"


def test_each_file_system_with_data_is_named_once() -> None:
    assert points() == ["/", "/boot", "/mnt/nas", "/srv/my data", "/tmp"]


def test_a_file_system_in_memory_counts_where_something_important_lies_on_it() -> None:
    assert "/run" in points("/run/backups")


def test_the_root_counts_whatever_its_type() -> None:
    mounts = parse_mounts("21 1 0:60 / / rw - overlay overlay rw\n")
    assert [mount.kind for mount in file_systems(mounts, [])] == ["overlay"]


@pytest.mark.parametrize(
    ("path", "point"), [("/srv/my data/a/b", "/srv/my data"), ("/srv/my", "/"), ("/boot", "/boot"), ("relative", None)]
)
def test_a_path_lies_on_the_nearest_mount(path: str, point: str | None) -> None:
    mount = mount_of(Path(path), parse_mounts(MOUNTINFO))
    assert (mount.point if mount else None) == point


def test_the_room_is_what_those_who_are_not_root_may_take(tmp_path: Path) -> None:
    usage = read_usages([tmp_path])[tmp_path]
    status = os.statvfs(tmp_path)
    assert usage.usable_bytes == (status.f_blocks - status.f_bfree + status.f_bavail) * status.f_frsize
    assert 0 < usage.available_percent < 100
    assert usage.inodes == status.f_files


def test_what_does_not_answer_is_left_out(tmp_path: Path) -> None:
    assert read_usages([tmp_path / "missing"]) == {}
    assert read_usages([]) == {}


def test_a_file_system_without_blocks_is_not_full() -> None:
    assert Usage(0, 0, 0, 0).available_percent == 100
