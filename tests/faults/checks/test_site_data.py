"""Faults of what a site's database says: its scheduler, its errors, its email, its logs and its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import read_history, remember_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute

from tests.changed_files import changed_configuration
from tests.check_runs import run_one
from tests.lab import Lab
from tests.lab.processes import wait_until

SITE = "alpha.localhost"
TWO_HOURS = 7200
# The site's own time is what Frappe writes; every test speaks of time relative to it.
NOW = "CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', '+05:30')"
STANDARD = "creation, modified, modified_by, owner"

SiteTargets = Callable[..., SiteTarget]


@pytest.fixture
def run(lab: Lab) -> Iterator[Callable[..., None]]:
    """Run statements in the site's database."""
    with closing(lab.connect(SITE)) as connection:

        def run_all(*statements: str) -> None:
            for statement in statements:
                execute(connection, statement)

        yield run_all


@pytest.fixture
def look(site_target: SiteTargets) -> Callable[..., dict[str, Finding]]:
    """Run a check on the site as it is now, and return its findings by their items."""
    return lambda check_id, **changes: {
        finding.item: finding for finding in run_one(check_id, site_target(SITE, **changes))
    }


def severity(findings: dict[str, Finding]) -> str:
    """Return the severity of the only finding."""
    (finding,) = findings.values()
    return finding.severity


@pytest.mark.check("F05")
def test_each_switch_that_stops_the_scheduler_is_found(lab: Lab, look: Any, run: Any) -> None:
    assert severity(look("F05")) == "ok"
    for name in ("maintenance_mode", "pause_scheduler", "disable_scheduler"):
        with changed_configuration(lab, SITE, age_seconds=TWO_HOURS + 60, **{name: 1}):
            findings = look("F05")
            assert severity(findings) == "critical"
            assert name in findings[""].text
    run("UPDATE tabSingles SET value = '0' WHERE doctype = 'System Settings' AND field = 'enable_scheduler'")
    assert severity(look("F05")) == "critical"
    run("UPDATE tabSingles SET value = '1' WHERE doctype = 'System Settings' AND field = 'enable_scheduler'")
    assert severity(look("F05")) == "ok"


@pytest.mark.check("F05")
def test_maintenance_that_has_just_begun_is_no_alarm(lab: Lab, look: Any) -> None:
    with changed_configuration(lab, SITE, maintenance_mode=1):
        assert severity(look("F05")) == "warning"
        assert look("F06")[""].severity == "skipped"


@pytest.mark.check("F12")
def test_forgotten_maintenance_is_found_by_its_age(lab: Lab, look: Any) -> None:
    assert {finding.severity for finding in look("F12").values()} == {"ok"}
    for age_seconds, expected in ((60, "ok"), (TWO_HOURS + 60, "warning"), (13 * 3600, "critical")):
        with changed_configuration(lab, SITE, age_seconds=age_seconds, maintenance_mode=1, pause_scheduler=True):
            findings = look("F12")
            assert findings["maintenance_mode"].severity == findings["pause_scheduler"].severity == expected
    assert {finding.severity for finding in look("F12").values()} == {"ok"}


@pytest.mark.check("F12")
def test_forgotten_maintenance_is_found_though_the_configuration_was_changed_since(
    lab: Lab, site_target: SiteTargets, look: Any, tmp_path: Path
) -> None:
    with changed_configuration(lab, SITE, age_seconds=TWO_HOURS + 60, maintenance_mode=1):
        first = run_one("F12", site_target(SITE))
        remember_run(tmp_path, 0, first, {})
    with changed_configuration(lab, SITE, maintenance_mode=1):
        second = {
            finding.item: finding for finding in run_one("F12", site_target(SITE, history=read_history(tmp_path)))
        }
    assert second["maintenance_mode"].severity == "warning"
    with changed_configuration(lab, SITE, maintenance_mode=0):
        remember_run(tmp_path, 1, run_one("F12", site_target(SITE)), {})
    with changed_configuration(lab, SITE, maintenance_mode=1):
        third = look("F12", history=read_history(tmp_path))
    assert third["maintenance_mode"].severity == "ok"


