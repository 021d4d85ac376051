"""Backups that are old, cut off, unproven, or on this host alone."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import append_drill_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import copy_sets
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import key_fingerprint
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import backup_sets
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import append_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.times import parse_rfc3339

from tests.backup_sets import write_repository_set
from tests.check_runs import run_one
from tests.lab.backups import BackupFiles
from tests.restic_double import FolderRepository

SITE = "alpha.localhost"
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


def look(check_id, target):
    (finding,) = run_one(check_id, target)
    return finding


def later(seconds):
    return lambda: datetime.now(timezone.utc).timestamp() + seconds


def backup_name_after(backup) -> str:
    """Return the name of a set in the repository that is an hour newer than a backup."""
    moment = datetime.fromtimestamp(backup.database.stat().st_mtime + HOUR_SECONDS, timezone.utc)
    return f"{moment:%Y%m%d_%H%M%S}-alpha_localhost"


@pytest.fixture
def backup(lab) -> BackupFiles:
    """The only set that the site has."""
    shutil.rmtree(lab.site_path(SITE) / "private" / "backups", ignore_errors=True)
    return lab.backup(SITE)


@pytest.mark.check("B01")
def test_a_backup_that_grows_old_or_is_missing(backup, site_target):
    ages = {0: "ok", 27 * HOUR_SECONDS: "warning", 51 * HOUR_SECONDS: "critical"}
    assert {age: look("B01", site_target(SITE, now=later(age))).severity for age in ages} == ages
    backup.database.unlink()
    found = look("B01", site_target(SITE))
    assert (found.severity, found.text) == ("critical", "no complete set; 1 incomplete")
    shutil.rmtree(backup.database.parent)
    assert look("B01", site_target(SITE)).text == "no backup set at all"


@pytest.mark.check("B02")
def test_a_backup_that_was_cut_off(backup, site_target):
    assert look("B02", site_target(SITE)).severity == "ok"
    content = backup.database.read_bytes()
    backup.database.write_bytes(content[: len(content) // 2])
    found = look("B02", site_target(SITE))
    assert found.severity == "critical"
    assert found.evidence
    backup.database.write_bytes(content)
    assert look("B02", site_target(SITE)).severity == "ok"


@pytest.mark.usefixtures("backup")
def test_a_backup_that_is_far_smaller_than_those_before(lab, site_target):
    for _number in range(3):
        lab.backup(SITE)
    sets = sorted((lab.site_path(SITE) / "private" / "backups").glob("*-private-files.*"))
    for archive in sets[:-1]:
        with archive.open("r+b") as stream:
            stream.truncate(archive.stat().st_size + 64 * 1024 * 1024)
    found = look("B02", site_target(SITE))
    assert found.severity == "warning"
    assert "less than half of the usual" in found.text


def test_a_backup_is_read_once(backup, site_target, monkeypatch):
    first = look("B02", site_target(SITE))
    history = History([{"at_seconds": 1.0, "facts": {first.key: first.fact}}])
    monkeypatch.setattr(backup_sets, "READ_AT_ONCE_BYTES", 1)
    assert look("B02", site_target(SITE, history=history)).severity == "ok"
    assert look("B02", site_target(SITE)).severity == "unknown"
    backup.database.write_bytes(backup.database.read_bytes() + b"x")
    assert look("B02", site_target(SITE, history=history)).severity == "unknown"


@pytest.mark.check("B03")
@pytest.mark.usefixtures("backup")
def test_a_backup_that_nobody_ever_recovered_from(site_target, surroundings):
    assert look("B03", site_target(SITE)).severity == "warning"
    record = {"site": SITE, "outcome": "recovered", "ended_at": datetime.now(timezone.utc).isoformat()}
    append_record(surroundings.state_path, {**record, "outcome": "failed"})
    assert look("B03", site_target(SITE)).severity == "warning"
    append_record(surroundings.state_path, record)
    ages = {0: "ok", 36 * DAY_SECONDS: "warning", 96 * DAY_SECONDS: "critical"}
    assert {age: look("B03", site_target(SITE, now=later(age))).severity for age in ages} == ages


@pytest.mark.check("B03")
@pytest.mark.usefixtures("backup")
def test_a_backup_whose_last_drill_failed(site_target, surroundings):
    drill = {"site": SITE, "drill": "d", "ended_at": datetime.now(timezone.utc).isoformat(), "error": None}
    append_drill_record(surroundings.state_path, {**drill, "outcome": "passed"})
    assert look("B03", site_target(SITE)).severity == "ok"
    assert look("B03", site_target(SITE)).text.endswith("by a drill")
    for code, severity in (("drill_too_slow", "warning"), ("drill_failed", "critical")):
        append_drill_record(
            surroundings.state_path, {**drill, "outcome": "failed", "error": {"code": code, "reason": "It failed."}}
        )
        proven, found = run_one("B03", site_target(SITE))
        assert proven.severity == "ok"
        assert (found.severity, code in found.text, list(found.evidence)) == (severity, True, ["It failed."])


@pytest.mark.check("D16")
def test_a_table_that_a_drill_found_damaged(site_target, surroundings):
    def drilled(kind, outcome):
        finding = {"name": "tables", "outcome": outcome, "text": f"Said of {kind}."}
        drill = {"site": SITE, "drill": "d", "ended_at": datetime.now(timezone.utc).isoformat(), "outcome": "passed"}
        append_drill_record(surroundings.state_path, {**drill, "kind": kind, "findings": [finding]})
        return look("D16", site_target(SITE)).severity

    assert look("D16", site_target(SITE)).severity == "skipped"
    # A dump holds none of the pages of the live tables.
    assert drilled("logical", "failed") == "skipped"
    assert drilled("physical", "ok") == "ok"
    assert drilled("physical+replay", "failed") == "critical"
    assert look("D16", site_target(SITE)).text.startswith("Said of physical+replay. That was")


@pytest.mark.check("B01")
@pytest.mark.check("B02")
def test_sets_of_the_repository_count_and_lost_ones_are_told(backup, site_target, tmp_path):
    settings = Settings(repository_path=str(tmp_path))
    site_folder = tmp_path / "sites" / SITE
    older, newer = "20261119_144508-alpha_localhost", "20261120_144508-alpha_localhost"
    for name in (older, newer):
        write_repository_set(site_folder, name)
    for path in backup.database.parent.iterdir():
        path.unlink()
    at = parse_rfc3339("2026-11-20T15:00:00Z").timestamp()

    def found(check_id):
        return run_one(check_id, site_target(SITE, settings=settings, now=lambda: at))

    assert [(finding.severity, newer in finding.text) for finding in found("B01")] == [("ok", True)]
    assert [finding.severity for finding in found("B02")] == ["ok"]
    shutil.rmtree(site_folder / older)
    assert {finding.item: finding.severity for finding in found("B02")} == {older: "critical", "": "ok"}
    database = next((site_folder / newer).glob("*-database.sql.gz"))
    content = database.read_bytes()
    database.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert [finding.severity for finding in found("B02")] == ["critical", "critical"]


@pytest.mark.check("B02")
def test_a_large_set_with_a_manifest_is_judged_by_its_sizes(backup, site_target, tmp_path, monkeypatch):
    monkeypatch.setattr(backup_sets, "READ_AT_ONCE_BYTES", 10)
    settings = Settings(repository_path=str(tmp_path))
    name = backup_name_after(backup)
    folder = write_repository_set(tmp_path / "sites" / SITE, name)
    assert look("B02", site_target(SITE, settings=settings)).severity == "ok"
    next(folder.glob("*-database.sql.gz")).write_bytes(b"cut")
    assert look("B02", site_target(SITE, settings=settings)).severity == "critical"


@pytest.mark.check("B04")
def test_a_backup_that_is_on_this_host_alone(backup, site_target, tmp_path):
    offsite = tmp_path / "offsite"
    settings = Settings(offsite_paths=(str(offsite),))
    assert look("B04", site_target(SITE)).severity == "skipped"
    assert look("B04", site_target(SITE, settings=settings)).severity == "critical"
    shutil.copytree(backup.database.parent, offsite)
    assert look("B04", site_target(SITE, settings=settings)).severity == "ok"
    Path(offsite, backup.database.name).write_bytes(b"cut off")
    assert look("B04", site_target(SITE, settings=settings)).severity == "critical"


@pytest.mark.check("B04")
@pytest.mark.usefixtures("backup")
def test_a_set_whose_copy_was_read_back_is_off_site(site_target, tmp_path):
    settings = Settings(repository_path=str(tmp_path))
    site_folder = tmp_path / "sites" / SITE
    folder = write_repository_set(site_folder, "20261120_144508-alpha_localhost", kinds=("physical",))
    assert look("B04", site_target(SITE, settings=settings)).severity == "skipped"
    repository = FolderRepository(tmp_path / "offsite")
    now = datetime.now(timezone.utc)
    copy_sets(repository, SITE, site_folder, now, create=False, check_all=False, dry_run=False)
    at = parse_rfc3339("2026-11-20T15:00:00Z").timestamp()
    assert look("B04", site_target(SITE, settings=settings, now=lambda: at)).severity == "ok"
    shutil.rmtree(folder)
    assert look("B04", site_target(SITE, settings=settings, now=lambda: at)).severity == "critical"


@pytest.mark.check("B05")
def test_a_key_that_is_kept_nowhere_else(lab, site_target):
    assert look("B05", site_target(SITE)).severity == "skipped"
    missing = Settings(escrowed_key_fingerprints=("0" * 12,))
    found = look("B05", site_target(SITE, settings=missing))
    assert (found.severity, found.text) == ("warning", "not escrowed: encryption_key, backup_encryption_key")
    keys = [lab.site_config(SITE)[name] for name in ("encryption_key", "backup_encryption_key")]
    kept = Settings(escrowed_key_fingerprints=tuple(map(key_fingerprint, keys)))
    assert look("B05", site_target(SITE, settings=kept)).severity == "ok"
