from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_scheduled_jobs import (
    seconds_between,
    unfinished_jobs,
)

from tests.fake_site import LOCAL_NOW, FakeSite

HOUR = 3600
DAY = 24 * HOUR
NOW = datetime.fromisoformat(LOCAL_NOW)


@pytest.mark.parametrize(
    ("frequency", "cron_format", "expected"),
    [
        ("All", None, 240),
        ("Hourly Long", "", HOUR),
        ("Daily", None, DAY),
        ("Monthly Long", None, 31 * DAY),
        ("Cron", "*/15 * * * *", HOUR),
        ("Cron", "* * * * *", 240),
        ("Cron", "15 18 * * *", DAY),
        ("Cron", "0 0 * * 0", 7 * DAY),
        ("Cron", "0 0 1 * *", 31 * DAY),
        ("Cron", "0 0 1 1 *", 366 * DAY),
        (None, None, 366 * DAY),
        ("Whenever", "broken", 366 * DAY),
    ],
)
def test_time_between_runs_is_never_too_short(frequency: str | None, cron_format: str | None, expected: int) -> None:
    assert seconds_between(frequency, cron_format) == expected


def test_only_a_last_run_that_began_long_ago_is_unfinished() -> None:
    long_ago, just_now = NOW - timedelta(hours=2), NOW - timedelta(minutes=40)
    rows = [
        ("stuck", long_ago, long_ago),
        ("runs", just_now, just_now),
        ("ran again", just_now, long_ago),
        ("ended", long_ago, None),
    ]
    assert unfinished_jobs(rows, NOW) == ["stuck"]


def heartbeat(fake: FakeSite, age: timedelta) -> str:
    fake.answers["Scheduled Job Type"] = [("all", "All", None, NOW - age)]
    return fake.look("F06")["last job"].severity


def test_dormant_site_has_a_day_more(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    assert heartbeat(fake, timedelta(hours=23)) == "ok"
    assert heartbeat(fake, timedelta(hours=27)) == "critical"
    fake.answers["Activity Log"] = [(1,)]
    assert heartbeat(fake, timedelta(hours=23)) == "critical"
    assert heartbeat(fake, timedelta(minutes=-5)) == "ok"


def test_days_until_dormancy_come_from_the_settings(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["System Settings"].append(("dormant_days", "10"))
    fake.answers["FROM tabUser WHERE last_active > %s LIMIT 1 2033-05-08"] = [(1,)]
    assert heartbeat(fake, timedelta(hours=23)) == "critical"


def test_lock_tells_whether_the_scheduler_runs(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["Scheduled Job Type"] = [("all", "All", None, NOW)]
    inode = fake.write("config/scheduler_process", "").stat().st_ino
    locks = tmp_path / "proc" / "locks"
    for line, severity in (
        (f"1: FLOCK  ADVISORY  WRITE 4242 08:01:{inode} 0 EOF", "ok"),
        (f"1: -> FLOCK  ADVISORY  WRITE 4242 08:01:{inode} 0 EOF", "critical"),
        (f"1: FLOCK  ADVISORY  WRITE 4242 08:01:9{inode} 0 EOF", "critical"),
    ):
        locks.write_text(f"{line}\n")
        assert fake.look("F06")["process"].severity == severity


def test_bench_without_the_lock_is_asked_for_its_services(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)

    fake.answers["Scheduled Job Type"] = []
    findings = fake.look("F06")
    assert findings["process"].severity == "critical"
    assert findings[""].severity == "skipped"


def test_process_that_schedules_is_found_without_its_lock(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    folder = tmp_path / "proc" / "4242"
    folder.mkdir()
    (folder / "cmdline").write_bytes(b"/usr/local/bin/bench\0schedule\0")
    (folder / "stat").write_text("4242 (bench) S 1 1 1")
    (folder / "cwd").symlink_to(fake.bench.path)
    assert fake.look("F06")["process"].severity == "ok"


def test_scheduler_that_is_off_has_no_heartbeat(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(disable_scheduler=1)
    assert fake.look("F06")[""].text == "the scheduler is off (disable_scheduler)"


def test_job_that_fails_most_is_named_first(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["Scheduled Job Log"] = [("a", 10, 2, NOW, None), ("b", 4, 1, NOW, None), ("c", 9, 0, NOW, None)]
    failing = fake.look("F07")["failing"]
    assert (failing.severity, failing.value) == ("warning", 25)
    assert failing.evidence == ("b: 1 of 4 runs", "a: 2 of 10 runs")