@pytest.mark.check("F06")
def test_scheduler_that_stopped_is_found(lab: Lab, look: Any) -> None:
    program = "frappe-bench-workers:frappe-bench-frappe-schedule"
    assert {finding.severity for finding in look("F06").values()} == {"ok"}
    lab.supervisorctl("stop", program)
    assert look("F06")["process"].severity == "critical"
    lab.supervisorctl("start", program)
    wait_until(lambda: look("F06")["process"].severity == "ok", "the scheduler")


@pytest.mark.check("F06")
def test_scheduler_that_does_nothing_is_found(look: Any, run: Any) -> None:
    for minutes, expected in ((10, "ok"), (20, "warning"), (130, "critical")):
        run(f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW} - INTERVAL {minutes} MINUTE")
        assert look("F06")["last job"].severity == expected
    run(f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW}")
    assert look("F06")["last job"].severity == "ok"


@pytest.mark.check("F06")
def test_site_that_nobody_uses_may_run_its_jobs_once_a_day(look: Any, run: Any) -> None:
    run(
        "CREATE TABLE kept_activity SELECT name, creation, modified FROM `tabActivity Log`",
        "UPDATE `tabActivity Log` SET creation = creation - INTERVAL 1 YEAR, modified = modified - INTERVAL 1 YEAR",
        "UPDATE tabUser SET last_active = NULL",
        f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW} - INTERVAL 23 HOUR",
    )
    assert {finding.severity for finding in look("F06").values()} == {"ok"}
    run(f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW} - INTERVAL 27 HOUR")
    assert look("F06")["last job"].severity == "critical"
    run(
        f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW}",
        "UPDATE `tabActivity Log` a JOIN kept_activity k ON k.name = a.name"
        " SET a.creation = k.creation, a.modified = k.modified",
        "DROP TABLE kept_activity",
    )
    assert {finding.severity for finding in look("F06").values()} == {"ok"}


@pytest.mark.check("F06")
def test_one_job_that_never_runs_is_found_and_only_when_it_is_due(look: Any, run: Any) -> None:
    run(
        f"INSERT INTO `tabScheduled Job Type` (name, {STANDARD}, frequency, cron_format, last_execution, stopped)"
        f" VALUES ('daily.job', {NOW}, {NOW}, 'a', 'a', 'Daily', NULL, {NOW} - INTERVAL 25 HOUR, 0),"
        f" ('cron.job', {NOW}, {NOW}, 'a', 'a', 'Cron', '*/15 * * * *', {NOW} - INTERVAL 2 HOUR, 0)"
    )
    assert look("F06")["overdue jobs"].severity == "ok"
    run(f"UPDATE `tabScheduled Job Type` SET last_execution = {NOW} - INTERVAL 27 HOUR WHERE name = 'daily.job'")
    overdue = look("F06")["overdue jobs"]
    assert overdue.severity == "warning"
    assert "daily.job" in overdue.text
    run("DELETE FROM `tabScheduled Job Type` WHERE name IN ('daily.job', 'cron.job')")
    assert look("F06")["overdue jobs"].severity == "ok"


@pytest.mark.check("F07")
def test_failing_job_is_found_in_the_log_of_the_site(look: Any, run: Any) -> None:
    assert {finding.severity for finding in look("F07").values()} == {"ok"}
    rows = ", ".join(
        f"('failing-{number}', {NOW} - INTERVAL 1 DAY, {NOW}, 'a', 'a', 'stock.reorder', '{status}')"
        for number, status in enumerate(("Failed", "Failed", "Complete"))
    )
    run(f"INSERT INTO `tabScheduled Job Log` (name, {STANDARD}, scheduled_job_type, status) VALUES {rows}")
    failing = look("F07")["failing"]
    assert failing.severity == "critical"
    assert "stock.reorder failed in 2 of 3 runs" in failing.text
    run("UPDATE `tabScheduled Job Log` SET status = 'Complete' WHERE name LIKE 'failing-%'")
    assert look("F07")["failing"].severity == "ok"
    run("DELETE FROM `tabScheduled Job Log` WHERE name LIKE 'failing-%'")


