"""What is said of an archive."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import BinlogArchive
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_present import describe_archive

from tests.binlog_files import IDENTITY, archived_binlog

ARCHIVE = BinlogArchive(Path("/backups/binlogs/db1-3306"))


def test_an_empty_archive():
    described = describe_archive(ARCHIVE, ())
    assert (described["files"], described["server"], described["contiguous_from"], described["gaps"]) == (0, {}, "", [])


def test_an_archive_with_a_gap():
    entries = (
        archived_binlog(1, "", "0-1-5"),
        archived_binlog(3, "0-1-7", "0-1-9"),
        archived_binlog(4, "0-1-9", "0-1-9"),
    )
    described = describe_archive(ARCHIVE, entries)
    assert (described["first"], described["last"], described["size_bytes"]) == ("binlog.000001", "binlog.000004", 800)
    assert described["gaps"] == [{"after": "binlog.000001", "before": "binlog.000003"}]
    assert (described["server"], described["gtids"]) == (IDENTITY.as_dict(), "0-1-9")
