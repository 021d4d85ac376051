"""Archives of binary logs off-site: what is copied, read back, let go of and fetched."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import BinlogArchive
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_store import leftovers
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestServer, read_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import manifest_digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_logs import OffsiteLogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_sets import tags_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set
from tests.binlog_files import archived_binlog
from tests.restic_double import FolderRepository, failure

SERVER = ManifestServer("10.11.6-MariaDB", 16384, 1, "db1", 3306)
NAMES = [f"binlog.{number:06d}" for number in range(1, 10)]


class Archives:
    """An archive, a repository, and the copies of one in the other."""

    def __init__(self, folder: Path) -> None:
        self.archive = BinlogArchive(folder / "binlogs" / "db1-3306")
        self.repository = FolderRepository(folder / "offsite")
        self.logs = OffsiteLogs(self.repository, self.archive)

    def keep(self, numbers: Iterable[int], content: str = "of {0}") -> None:
        """Archive logs that follow each other."""
        self.archive.folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            stored = content.format(number).encode()
            entry = archived_binlog(number, f"0-1-{number}", f"0-1-{number + 1}")
            entry = replace(entry, stored_bytes=len(stored), stored_sha256=hashlib.sha256(stored).hexdigest())
            (self.archive.folder / entry.stored_name).write_bytes(stored)
            write_entry(self.archive.folder, entry)

    def copied(self) -> tuple[int, int]:
        """Copy, and return how many copies there are now, and how many logs were read back."""
        before = self.repository.calls.count("archive")
        self.logs.copy()
        return len(self.repository.snapshots()), self.repository.calls.count("archive") - before

    def names(self) -> list[str]:
        return [entry.name for entry in self.archive.entries()]

    def refused(self) -> LifeboatError:
        with pytest.raises(LifeboatError) as caught:
            self.logs.copy()
        return caught.value


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path)


def test_what_is_new_is_copied_and_read_back_and_replaces_what_was_there(archives: Archives) -> None:
    assert archives.logs.missing() == []
    assert archives.copied() == (0, 0)
    archives.keep([1, 2])
    assert archives.logs.missing() == archives.logs.missing(is_empty=True) == NAMES[:2]
    assert archives.copied() == (1, 2)
    assert archives.logs.missing() == []
    assert archives.copied() == (1, 0)
    archives.keep([3])
    assert archives.logs.missing() == NAMES[2:3]
    assert archives.copied() == (1, 1)
    checks = archives.archive.folder.with_name("db1-3306.offsite.json")
    assert archives.logs.is_read_back
    checks.write_text("{")
    assert not archives.logs.is_read_back
    assert archives.copied() == (1, 3)
    assert archives.logs.is_read_back


def test_a_copy_that_comes_back_other_than_it_went_is_forgotten(archives: Archives) -> None:
    archives.keep([1])
    archives.copied()
    archives.keep([2])
    (archives.archive.folder / f"{NAMES[1]}.zst").write_text("other")
    refused = archives.refused()
    assert (refused.error_code, refused.details) == ("offsite_changed", {"file": NAMES[1]})
    assert archives.logs.missing() == NAMES[1:2]
    archives.keep([2])
    archives.repository.fails["archive"] = failure("offsite_damaged")
    archives.repository.cut_bytes = 1
    assert archives.refused().error_code == "offsite_changed"
    archives.repository.cut_bytes = 0
    archives.repository.fails["archive"] = failure("offsite_failed")
    assert archives.refused().error_code == "offsite_failed"
    assert archives.copied() == (1, 1)


def test_copies_stay_while_another_host_holds_the_repository(archives: Archives) -> None:
    archives.keep([1])
    archives.copied()
    archives.keep([2])
    archives.repository.fails["forget"] = failure("offsite_locked")
    assert archives.copied() == (2, 1)
    assert archives.copied() == (1, 0)


def test_an_older_copy_stays_while_a_set_off_site_needs_its_logs(archives: Archives, tmp_path: Path) -> None:
    folder = write_repository_set(tmp_path / "sites" / SITE, server=SERVER, position=BinlogPosition("", NAMES[1], 4))
    archives.repository.back_up(folder, tags_of(read_manifest(folder), manifest_digest(folder)))
    archives.keep([1, 2, 3])
    assert archives.copied() == (2, 3)
    archives.archive.remove(archives.archive.entries()[:2])
    archives.keep([4])
    assert archives.copied() == (3, 1)
    archives.repository.forget([archives.repository.snapshots()[0].id])
    assert archives.copied() == (1, 0)


def test_copies_of_another_time_of_the_server_and_of_another_server_stay(archives: Archives) -> None:
    archives.keep([1, 2])
    archives.copied()
    shutil.rmtree(archives.archive.folder)
    archives.keep([1], "after it began anew")
    assert archives.logs.missing() == NAMES[:1]
    assert archives.copied() == (2, 1)
    archives.repository.back_up(archives.archive.folder, ["binlogs=db1-3306"])  # not of this collection
    (entry,) = archives.archive.entries()
    identity = replace(entry.server, server_uid="", server_id=7)
    write_entry(archives.archive.folder, replace(entry, server=identity))
    assert archives.copied() == (4, 1)


def test_the_logs_that_are_lacking_are_fetched(archives: Archives) -> None:
    archives.keep(range(1, 6))
    archives.copied()
    assert archives.logs.fetch(NAMES[0], 0, dry_run=False) == []
    entries = archives.archive.entries()
    archives.archive.remove([entries[1], entries[3]])
    assert archives.logs.fetch(NAMES[2], 0, dry_run=True) == NAMES[3:4]
    assert archives.names() == [NAMES[0], NAMES[2], NAMES[4]]
    assert archives.logs.fetch(NAMES[1], 0, dry_run=False) == [NAMES[1], NAMES[3]]
    assert archives.archive.entries() == entries
    assert archives.archive.damaged(entries) == []
    shutil.rmtree(archives.archive.folder)
    assert archives.logs.fetch(NAMES[3], 0, dry_run=False) == NAMES[3:5]
    assert leftovers(archives.archive.folder) == ()
    assert archives.logs.fetch("mysql-bin.000001", 0, dry_run=False) == []


def test_what_comes_damaged_or_has_no_room_does_not_come(archives: Archives) -> None:
    archives.keep([1, 2])
    archives.copied()
    shutil.rmtree(archives.archive.folder)
    (snapshot,) = archives.repository.snapshots()
    (stored,) = archives.repository.copy(snapshot.id).rglob(f"{NAMES[0]}.zst")
    stored.write_text("other")
    with pytest.raises(LifeboatError) as changed:
        archives.logs.fetch(NAMES[0], 0, dry_run=False)
    assert (changed.value.error_code, changed.value.details) == ("offsite_changed", {"file": NAMES[0]})
    with pytest.raises(LifeboatError) as full:
        archives.logs.fetch(NAMES[0], 1 << 60, dry_run=False)
    assert full.value.error_code == "disk_space"
    assert archives.names() == []
