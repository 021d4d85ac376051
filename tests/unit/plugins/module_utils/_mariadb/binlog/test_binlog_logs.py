"""Several files as one log: in their order, without a gap, from a position on."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import (
    LogFile,
    base_name,
    file_number,
    name_after,
    open_transactions,
    read_transactions,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.row_images import read_row_changes
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import DELETE, UPDATE, WRITE, LogBuilder, row, rows_body

NAMES = [f"binlog.{number:06d}" for number in (1, 2, 3)]


@pytest.fixture
def logs(tmp_path):
    """Three files with two transactions each."""
    files = [
        LogBuilder().change("0-1-1").change("0-1-2").rotate(NAMES[1]),
        LogBuilder("0-1-2").change("0-1-3").change("0-1-4").event(events.STOP),
        LogBuilder("0-1-4").change("0-1-5").change("0-1-6"),
    ]
    return [log.save(tmp_path, name) for name, log in zip(NAMES, files)]


def gtids(logs, since=None):
    return [str(transaction.gtid) for transaction in read_transactions(logs, since)]


def refusal(logs, since=None):
    with pytest.raises(LifeboatError) as caught:
        gtids(logs, since)
    assert caught.value.error_code == "binlog_gap"
    return caught.value


def test_files_are_read_one_after_the_other(logs):
    found = list(read_transactions(logs))
    assert [str(transaction.gtid) for transaction in found] == [f"0-1-{number}" for number in range(1, 7)]
    assert [transaction.file for transaction in found] == [name for name in NAMES for _transaction in range(2)]


def test_from_a_position_on(logs):
    transactions = list(read_transactions(logs))
    for number, transaction in enumerate(transactions):
        after = BinlogPosition(str(transaction.gtid), transaction.file, transaction.end_offset)
        start = NAMES.index(transaction.file)
        assert gtids(logs[start:], after) == [str(later.gtid) for later in transactions[number + 1 :]]
    assert len(gtids(logs, BinlogPosition("", NAMES[0], events.FIRST_OFFSET))) == 6


def test_a_position_of_another_history(logs):
    first, second = list(read_transactions(logs[:1]))
    for since, told in (
        (BinlogPosition("0-1-9", NAMES[0], first.end_offset), "after 0-1-1 there, the backup after 0-1-9"),
        (BinlogPosition("0-1-9", NAMES[0], logs[0].size_bytes), "after 0-1-2 there, the backup after 0-1-9"),
        (BinlogPosition("0-1-1", NAMES[0], second.end_offset - 3), "within a transaction"),
        (BinlogPosition("0-1-2", NAMES[0], logs[0].size_bytes + 1), "the file ends before it"),
    ):
        assert told in refusal(logs, since).message


def test_a_missing_file_is_named(logs):
    error = refusal([logs[0], logs[2]])
    assert NAMES[1] in error.message
    assert error.details == {"file": NAMES[1], "after": NAMES[0]}


def test_files_of_two_histories(logs, tmp_path):
    other = LogBuilder("0-1-77").change("0-1-78").save(tmp_path, NAMES[2])
    error = refusal([logs[1], other])
    assert f"{NAMES[1]} and {NAMES[2]} do not follow each other: the first ends after 0-1-4" in error.message
    empty = LogBuilder().change("0-1-1").save(tmp_path, NAMES[2])
    assert "begins after nothing" in refusal([logs[1], empty]).message


def test_a_crash_within_a_transaction_is_no_gap_where_the_next_file_says_so(tmp_path):
    crashed = LogBuilder().change("0-1-1").gtid("0-1-2").table_map("t")
    crashed.content = crashed.content[:-3]
    files = [crashed.save(tmp_path, NAMES[0]), LogBuilder("0-1-1").change("0-1-2").save(tmp_path, NAMES[1])]
    assert gtids(files) == ["0-1-1", "0-1-2"]
    files[1] = LogBuilder("0-1-2").change("0-1-3").save(tmp_path, NAMES[1])
    assert "ends after 0-1-1" in refusal(files).message


def test_a_file_that_its_server_died_in_while_it_began_it_holds_nothing(logs, tmp_path):
    content = bytes(LogBuilder("0-1-4", is_in_use=True).content)
    begun = tmp_path / "binlog.000003"
    begun.write_bytes(content[: 4 + 252] + bytes(4096))
    later = LogBuilder("0-1-4").change("0-1-5").save(tmp_path, "binlog.000004")
    assert gtids([*logs[:2], LogFile(NAMES[2], begun, 4096), later]) == [f"0-1-{number}" for number in range(1, 6)]
    lost = LogBuilder("0-1-5").change("0-1-6").save(tmp_path, "binlog.000004")
    assert refusal([*logs[:2], LogFile(NAMES[2], begun, 4096), lost]).details["file"] == "binlog.000004"


def test_what_a_server_could_not_log_before_it_began_a_file(logs, tmp_path):
    """It begins a new file when that happens."""
    lossy = LogBuilder().change("0-1-1").change("0-1-2").event(events.INCIDENT, b"\1\0\4lost").rotate(NAMES[1])
    found = read_transactions([lossy.save(tmp_path, NAMES[0]), *logs[1:]])
    assert [transaction.incident for transaction in found] == ["", "", "lost", "", "", ""]


def test_what_a_live_server_adds_meanwhile_is_not_looked_at(logs):
    first, _second = list(read_transactions(logs[2:]))
    live = LogFile(NAMES[2], logs[2].path, first.end_offset, is_active=True)
    assert gtids([*logs[:2], live]) == [f"0-1-{number}" for number in range(1, 6)]


def test_names():
    assert (file_number("mysql-bin.000041"), base_name("mysql-bin.000041")) == (41, "mysql-bin")
    assert (name_after("a.b.000009"), name_after("binlog.999999")) == ("a.b.000010", "binlog.1000000")
    for name in ("binlog", "binlog.index", "binlog.12"):
        with pytest.raises(LifeboatError, match="SHOW BINARY LOGS") as caught:
            file_number(name)
        assert caught.value.error_code == "binlog_missing"


def test_a_file_that_is_not_there(tmp_path):
    with (
        pytest.raises(LifeboatError, match="No such file") as caught,
        open_transactions(LogFile(NAMES[0], tmp_path / NAMES[0], 4)),
    ):
        pass
    assert caught.value.error_code == "binlog_missing"


def test_the_images_of_rows(tmp_path):
    before, after = row(1, "a"), row(1, "b")
    log = LogBuilder().change("0-1-1")
    begin = len(log.content)
    log.gtid("0-1-2").table_map("t").rows(UPDATE, before + after).rows(DELETE, after)
    log.event(WRITE, rows_body(WRITE, b"", table_id=0xFFFFFF)).event(events.XID, bytes(8))
    end = len(log.content)
    log.change("0-1-3")
    saved = log.save(tmp_path)
    changes = list(read_row_changes(saved, begin, end))
    assert [(str(each.gtid), each.table, each.operation, each.images) for each in changes] == [
        ("0-1-2", "t", "updated", (before, after)),
        ("0-1-2", "t", "deleted", (after,)),
    ]
    assert "images" not in repr(changes[0])
    assert len(list(read_row_changes(saved, 0, len(log.content)))) == 4
