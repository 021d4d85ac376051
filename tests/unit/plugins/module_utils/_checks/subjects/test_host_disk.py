"""Room on file systems: shares, bytes, and the line through earlier runs."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History, Point
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.host_disk import time_to_full_seconds
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import FileSystem, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.mounts import Mount, Usage

from tests.fake_host import GIB, NOW_SECONDS, FakeHost

HOUR = 3600
DAY = 24 * HOUR
ROOT_MOUNT = Mount("8:1", "/", "ext4", "/dev/sda1", is_read_only=False)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def with_room(host: Host, available_gib: float, usable_gib: float, inodes: tuple[int, int] = (50, 100)) -> Host:
    usage = Usage(int(available_gib * GIB), int(usable_gib * GIB), *inodes)
    host.file_systems = [FileSystem(ROOT_MOUNT, usage)]
    return host


@pytest.mark.parametrize(
    ("available", "severity"), [(50, "ok"), (15, "ok"), (14.9, "warning"), (10, "warning"), (9.9, "critical")]
)
def test_the_share_is_judged(host: FakeHost, available: float, severity: str) -> None:
    finding = host.findings("H01", with_room(host.target(), available, 100))["/"]
    assert (finding.severity, finding.value) == (severity, pytest.approx(available))


def test_the_text_has_the_share_and_the_bytes(host: FakeHost) -> None:
    finding = host.findings("H01", with_room(host.target(), 25, 100))["/"]
    assert finding.text == "/ has 25.0 % available (25.0 GiB of 100.0 GiB)"


def test_too_few_bytes_for_a_backup_are_critical_whatever_the_share(host: FakeHost) -> None:
    (host.root / "srv/backups").mkdir(parents=True)
    settings = Settings(backup_paths=(str(host.root / "srv/backups"),))
    finding = host.findings("H01", with_room(host.target(settings=settings), 1.9, 20))["/"]
    assert finding.severity == "critical"
    assert "less than 2.0 GiB is too little" in finding.text


@pytest.mark.parametrize(("usable", "has_backups"), [(8, True), (20, False)], ids=["small", "nothing of the bench"])
def test_a_small_file_system_is_judged_by_its_share_alone(host: FakeHost, usable: int, has_backups: bool) -> None:
    settings = Settings(backup_paths=(str(host.root),) if has_backups else ())
    target = with_room(host.target(settings=settings), usable * 0.2, usable)
    target.file_systems[0] = FileSystem(ROOT_MOUNT, Usage(GIB * 19 // 10, 8 * GIB if has_backups else 12 * GIB, 1, 1))
    assert host.findings("H01", target)["/"].severity == "ok"


def test_the_next_backup_must_fit(host: FakeHost) -> None:
    backup = host.write("/srv/backups/20261121_020000-a-database.sql.gz", "")
    os.truncate(backup, 31 * GIB)
    settings = Settings(backup_paths=(str(backup.parent), "/missing"))
    finding = host.findings("H01", with_room(host.target(settings=settings), 30, 100))["/"]
    assert finding.severity == "critical"
    assert "the largest backup file has 31.0 GiB" in finding.text
    assert host.findings("H01", with_room(host.target(settings=settings), 32, 100))["/"].severity == "ok"


def test_the_largest_table_should_fit(host: FakeHost) -> None:
    table = host.write("/var/lib/mysql/_a/tabGL Entry.ibd", "")
    os.truncate(table, 31 * GIB)
    os.truncate(host.write("/var/lib/mysql/_a/other.MYD", ""), 90 * GIB)
    host.process(10, "mariadbd", cwd=str(table.parent.parent))
    finding = host.findings("H01", with_room(host.target(), 30, 100))["/"]
    assert finding.severity == "warning"
    assert "the largest table has 31.0 GiB" in finding.text


def test_what_lies_on_another_file_system_asks_for_no_room_here(host: FakeHost) -> None:
    host.write("/proc/self/mountinfo", "21 1 8:1 / / rw - ext4 a rw\n22 1 8:2 / /data rw - ext4 b rw\n")
    target = with_room(host.target(settings=Settings(backup_paths=("/data/backups",))), 1, 20)
    target.file_systems[0] = FileSystem(ROOT_MOUNT, Usage(GIB * 19 // 10, 12 * GIB, 1, 1))
    assert host.findings("H01", target)["/"].severity == "ok"


@pytest.mark.parametrize("check_id", ["H01", "H02", "H03"])
def test_a_file_system_that_does_not_answer_is_unknown(host: FakeHost, check_id: str) -> None:
    target = host.target()
    target.file_systems = [FileSystem(Mount("0:9", "/mnt/nas", "nfs4", "nas:/x", is_read_only=False), None)]
    finding = host.findings(check_id, target)["/mnt/nas"]
    assert (finding.severity, finding.text) == ("unknown", "the nfs4 file system on /mnt/nas does not answer")


@pytest.mark.parametrize("check_id", ["H01", "H02", "H03"])
def test_what_has_no_room_by_nature_is_left_out(host: FakeHost, check_id: str) -> None:
    assert host.findings(check_id, with_room(host.target(), 0, 0)) == {}


@pytest.mark.parametrize(("free", "severity"), [(15, "ok"), (14, "warning"), (9, "critical")])
def test_inodes_are_judged(host: FakeHost, free: int, severity: str) -> None:
    finding = host.findings("H03", with_room(host.target(), 1, 2, (free, 100)))["/"]
    assert finding.severity == severity
    assert finding.text == f"/ has {free:.1f} % of its inodes free ({free})"


def test_a_file_system_that_makes_inodes_as_needed_has_no_share_of_them(host: FakeHost) -> None:
    assert host.findings("H03", with_room(host.target(), 1, 2, (0, 0))) == {}


def history(*values: float, every_seconds: float = HOUR) -> History:
    times = [NOW_SECONDS - every_seconds * (len(values) - number) for number in range(len(values))]
    return History(
        [{"at_seconds": at, "values": {"H01|host|/": value}, "facts": {}} for at, value in zip(times, values)]
    )


@pytest.mark.parametrize(
    ("values", "available", "severity", "text"),
    [
        # 1 % an hour, seen for 30 hours
        (range(110, 80, -1), 80, "ok", "/ is full in 3 days 8 h if it goes on like this"),
        (range(80, 50, -1), 50, "warning", "/ is full in 2 days 2 h if it goes on like this"),
        (range(50, 20, -1), 20, "critical", "/ is full in 20 h if it goes on like this"),
        ([50] * 30, 50, "ok", "/ does not fill up"),
        (range(20, 50), 50, "ok", "/ does not fill up"),
    ],
)
def test_the_line_of_the_runs_is_extended(
    host: FakeHost, values: range, available: float, severity: str, text: str
) -> None:
    target = with_room(host.target(history=history(*values)), available, 100)
    finding = host.findings("H02", target)["/"]
    assert (finding.severity, finding.text) == (severity, text)


def test_too_few_runs_say_nothing(host: FakeHost) -> None:
    finding = host.findings("H02", with_room(host.target(history=history(30, 20, 10)), 5, 100))["/"]
    assert finding.severity == "unknown"
    assert "is known after 5 runs" in finding.text


def points(*values: float, every_seconds: float) -> list[Point]:
    return [Point(number * every_seconds, value) for number, value in enumerate(values)]


def test_many_runs_within_minutes_say_nothing() -> None:
    assert time_to_full_seconds(points(*range(60, 40, -1), every_seconds=60)) is None


def test_the_last_hours_count_where_little_is_left() -> None:
    slow = points(*([39.0] * 160), every_seconds=HOUR)
    last = slow[-1].at_seconds
    fast = [Point(last + number * 600, 39 - number) for number in range(1, 20)]
    seconds = time_to_full_seconds([*slow, *fast])
    assert seconds is not None
    assert seconds < 6 * HOUR


def test_the_last_hours_do_not_count_where_much_is_left() -> None:
    slow = points(*([90.0] * 160), every_seconds=HOUR)
    last = slow[-1].at_seconds
    fast = [Point(last + number * 600, 90 - number) for number in range(1, 20)]
    seconds = time_to_full_seconds([*slow, *fast])
    assert seconds is not None
    assert seconds > 3 * DAY


def test_what_was_long_ago_does_not_count() -> None:
    old = points(90, 80, 70, 60, 50, every_seconds=HOUR)
    new = [Point(30 * DAY + number * DAY, 50.0) for number in range(6)]
    assert time_to_full_seconds([*old, *new]) == math.inf
