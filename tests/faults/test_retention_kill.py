"""Retention that is killed before each of its changes: what is left is whole, or no set, and the next run goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import archive_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import review_site_folder
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository_retention import retain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import RetentionPolicy
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition

from tests.backup_sets import SITE, write_repository_set
from tests.binlog_files import archived_binlog
from tests.killed_at_changes import kills

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ONE = RetentionPolicy(keep_daily=0, keep_weekly=0, keep_monthly=0, keep_yearly=0, keep_minimum=1)
NAMES = [f"202611{day}_000000-site1_local" for day in (17, 18, 19)]


def make_repository(path: Path) -> Repository:
    repository = Repository(path)
    for number, name in enumerate(NAMES, 1):
        position = BinlogPosition("", f"binlog.{number:06}", 4)
        files = {"database.sql.gz": ("database", name.encode()), "tablespaces/a.ibd": ("tablespace", b"pages")}
        write_repository_set(repository.site_folder(SITE), name, files=files, position=position)
    archive = archive_of(repository, "db", 3306)
    archive.folder.mkdir(parents=True)
    for number in (1, 2, 3):
        entry = archived_binlog(number, f"0-1-{number}", f"0-1-{number + 1}")
        entry = replace(entry, server=replace(entry.server, hostname="db"))
        (archive.folder / entry.stored_name).write_bytes(b"log")
        write_entry(archive.folder, entry)
    return repository


@pytest.mark.promise(11)
@pytest.mark.promise(24)
def test_a_retention_that_is_killed_anywhere_leaves_whole_sets_and_is_ended_by_the_next_one(tmp_path: Path) -> None:
    template = make_repository(tmp_path / "template").path
    repository = Repository(tmp_path / "repository")
    site_folder, archive = repository.site_folder(SITE), archive_of(repository, "db", 3306)

    def prepare() -> None:
        shutil.rmtree(repository.path, ignore_errors=True)
        shutil.copytree(template, repository.path)

    def run() -> dict[str, object]:
        return retain(
            repository,
            [SITE],
            ONE,
            NOW,
            state_path=tmp_path / "state",
            is_read=lambda _site, _folder: False,
            binlogs=True,
            dry_run=False,
        )

    killed = 0
    for _number in kills(prepare, run):
        killed += 1
        sets = [verify_set(backup, "names") for backup in catalogue([site_folder], SITE)]
        assert sets[0].name == NAMES[2]
        assert {backup.verdict for backup in sets} == {"complete"}
        needed = {backup.position.file for backup in sets if backup.position}
        assert needed <= {entry.name for entry in archive.entries()}
        assert review_site_folder(site_folder).findings == ()
        run()
        assert [backup.name for backup in catalogue([site_folder], SITE)] == NAMES[2:]
        assert [entry.name for entry in archive.entries()] == ["binlog.000003"]
        review = review_site_folder(site_folder)
        assert (review.findings, review.leftovers) == ((), ())
        assert not run()["changed"]
    assert killed > 15
