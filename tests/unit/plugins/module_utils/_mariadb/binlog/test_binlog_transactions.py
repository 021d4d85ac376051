"""Events grouped to transactions, for each way in which one begins and ends."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.gtids import parse_gtid_list
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.transactions import (
    SHOWN_STATEMENTS,
    TableChange,
    TransactionReader,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import (
    BEGAN_SECONDS,
    BEGIN_LOAD_QUERY,
    BINLOG_CHECKPOINT,
    COMPLETED_XA,
    DDL,
    DELETE,
    GROUP_COMMIT,
    INTVAR,
    PREPARED_XA,
    STANDALONE,
    UPDATE,
    WRITE,
    LogBuilder,
    compressed,
    query_body,
    row,
    rows_body,
)

XID = struct.pack("<IBB", 7, 2, 2) + b"x2br"


def only(log: LogBuilder):
    (transaction,) = log.transactions()
    return transaction


def test_rows_of_a_transaction():
    log = LogBuilder("0-1-4").at(BEGAN_SECONDS + 9).gtid("0-1-5", GROUP_COMMIT)
    begin = len(log.content) - events.HEADER_BYTES - 21 - events.CHECKSUM_BYTES
    log.table_map("tabItem").table_map("tabNote", "s2", table_id=21)
    log.rows(WRITE, row(1, "a") + row(2, None), ends=False).rows(DELETE, row(3, "b"), table_id=21)
    log.rows(UPDATE, row(4, "c") + row(4, "d")).at(BEGAN_SECONDS + 10).event(events.XID, bytes(8))
    transaction = only(log)
    assert str(transaction.gtid) == "0-1-5"
    assert transaction.tables == (TableChange("s1", "tabItem", 2, 1, 0), TableChange("s2", "tabNote", 0, 0, 1))
    assert (transaction.rows, transaction.databases) == (4, {"s1", "s2"})
    assert (transaction.begin_offset, transaction.end_offset) == (begin, len(log.content))
    assert transaction.committed_at_seconds == BEGAN_SECONDS + 10
    assert (transaction.has_full_images, transaction.has_row_statements, transaction.is_ddl) == (True, False, False)
    assert (transaction.thread_id, transaction.xa, transaction.incident) == (None, "", "")


def test_a_schema_change_is_a_transaction_of_its_own():
    transaction = only(LogBuilder().ddl("0-1-1", "ALTER TABLE s2.b ADD x int"))
    (statement,) = transaction.statements
    assert (statement.kind, statement.text) == ("ALTER TABLE", "ALTER TABLE s2.b ADD x int")
    assert (transaction.is_ddl, transaction.thread_id, transaction.databases) == (True, 7, {"s1", "s2"})


def test_a_table_without_transactions_ends_with_commit():
    log = LogBuilder().gtid("0-1-1").table_map("tabLog").rows(WRITE, row(1, "a")).query("SAVEPOINT a")
    log.query("ROLLBACK TO a").query("COMMIT", thread_id=12)
    assert (only(log).rows, only(log).thread_id, only(log).statements) == (1, 12, ())


def test_a_table_that_is_made_from_another_one():
    log = LogBuilder().gtid("0-1-1", DDL).query("CREATE TABLE `copied` (a int)").table_map("copied")
    log.rows(WRITE, row(1, "a") * 3).event(events.XID, bytes(8))
    assert ([statement.kind for statement in only(log).statements], only(log).rows) == (["CREATE TABLE"], 3)


def test_rows_of_a_statement_that_stands_alone():
    log = LogBuilder().gtid("0-1-1", STANDALONE).table_map("t").rows(WRITE, row(1, "a"), ends=False)
    log.rows(WRITE, row(2, "a")).gtid("0-1-2", STANDALONE).event(WRITE, rows_body(WRITE, b"", table_id=0xFFFFFF))
    assert [transaction.rows for transaction in log.transactions()] == [2, 0]


def test_statements_that_change_rows_are_told_once_without_their_text():
    log = LogBuilder().gtid("0-1-1").event(INTVAR, bytes(9))
    for number in range(100):
        log.query(f"INSERT INTO t VALUES ({number})")
    log.query("UPDATE t SET a = 1").query("UPDATE t SET a = 1", "s2").event(events.XID, bytes(8))
    transaction = only(log)
    kinds = [(statement.kind, statement.database, statement.text) for statement in transaction.statements]
    assert kinds == [("INSERT", "s1", ""), ("UPDATE", "s1", ""), ("UPDATE", "s2", "")]
    assert transaction.has_row_statements


def test_a_loaded_file_changes_rows():
    log = LogBuilder().gtid("0-1-1").event(BEGIN_LOAD_QUERY, b"1234").event(events.EXECUTE_LOAD_QUERY, b"x")
    assert only(log.event(events.XID, bytes(8))).has_row_statements


def test_a_compressed_statement():
    body = query_body("s1") + compressed(b"CREATE TABLE long_name (a int)")
    transaction = only(LogBuilder().gtid("0-1-1", STANDALONE).event(events.QUERY_COMPRESSED, body))
    assert transaction.statements[0].text == "CREATE TABLE long_name (a int)"


@pytest.mark.parametrize("packed", [b"", b"\x02\0\4xxxx", b"\xf2\0\4xxxx", b"\x82\0\4xxxx", compressed(b"abcd")[:-3]])
def test_a_compressed_statement_that_is_damaged(packed):
    log = LogBuilder().gtid("0-1-1", STANDALONE).event(events.QUERY_COMPRESSED, query_body("s1") + packed)
    with pytest.raises(LifeboatError, match=r"type 165") as caught:
        log.transactions()
    assert caught.value.error_code == "binlog_damaged"


def test_a_compressed_part_that_would_become_too_long():
    packed = b"\x84" + (1 << 31).to_bytes(4, "big") + b"x"
    log = LogBuilder().gtid("0-1-1", STANDALONE).event(events.QUERY_COMPRESSED, query_body("s1") + packed)
    with pytest.raises(LifeboatError, match="Cannot understand"):
        log.transactions()


def test_the_parts_of_xa_transactions():
    log = LogBuilder().gtid("0-1-1", PREPARED_XA, XID).table_map("t").rows(WRITE, row(1, "a"))
    log.query("XA END X'7832',X'6272',7").event(events.XA_PREPARE, bytes(8))
    log.gtid("0-1-2", COMPLETED_XA, XID).query("XA COMMIT X'7832',X'6272',7")
    log.gtid("0-1-3", COMPLETED_XA | STANDALONE | GROUP_COMMIT, XID).query("XA ROLLBACK X'7832',X'6272',7")
    found = log.transactions()
    assert [(transaction.xa, transaction.rows) for transaction in found] == [
        ("prepare", 1),
        ("commit", 0),
        ("rollback", 0),
    ]
    assert {transaction.xid for transaction in found} == {"X'7832',X'6272',7"}


@pytest.mark.parametrize(
    ("rest", "thread_id"),
    [
        (b"", None),
        (b"\1\0", None),
        (b"\x10" + struct.pack("<I", 99), 99),
        (b"\x15\2" + bytes(8) + struct.pack("<I", 98), 98),
    ],
)
def test_the_connection_where_the_server_says_it(rest, thread_id):
    """From 11.5 on."""
    log = LogBuilder().gtid("0-1-1", 0, rest).table_map("t").rows(WRITE, row(1, "a")).event(events.XID, bytes(8))
    assert only(log).thread_id == thread_id


def test_the_original_statements_are_shown_without_values():
    log = LogBuilder().gtid("0-1-1").table_map("t")
    for number in range(SHOWN_STATEMENTS * 3):
        log.event(events.ANNOTATE_ROWS, f"INSERT INTO t VALUES ('secret {number}')".encode())
    log.event(events.ANNOTATE_ROWS, b"DELETE FROM `t` WHERE name = 'secret " + b"x" * 5000)
    for number in range(SHOWN_STATEMENTS * 3):
        name = "n" * (number + 1)
        log.event(events.ANNOTATE_ROWS, f"UPDATE {name} SET a = 'secret'".encode())
    transaction = only(log.event(events.XID, bytes(8)))
    assert transaction.originals[:3] == (
        "insert into t values (?)",
        "delete from `t` where name = ?",
        "update n set a = ?",
    )
    assert len(transaction.originals) == SHOWN_STATEMENTS
    assert "secret" not in repr(transaction)


def test_images_without_all_columns_are_told():
    log = LogBuilder().gtid("0-1-1").table_map("t").event(WRITE, rows_body(WRITE, b"\0" + bytes(4), images=(b"\1",)))
    assert not only(log.event(events.XID, bytes(8))).has_full_images


def test_a_column_of_unknown_length_counts_each_event_as_a_row():
    log = LogBuilder().gtid("0-1-1").table_map("t", columns=((99, b""),)).rows(WRITE, bytes(30), columns=1)
    assert only(log.event(events.XID, bytes(8))).tables == (TableChange("s1", "t", 1, is_exact=False),)


def test_without_counting_each_event_is_a_row():
    log = LogBuilder().change("0-1-1", count=5)
    (transaction,) = TransactionReader(log.reader(), "binlog.000001", counts_rows=False)
    assert transaction.tables == (TableChange("s1", "tabItem", 1),)


def test_what_the_server_could_not_log_goes_with_the_next_transaction():
    log = LogBuilder().change("0-1-1").event(events.INCIDENT, b"\1\0\4lost").change("0-1-2").change("0-1-3")
    log.gtid("0-1-4").event(events.INCIDENT, b"\1\0\4gone").event(events.XID, bytes(8))
    reader = TransactionReader(log.event(events.INCIDENT, b"\1\0\4last").reader(), "binlog.000001")
    assert [transaction.incident for transaction in reader] == ["", "lost", "", "gone"]
    assert reader.incident == "last"


def test_what_the_reader_says_besides():
    log = LogBuilder("0-1-4", "3-1-1").change("0-1-5")
    whole = len(log.content)
    reader = TransactionReader(log.gtid("0-1-6").table_map("t").reader(), "binlog.000001")
    assert str(reader.before) == "0-1-4,3-1-1"
    assert [str(transaction.gtid) for transaction in reader] == ["0-1-5"]
    assert (str(reader.state), str(reader.before)) == ("0-1-5,3-1-1", "0-1-4,3-1-1")
    assert (reader.end_offset, reader.next_file) == (whole, "")
    rotated = TransactionReader(LogBuilder().rotate("binlog.000002").reader(), "binlog.000001")
    assert (list(rotated), rotated.next_file) == ([], "binlog.000002")


def test_events_between_transactions_belong_to_none():
    log = LogBuilder().event(BINLOG_CHECKPOINT, bytes(4)).query("FLUSH LOGS").event(WRITE, b"")
    assert log.transactions() == []


@pytest.mark.parametrize(("kind", "body"), [(events.GTID, b"\1"), (WRITE, rows_body(WRITE, row(1, "a"), table_id=9))])
def test_an_event_that_cannot_be_understood(kind, body):
    with pytest.raises(LifeboatError, match=rf"Cannot understand the event .* \(type {kind}\)") as caught:
        LogBuilder().gtid("0-1-1").event(kind, body).transactions()
    assert caught.value.error_code == "binlog_damaged"


def test_a_file_that_never_says_what_came_before_it():
    log = LogBuilder()
    log.content = log.content[: 4 + 252]
    with pytest.raises(LifeboatError, match=r"which transactions came before .* accept_gap") as caught:
        log.transactions()
    assert caught.value.error_code == "binlog_damaged"
    reader = TransactionReader(log.reader(), "binlog.000001", known_before=parse_gtid_list("0-1-5"))
    assert list(reader) == []
    assert str(reader.before) == str(reader.state) == "0-1-5"