@pytest.mark.check("F07")
def test_job_that_was_killed_and_never_runs_again_is_found(look: Any, run: Any) -> None:
    run(
        f"INSERT INTO `tabScheduled Job Log` (name, {STANDARD}, scheduled_job_type, status)"
        f" VALUES ('killed', {NOW} - INTERVAL 2 HOUR, {NOW} - INTERVAL 2 HOUR, 'a', 'a', 'nightly', 'Start')"
    )
    assert look("F07")["unfinished"].severity == "warning"
    run("DELETE FROM `tabScheduled Job Log` WHERE name = 'killed'")
    assert look("F07")["unfinished"].severity == "ok"


@pytest.mark.check("F08")
def test_many_errors_are_found_and_new_ones_named(
    look: Any, run: Any, site_target: SiteTargets, tmp_path: Path
) -> None:
    before = run_one("F08", site_target(SITE))
    assert [finding.severity for finding in before] == ["ok"]
    remember_run(tmp_path, site_target(SITE).now_seconds - 60, before, {})
    title = "<script>alert(1)</script>\\nclerk@example.com cannot pay " + "x" * 100
    run(
        f"INSERT INTO `tabError Log` (name, {STANDARD}, method)"
        f" SELECT CONCAT('many-', seq), {NOW}, {NOW}, 'a', 'a', LEFT('{title}', 140) FROM seq_1_to_2000"
    )
    (finding,) = look("F08", history=read_history(tmp_path)).values()
    assert finding.severity == "critical"
    assert finding.evidence[0].startswith("2000 times: <script>alert(1)</script> ...@... cannot pay xxx")
    assert len(finding.evidence[0]) <= len("2000 times: ") + 80
    assert finding.evidence[-1].startswith("new: <script>")
    assert look("F08")[""].severity == "warning"
    run("DELETE FROM `tabError Log` WHERE name LIKE 'many-%'")
    assert severity(look("F08")) == "ok"


@pytest.mark.check("F08")
def test_one_error_that_returns_is_found(look: Any, run: Any) -> None:
    run(
        f"INSERT INTO `tabError Log` (name, {STANDARD}, method)"
        f" SELECT CONCAT('one-', seq), {NOW}, {NOW}, 'a', 'a', 'the same' FROM seq_1_to_11"
    )
    assert severity(look("F08")) == "warning"
    run("DELETE FROM `tabError Log` WHERE name LIKE 'one-%'")
    assert severity(look("F08")) == "ok"


@pytest.mark.check("F09")
def test_email_that_does_not_get_through_is_found(lab: Lab, look: Any, run: Any) -> None:
    def put(status: str, hours: int) -> None:
        run(
            f"INSERT INTO `tabEmail Queue` (name, {STANDARD}, status) SELECT CONCAT('fault-', seq),"
            f" {NOW} - INTERVAL {hours} HOUR, {NOW} - INTERVAL {hours} HOUR, 'a', 'a', '{status}' FROM seq_1_to_10"
        )

    def take_away() -> None:
        run("DELETE FROM `tabEmail Queue` WHERE name LIKE 'fault-%'")

    assert {finding.severity for finding in look("F09").values()} == {"ok"}
    for status, hours, item, expected in (
        ("Error", 1, "failed", "warning"),
        ("Not Sent", 1, "waiting", "warning"),
        ("Not Sent", 30, "waiting", "critical"),
        ("Sending", 1, "sending", "warning"),
    ):
        put(status, hours)
        assert look("F09")[item].severity == expected
        take_away()
    with changed_configuration(lab, SITE, mute_emails=1):
        assert look("F09")["switches"].severity == "warning"
    run(
        "CREATE TABLE `tabUnhandled Email` (name varchar(140) PRIMARY KEY, creation datetime(6), modified datetime(6),"
        " email_account varchar(140), uid varchar(140), reason longtext, message_id longtext, raw longtext)",
        f"INSERT INTO `tabUnhandled Email` (name, creation, modified) SELECT seq, {NOW}, {NOW} FROM seq_1_to_4",
        f"UPDATE tabCommunication SET sent_or_received = 'Received', creation = {NOW}, modified = {NOW} LIMIT 20",
    )
    assert look("F09")["unhandled"].severity == "warning"
    run("DROP TABLE `tabUnhandled Email`")
    assert {finding.severity for finding in look("F09").values()} == {"ok"}


