"""What of an archive a recovery needs, and what may go."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import (
    BinlogArchive,
    archive_of,
    contiguous_parts,
    covering_logs,
    has_begun_anew,
    reachable_logs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import read_entries, write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import BEGAN_SECONDS, LogBuilder, archived_binlog, live_binlogs

FIRST = BinlogPosition("", "binlog.000001", 4)


@pytest.fixture
def archive(tmp_path):
    """Three archived logs, whose stored files are their names."""
    archive = BinlogArchive(tmp_path / "archive")
    archive.folder.mkdir()
    for number, (before, after) in enumerate([("", "0-1-5"), ("0-1-5", "0-1-9"), ("0-1-9", "0-1-12")], 1):
        keep(archive, archived_binlog(number, before, after))
    return archive


def keep(archive, entry):
    (archive.folder / entry.stored_name).write_text(entry.name)
    write_entry(archive.folder, entry)


@pytest.fixture
def server_folder(tmp_path):
    """Where a server has its logs 3 and 4, the last of which it writes."""
    folder = tmp_path / "data"
    folder.mkdir()
    LogBuilder("0-1-9").change("0-1-12").rotate("binlog.000004").save(folder, "binlog.000003")
    LogBuilder("0-1-12", began_seconds=BEGAN_SECONDS + 60).change("0-1-13").save(folder, "binlog.000004")
    return folder


def live(folder, *names):
    return live_binlogs(*((name, (folder / name).stat().st_size) for name in names), folder=folder)


def names(logs):
    return [(log.name[-1], log.is_archived, log.is_active) for log in logs]


def gap(archive, live, since=FIRST):
    with pytest.raises(LifeboatError) as caught:
        covering_logs(archive, live, since)
    return caught.value


def test_archived_logs_come_first_then_those_of_the_server(archive, server_folder):
    logs = covering_logs(archive, live(server_folder, "binlog.000003", "binlog.000004"), FIRST)
    assert names(logs) == [("1", True, False), ("2", True, False), ("3", True, False), ("4", False, True)]
    assert logs[0].path == archive.folder / "binlog.000001.zst"
    assert logs[3].path == server_folder / "binlog.000004"
    later = BinlogPosition("0-1-12", "binlog.000004", 300)
    assert names(covering_logs(archive, live(server_folder, "binlog.000004"), later)) == [("4", False, True)]


def test_without_the_server_the_archive_has_to_do(archive):
    assert names(covering_logs(archive, None, FIRST))[-1] == ("3", True, False)
    elsewhere = live_binlogs(("binlog.000004", 9))
    assert names(covering_logs(archive, elsewhere, FIRST))[-1] == ("3", True, False)


def test_a_log_that_only_a_server_elsewhere_has_is_no_gap(archive):
    later = BinlogPosition("0-1-12", "binlog.000004", 300)
    refused = gap(archive, live_binlogs(("binlog.000004", 900)), later)
    assert refused.error_code == "binlog_missing"
    assert "lifeboat.frappe.binlog_archive" in str(refused)


def test_the_missing_log_is_named(archive, server_folder):
    archive.remove([archive.entries()[1]])
    error = gap(archive, live(server_folder, "binlog.000004"))
    assert (error.error_code, error.details["file"]) == ("binlog_gap", "binlog.000002")
    since = BinlogPosition("", "binlog.000002", 4)
    assert gap(archive, None, since).details == {"file": "binlog.000002", "after": "the backup set"}


def test_a_log_of_the_server_that_does_not_follow_the_archive(archive, server_folder):
    LogBuilder("0-1-77").change("0-1-78").save(server_folder, "binlog.000004")
    assert "do not follow each other" in gap(archive, live(server_folder, "binlog.000004")).message


def test_archived_logs_that_do_not_follow_each_other(archive):
    keep(archive, archived_binlog(2, "0-1-6", "0-1-9"))
    assert gap(archive, None).details == {"file": "binlog.000002", "after": "binlog.000001"}


def test_a_server_that_began_anew(archive, server_folder):
    LogBuilder().change("0-1-1").save(server_folder, "binlog.000001")
    error = gap(archive, live(server_folder, "binlog.000001"))
    assert error.error_code == "binlog_restarted"


def test_a_server_goes_on_with_an_archive_or_has_begun_anew(archive):
    entries = archive.entries()

    def begun_anew(name, gtid_state, known=entries):
        return has_begun_anew(known, live_binlogs((name, 400), gtid_state=gtid_state))

    assert not begun_anew("binlog.000004", "0-1-12")
    assert not begun_anew("binlog.000009", "0-1-99,7-1-3")
    assert not begun_anew("binlog.000001", "", known=())
    assert begun_anew("binlog.000001", "0-1-99")
    assert begun_anew("binlog.000009", "0-1-11")
    assert begun_anew("binlog.000009", "")
    keep(archive, archived_binlog(4, "0-1-12", "0-1-12,3-1-9"))
    assert not begun_anew("binlog.000009", "0-1-12", known=archive.entries())  # the domain 3 was let go


def test_what_no_kept_set_needs_may_go_but_the_newest(archive):
    assert [entry.name for entry in archive.older_than(BinlogPosition("", "binlog.000002", 99))] == ["binlog.000001"]
    old = archive.older_than(BinlogPosition("", "binlog.000009", 4))
    assert [entry.name for entry in old] == ["binlog.000001", "binlog.000002"]
    assert archive.older_than(FIRST) == ()


def test_removing_takes_the_oldest_first(archive):
    entries = archive.entries()
    assert archive.remove([entries[1], entries[0]]) == entries[0].stored_bytes + entries[1].stored_bytes
    assert archive.remove([entries[0]]) == entries[0].stored_bytes
    assert sorted(path.name for path in archive.folder.iterdir()) == ["binlog.000003.json", "binlog.000003.zst"]


def test_damage_is_found_by_reading(archive):
    entries = archive.entries()
    assert archive.damaged(entries) == [entry.name for entry in entries]  # the bytes that were made up
    (archive.folder / entries[0].stored_name).unlink()
    assert archive.damaged(entries[:1]) == ["binlog.000001"]


def test_the_name_of_an_archive_is_safe():
    archive = archive_of(Repository(Path("/backups")), "db/../1", 3306)
    assert archive.folder == Path("/backups/binlogs/db_.._1-3306")


def test_parts_between_gaps(archive):
    keep(archive, archived_binlog(5, "0-1-20", "0-1-22"))
    keep(archive, archived_binlog(6, "0-1-22", "0-1-23"))
    keep(archive, archived_binlog(7, "0-1-99", "0-1-99"))
    parts = contiguous_parts(read_entries(archive.folder))
    assert [[entry.name[-1] for entry in part] for part in parts] == [["1", "2", "3"], ["5", "6"], ["7"]]
    assert contiguous_parts(()) == []


def test_logs_that_lead_to_now(archive, server_folder):
    whole = reachable_logs(archive, live(server_folder, "binlog.000003", "binlog.000004"))
    assert (names(whole.logs)[0], whole.began_at_seconds, whole.problem) == (("1", True, False), BEGAN_SECONDS, "")
    archive.remove([archive.entries()[2]])
    rest = reachable_logs(archive, live(server_folder, "binlog.000004"))
    assert (names(rest.logs), rest.began_at_seconds) == ([("4", False, True)], BEGAN_SECONDS + 60)
    assert "binlog.000003 is missing" in rest.problem


def test_no_logs_lead_to_now(tmp_path):
    nothing = reachable_logs(BinlogArchive(tmp_path / "none"), None)
    assert (nothing.logs, nothing.began_at_seconds, nothing.problem) == ((), None, "")
