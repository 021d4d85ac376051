"""The bodies of single events."""

from __future__ import annotations

import struct
import zlib

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.compression import uncompress
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.decoding import (
    decode_gtid,
    decode_gtid_list,
    decode_query,
    decode_rotate,
)

from tests.binlog_files import DDL, GROUP_COMMIT, STANDALONE, compressed, query_body


def test_the_flags_of_a_gtid():
    body = struct.pack("<QIB", 505, 3, STANDALONE | DDL) + bytes(6)
    event = decode_gtid(body, 21)
    assert (str(event.gtid), event.is_standalone, event.is_ddl, event.xa) == ("3-21-505", True, True, "")
    grouped = decode_gtid(struct.pack("<QIB", 1, 0, GROUP_COMMIT) + bytes(8), 1)
    assert (grouped.is_standalone, grouped.is_ddl, grouped.thread_id) == (False, False, None)


def test_the_flags_of_a_gtid_list_are_no_part_of_its_count():
    """The server sets the upper four bits where the list is sent to a replica."""
    body = struct.pack("<I", 1 | 1 << 28) + struct.pack("<IIQ", 0, 1, 7)
    assert str(decode_gtid_list(body)) == "0-1-7"


def test_a_statement():
    query = decode_query(query_body("_5e58", 42, b"\4\0\1\2\3") + "SÉLECT".encode())
    assert (query.database, query.thread_id, query.text) == ("_5e58", 42, "SÉLECT")
    assert "SÉLECT" not in repr(query)
    assert decode_query(query_body("") + b"\xff\xfe").database == ""
    packed = decode_query(query_body("s1") + compressed(b"DROP TABLE t"), is_compressed=True)
    assert packed.text == "DROP TABLE t"


def test_the_next_file():
    assert decode_rotate(struct.pack("<Q", 4) + b"binlog.000002") == "binlog.000002"


@pytest.mark.parametrize("length_bytes", [1, 2, 3, 4])
def test_each_length_of_a_compressed_part(length_bytes):
    content = b"a row" * 20
    packed = bytes([0x80 | length_bytes]) + len(content).to_bytes(length_bytes, "big") + zlib.compress(content)
    assert uncompress(packed) == content


@pytest.mark.parametrize("expected", [99, 101])
def test_a_compressed_part_of_another_length(expected):
    with pytest.raises(ValueError, match="another length"):
        uncompress(b"\x81" + bytes([expected]) + zlib.compress(bytes(100)))
