"""For how many days of a file system's growth something is enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History, Point
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.disks import (
    Disk,
    disk_of,
    disks_from,
    growth_bytes_a_day,
    read_disks,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.mounts import Mount, Usage

NOW = 1_800_000_000.0
HOUR_SECONDS = 3600
USAGE = Usage(available_bytes=50_000, usable_bytes=100_000, available_inodes=0, inodes=0)


def shares(percent_a_day: float) -> list[Point]:
    """Return what two days of hourly runs saw of a disk that has 50 % now."""
    return [Point(NOW - hours * HOUR_SECONDS, 50 - percent_a_day * hours / 24) for hours in range(48, 0, -1)]


@pytest.mark.parametrize(("percent_a_day", "growth"), [(-2.0, 2000), (3.0, 0), (0.0, 0)])
def test_growth_is_what_becomes_less_in_a_day(percent_a_day: float, growth: float) -> None:
    assert growth_bytes_a_day(shares(percent_a_day), USAGE, NOW) == pytest.approx(growth)


def test_growth_is_unknown_without_a_day_of_history() -> None:
    assert growth_bytes_a_day([], USAGE, NOW) is None
    assert growth_bytes_a_day(shares(-2.0)[-3:], USAGE, NOW) is None


def test_days_are_unknown_where_the_disk_does_not_grow() -> None:
    assert Disk("/", 1, 400.0).days_gained(1000) == 2.5
    assert Disk("/", 1, 0.0).days_gained(1000) is None
    assert Disk("/", 1, None).days_gained(1000) is None


def test_disk_of_a_path_is_the_nearest_mount() -> None:
    disks = disks_from([{"point": point, "available_bytes": 1, "growth_bytes_a_day": None} for point in ("/", "/var")])
    assert [getattr(disk_of(path, disks), "point", "") for path in ("/var/log", "/variable", "")] == ["/var", "/", ""]
    assert disk_of("/srv", disks[1:]) is None


def test_disk_is_found_in_the_history_under_another_mount_of_it(tmp_path: Path) -> None:
    bind, whole = (Mount("8:1", str(point), "ext4", "sda1", False) for point in (tmp_path, "/"))
    runs = [{"at_seconds": point.at_seconds, "values": {"H01|host|/": point.value}} for point in shares(-2.0)]
    gone = Mount("8:2", str(tmp_path / "gone"), "ext4", "sda2", False)
    folders = [tmp_path / "logs", tmp_path / "other", tmp_path / "gone" / "x"]
    (disk,) = read_disks(folders, [whole, bind, gone], History(runs), NOW)
    assert disk.point == str(tmp_path)
    assert disk.available_bytes > 0
    assert disk.growth_bytes_a_day is not None
    (unknown,) = read_disks(folders[:1], [whole, bind], History(), NOW)
    assert unknown.growth_bytes_a_day is None
