"""Table maps, and where the rows of an event end, for each type of column."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.tables import (
    MappedTables,
    RowSplitter,
    UnknownColumnError,
    decode_rows,
    decode_table_map,
)

from tests.binlog_files import COLUMNS, DELETE, UPDATE, WRITE, compressed, row, rows_body, table_map_body

# A type, its metadata, and the bytes of a value.
TYPES = {
    "tinyint": (1, b"", b"\1"),
    "smallint": (2, b"", b"\1\2"),
    "int": (3, b"", bytes(4)),
    "float": (4, b"\4", bytes(4)),
    "double": (5, b"\x08", bytes(8)),
    "null": (6, b"", b""),
    "old timestamp": (7, b"", bytes(4)),
    "bigint": (8, b"", bytes(8)),
    "mediumint": (9, b"", bytes(3)),
    "date": (10, b"", bytes(3)),
    "old time": (11, b"", bytes(3)),
    "old datetime": (12, b"", bytes(8)),
    "year": (13, b"", b"\1"),
    "newdate": (14, b"", bytes(3)),
    "varchar(10)": (15, struct.pack("<H", 40), b"\3abc"),
    "varchar(140)": (15, struct.pack("<H", 560), b"\3\0abc"),
    "bit(1)": (16, b"\1\0", b"\1"),
    "bit(9)": (16, b"\1\1", bytes(2)),
    "bit(64)": (16, b"\0\x08", bytes(8)),
    "timestamp": (17, b"\0", bytes(4)),
    "timestamp(6)": (17, b"\6", bytes(7)),
    "datetime(1)": (18, b"\1", bytes(6)),
    "datetime(6)": (18, b"\6", bytes(8)),
    "time(3)": (19, b"\3", bytes(5)),
    "compressed text": (140, b"\4", struct.pack("<I", 5) + b"12345"),
    "compressed varchar": (141, struct.pack("<H", 200), b"\2zz"),
    "decimal(21,9)": (246, bytes((21, 9)), bytes(10)),
    "decimal(65,30)": (246, bytes((65, 30)), bytes(30)),
    "decimal(3,0)": (246, bytes((3, 0)), bytes(2)),
    "enum": (254, bytes((247, 1)), b"\1"),
    "set": (254, bytes((248, 2)), b"\1\0"),
    "bare enum": (247, bytes((247, 2)), b"\1\0"),
    "tinyblob": (252, b"\1", b"\2ab"),
    "blob": (252, b"\2", b"\2\0ab"),
    "mediumtext": (252, b"\3", b"\2\0\0ab"),
    "longtext": (252, b"\4", b"\2\0\0\0ab"),
    "geometry": (255, b"\4", b"\3\0\0\0abc"),
    "var_string": (253, struct.pack("<H", 20), b"\1a"),
    "char(10)": (254, bytes((254, 40)), b"\2ab"),
    # 1020 bytes: two bits of the length stand inverted in the type.
    "char(255)": (254, bytes((206, 252)), b"\2\0ab"),
}


def splitter(*columns: tuple[int, bytes]) -> RowSplitter:
    return RowSplitter(decode_table_map(table_map_body("t", columns=columns)))


@pytest.mark.parametrize("name", TYPES)
def test_each_type_of_column(name):
    kind, metadata, value = TYPES[name]
    split = splitter((kind, metadata), (3, b""))
    rows = [b"\0" + value + b"\1\2\3\4", b"\1" + b"\5\6\7\x08", b"\3"]
    event = decode_rows(WRITE, rows_body(WRITE, b"".join(rows)))
    assert split.count(event) == 3
    assert [image for (image,) in split.images(event)] == rows


def test_all_types_in_one_row():
    columns = [(kind, metadata) for kind, metadata, _value in TYPES.values()]
    data = bytes((len(columns) + 7) // 8) + b"".join(value for _kind, _metadata, value in TYPES.values())
    event = decode_rows(UPDATE, rows_body(UPDATE, data * 2 * 50, columns=len(columns)))
    split = splitter(*columns)
    assert split.count(event) == 50
    assert list(split.images(event)) == [(data, data)] * 50
    assert event.has_all_columns


def test_a_type_whose_length_is_not_known():
    split = splitter((3, b""), (18, b"\0"), (99, b""))
    assert split.table.widths is None
    with pytest.raises(UnknownColumnError):
        split.count(decode_rows(WRITE, rows_body(WRITE, bytes(9), columns=3)))


@pytest.mark.parametrize("kind", [23, 24, 25, 30, 31, 32, 166, 167, 168, 169, 170, 171])
def test_each_type_of_event(kind):
    operation = ("inserted", "updated", "deleted")[
        (kind - 23 if kind < 30 else kind - 30 if kind < 40 else kind - 166) % 3
    ]
    images = 2 if operation == "updated" else 1
    data = row(1, "abc") * images + row(2, None) * images
    event = decode_rows(kind, rows_body(kind, compressed(data) if kind >= 166 else data))
    assert (event.operation, event.ends_statement, event.data) == (operation, True, data)
    assert splitter(*COLUMNS).count(event) == 2


def test_rows_of_some_columns():
    """binlog_row_image=MINIMAL: the key before, what changed behind it."""
    split = splitter(*COLUMNS)
    before, after = b"\0" + bytes(4), b"\0" + b"\1\0x"
    event = decode_rows(UPDATE, rows_body(UPDATE, (before + after) * 3, images=(b"\1", b"\2"), ends=False))
    assert (split.count(event), event.has_all_columns, event.ends_statement) == (3, False, False)
    assert list(split.images(event)) == [(before, after)] * 3


@pytest.mark.parametrize("data", [row(1, "abc")[:-1], row(1, "abc") + b"\0", b"\0", b"\0" + bytes(4) + b"\xff"])
def test_rows_that_do_not_end_with_the_event(data):
    event = decode_rows(DELETE, rows_body(DELETE, data))
    with pytest.raises(ValueError, match="do not end"):
        splitter(*COLUMNS).count(event)


def test_a_table_with_many_columns():
    """More than 250: their number takes more than a byte."""
    body = bytearray(table_map_body("wide", columns=COLUMNS))
    names_end = body.index(b"wide\0") + len(b"wide\0")
    wide = bytes(body[:names_end]) + b"\xfc" + struct.pack("<H", 300) + b"\3" * 300 + b"\0"
    table = decode_table_map(wide)
    assert (table.database, table.name, len(table.widths or ())) == ("s1", "wide", 300)


def test_tables_are_found_by_their_number():
    tables = MappedTables()
    tables.add(table_map_body("a", table_id=1))
    tables.add(table_map_body("b", table_id=2))
    tables.add(table_map_body("a", table_id=3))
    found = {number: tables.of(decode_rows(WRITE, rows_body(WRITE, b"", table_id=number))) for number in (1, 2, 3)}
    assert [found[number].table.name for number in (1, 2, 3)] == ["a", "b", "a"]
    assert found[1] is found[3]
    assert tables.of(decode_rows(WRITE, rows_body(WRITE, b"", table_id=0xFFFFFF))) is None
    with pytest.raises(ValueError, match="no table map"):
        tables.of(decode_rows(WRITE, rows_body(WRITE, b"", table_id=4)))