@pytest.mark.check("F09")
def test_suspended_queue_of_emails_is_found(look: Any, run: Any) -> None:
    run(
        "INSERT INTO tabDefaultValue (name, parent, defkey, defvalue)"
        " VALUES ('s', '__default', 'suspend_email_queue', '1')"
    )
    assert look("F09")["switches"].severity == "warning"
    run("DELETE FROM tabDefaultValue WHERE name = 's'")
    assert look("F09")["switches"].severity == "ok"


@pytest.mark.check("F10")
def test_failed_logins_and_expired_sessions_are_found(look: Any, run: Any) -> None:
    assert {finding.severity for finding in look("F10").values()} == {"ok"}
    run(
        f"INSERT INTO `tabActivity Log` (name, {STANDARD}, operation, status) SELECT CONCAT('guess-', seq),"
        f" {NOW}, {NOW}, 'a', 'a', 'Login', 'Failed' FROM seq_1_to_100",
        f"INSERT INTO tabSessions (user, sid, lastupdate) SELECT 'user1@example.com', seq, {NOW} - INTERVAL 60 DAY"
        " FROM seq_1_to_20",
    )
    findings = look("F10")
    assert findings["failed logins"].severity == "critical"
    assert findings["expired sessions"].severity == "warning"
    run("DELETE FROM `tabActivity Log` WHERE name LIKE 'guess-%'", "DELETE FROM tabSessions WHERE user <> 'Guest'")
    assert {finding.severity for finding in look("F10").values()} == {"ok"}


@pytest.mark.check("F13")
def test_log_that_is_not_cleared_and_large_log_are_found(look: Any, run: Any, site_target: SiteTargets) -> None:
    assert severity(look("F13")) == "ok"
    run(
        f"INSERT INTO `tabEmail Queue` (name, creation, modified, status)"
        f" VALUES ('old', {NOW} - INTERVAL 70 DAY, {NOW} - INTERVAL 70 DAY, 'Sent')"
    )
    (finding,) = look("F13").values()
    assert finding.severity == "warning"
    assert finding.evidence[0] == "tabEmail Queue has rows of 70 days and should keep 30"
    run(
        "CREATE TABLE `tabLogs To Clear` (name varchar(140) PRIMARY KEY, parent varchar(140),"
        " ref_doctype varchar(140), days int(11) NOT NULL DEFAULT 30)",
        "INSERT INTO `tabLogs To Clear` VALUES ('a', 'Log Settings', 'Email Queue', 60)",
    )
    assert severity(look("F13")) == "ok"
    run("DROP TABLE `tabLogs To Clear`", "DELETE FROM `tabEmail Queue` WHERE name = 'old'")
    thresholds = {"F13": {"warning": "1000"}}
    assert [finding.severity for finding in run_one("F13", site_target(SITE), thresholds=thresholds)] == ["warning"]
    assert severity(look("F13")) == "ok"


@pytest.mark.check("F14")
def test_missing_unknown_and_exposed_files_are_found(lab: Lab, look: Any) -> None:
    public = lab.site_path(SITE) / "public" / "files"
    assert {finding.severity for finding in look("F14").values()} == {"ok"}
    moved = public.with_name("moved")
    public.rename(moved)
    public.mkdir()
    assert look("F14")["missing files"].severity == "warning"
    (public / "20261121_144508-alpha_localhost-database.sql.gz").touch()
    assert look("F14")["exposed backups"].severity == "critical"
    (public / "20261121_144508-alpha_localhost-database.sql.gz").unlink()
    public.rmdir()
    moved.rename(public)
    orphan = public / "deep" / "nobody knows.txt"
    orphan.parent.mkdir()
    orphan.touch()
    assert look("F14")["unknown files"].severity == "ok"
    os.utime(orphan, (0, 0))
    assert look("F14")["unknown files"].severity == "warning"
    orphan.unlink()
    orphan.parent.rmdir()
    assert {finding.severity for finding in look("F14").values()} == {"ok"}
