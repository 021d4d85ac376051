"""The frame of events: what is whole, what is damaged, and how a file ends."""

from __future__ import annotations

import io

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.events import BinlogReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import BEGAN_SECONDS, FORMAT_BYTES, SERVER_VERSION, LogBuilder

NAME = "binlog.000001"
# The flag that says that a file is being written changes without its checksum.
IN_USE_PLACE = events.FIRST_OFFSET + 17


def refusal(content: bytes, **options: int) -> LifeboatError:
    with pytest.raises(LifeboatError) as caught:
        list(BinlogReader(io.BytesIO(content), NAME, **options))
    assert caught.value.details["file"] == NAME
    return caught.value


@pytest.mark.parametrize("has_checksums", [True, False])
def test_what_the_first_event_says(has_checksums):
    reader = LogBuilder(has_checksums=has_checksums, is_in_use=True).reader()
    described = reader.format
    assert (described.server_version, described.written_at_seconds) == (SERVER_VERSION, BEGAN_SECONDS)
    assert (described.has_checksums, described.is_in_use) == (has_checksums, True)
    assert reader.end_offset == events.FIRST_OFFSET + FORMAT_BYTES


@pytest.mark.parametrize("has_checksums", [True, False])
def test_events_lie_side_by_side(has_checksums):
    log = LogBuilder("0-1-5", has_checksums=has_checksums).at(BEGAN_SECONDS + 3).event(events.XID, b"12345678")
    reader = log.reader()
    gtid_list, xid = list(reader)
    assert (gtid_list.type, gtid_list.offset) == (events.GTID_LIST, events.FIRST_OFFSET + FORMAT_BYTES)
    assert (xid.type, xid.body, xid.timestamp, xid.server_id) == (events.XID, b"12345678", BEGAN_SECONDS + 3, 1)
    assert (xid.offset, xid.end_offset) == (gtid_list.end_offset, len(log.content))
    assert reader.end_offset == len(log.content)


@pytest.mark.parametrize(
    ("last", "ending"),
    [(events.ROTATE, events.ROTATED), (events.STOP, events.STOPPED), (events.XID, events.OPEN)],
)
def test_how_a_file_ends(last, ending):
    reader = LogBuilder().event(last, bytes(8)).reader()
    list(reader)
    assert reader.ending == ending


def test_a_file_that_goes_on_behind_its_end_is_open():
    reader = LogBuilder().event(events.STOP).event(events.XID, bytes(8)).reader()
    list(reader)
    assert reader.ending == events.OPEN


def test_every_cut_within_an_event_is_told_and_keeps_what_is_whole():
    whole = LogBuilder().event(events.XID, bytes(8))
    content = bytes(whole.event(events.QUERY, b"a statement").content)
    last = len(content) - events.HEADER_BYTES - len(b"a statement") - events.CHECKSUM_BYTES
    for cut in range(last + 1, len(content)):
        reader = BinlogReader(io.BytesIO(content[:cut]), NAME)
        assert [event.type for event in reader] == [events.GTID_LIST, events.XID]
        assert (reader.ending, reader.end_offset) == (events.TRUNCATED, last)


@pytest.mark.parametrize("left", [bytes(4096), b"what lay on the disk before, as it happened"])
def test_what_a_server_left_that_crashed_is_the_end_of_a_file_that_has_a_successor(left):
    whole = LogBuilder(is_in_use=True).event(events.XID, bytes(8))
    content = bytes(whole.content)
    reader = BinlogReader(io.BytesIO(content + left), NAME, has_successor=True)
    assert [event.type for event in reader] == [events.GTID_LIST, events.XID]
    assert (reader.ending, reader.end_offset) == (events.TRUNCATED, len(content))
    assert refusal(content + left).error_code == "binlog_damaged"  # it is being written: then it is damage
    closed = bytes(LogBuilder().event(events.STOP).content)
    assert refusal(closed + left, has_successor=True).error_code == "binlog_damaged"


@pytest.mark.parametrize("bit", [0x01, 0x10])
def test_every_byte_that_flips_is_found(bit):
    content = bytes(LogBuilder("0-1-5").ddl("0-1-6", "CREATE TABLE t (a int)").content)
    for place in range(len(content)):
        damaged = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
        if (place, bit) == (IN_USE_PLACE, events.IN_USE_FLAG):
            continue
        # A length that became larger than the file looks like an end within an event, which the next file refutes.
        assert fate(damaged) in ("binlog_damaged", "binlog_unsupported", events.TRUNCATED), place


def fate(content: bytes) -> str:
    try:
        reader = BinlogReader(io.BytesIO(content), NAME)
        list(reader)
    except LifeboatError as error:
        return error.error_code
    return reader.ending


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "does not begin as a binary log does"),
        (b"SQLite format 3", "does not begin as a binary log does"),
        (events.MAGIC + bytes(5), "ends before its first event"),
        (bytes(LogBuilder().content)[:100], "ends within its first event"),
        (events.MAGIC + bytes(LogBuilder().content)[FORMAT_BYTES + 4 :], "no description of its format"),
    ],
)
def test_what_is_no_binary_log(content, told):
    error = refusal(content)
    assert (error.error_code, told in error.message) == ("binlog_damaged", True)


def test_another_format():
    error = refusal(bytes(LogBuilder(version=3).content))
    assert (error.error_code, "of format 3" in error.message) == ("binlog_unsupported", True)


def test_an_event_that_says_that_it_is_too_short_or_too_long():
    log = LogBuilder(has_checksums=False)
    begin = len(log.content)
    log.event(events.XID, bytes(8))
    for length in (0, 18, 1 << 31):
        damaged = bytearray(log.content)
        damaged[begin + 9 : begin + 13] = length.to_bytes(4, "little")
        assert f"it has {length} bytes" in refusal(bytes(damaged)).message
    log.event(events.QUERY, bytes(FORMAT_BYTES))
    longest = events.HEADER_BYTES + FORMAT_BYTES
    assert len(list(BinlogReader(log.stream(), NAME, largest_event_bytes=longest))) == 3
    assert f"it has {longest} bytes" in refusal(bytes(log.content), largest_event_bytes=longest - 1).message


def test_an_encrypted_file_is_refused_but_not_what_a_server_decrypted_for_a_replica():
    error = refusal(bytes(LogBuilder().event(events.START_ENCRYPTION, bytes(17)).content))
    assert (error.error_code, "source: network" in error.message) == ("binlog_encrypted", True)
    sent = (
        LogBuilder().event(events.START_ENCRYPTION, bytes(17), flags=events.IGNORABLE_FLAG).event(events.XID, bytes(8))
    )
    assert [event.type for event in sent.reader()][-1] == events.XID
