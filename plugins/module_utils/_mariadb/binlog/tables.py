"""Tables of row events, and where each row of an event ends. Pure; no value is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from .compression import uncompress

# Types of row events, version 1 (what MariaDB writes), 2 (what it reads from others), and compressed; the first of
# each three inserts, the second updates, the third deletes.
ROWS_V1 = (23, 24, 25)
ROWS_V2 = (30, 31, 32)
COMPRESSED_ROWS_V1 = (166, 167, 168)
COMPRESSED_ROWS_V2 = (169, 170, 171)
INSERTED, UPDATED, DELETED = "inserted", "updated", "deleted"
OPERATION_BY_TYPE = {
    kind: operation
    for kinds in (ROWS_V1, ROWS_V2, COMPRESSED_ROWS_V1, COMPRESSED_ROWS_V2)
    for kind, operation in zip(kinds, (INSERTED, UPDATED, DELETED))
}
STATEMENT_ENDS = 1

TABLE_ID_BYTES = 6
# The table of an event whose rows are of none (Rows_log_event's dummy).
NO_TABLE = 0x00FFFFFF.to_bytes(TABLE_ID_BYTES, "little")
_TABLE_MAP_HEADER_BYTES = 8
_FLAGS_BYTES = 2
_EXTRA_LENGTH_BYTES = 2

# Types of columns (field_types.h): their bytes in a row, where that depends on nothing.
_FIXED_BYTES = {
    1: 1,  # TINY
    2: 2,  # SHORT
    3: 4,  # LONG
    4: 4,  # FLOAT
    5: 8,  # DOUBLE
    6: 0,  # NULL
    7: 4,  # TIMESTAMP
    8: 8,  # LONGLONG
    9: 3,  # INT24
    10: 3,  # DATE
    11: 3,  # TIME
    12: 8,  # DATETIME
    13: 1,  # YEAR
    14: 3,  # NEWDATE
}
_METADATA_BYTES = {
    **dict.fromkeys((4, 5, 17, 18, 19, 140, 249, 250, 251, 252, 255), 1),
    **dict.fromkeys((15, 16, 141, 246, 247, 248, 253, 254), 2),
}
_ENUM_OR_SET = (247, 248)
_LARGEST_WITH_ONE_LENGTH_BYTE = 255
_DIGITS_IN_WORD = 9
_BYTES_BY_DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
# An integer below 251 is its own byte; these say how many bytes follow.
_PACKED_LENGTHS = {252: 2, 253: 3, 254: 8}

# How a column lies in a row: the bytes that it always has, and the bytes of a length that more of them follow.
_Width = tuple[int, int]


class UnknownColumnError(ValueError):
    """A column whose length in a row the log does not say (the times of MariaDB 5.3)."""


@dataclass(frozen=True)
class TableMap:
    """A table as the row events behind it know it.

    Attributes:
        database, name: The table.
        widths: How each column lies in a row; None where the log does not say it for one of them.
    """

    database: str
    name: str
    widths: tuple[_Width, ...] | None


@dataclass(frozen=True)
class RowsEvent:
    """A change of rows of one table.

    Attributes:
        table_id: The number of its table map, as both carry it.
        operation: ``inserted``, ``updated`` or ``deleted``.
        ends_statement: Whether it is the last one of its statement.
        column_count: Of the table.
        images: The columns that are present, a bitmap for each image of a row (two for an update).
        data: The rows.
    """

    table_id: bytes
    operation: str
    ends_statement: bool
    column_count: int
    images: tuple[bytes, ...]
    data: bytes

    @property
    def has_all_columns(self) -> bool:
        """Whether each row image holds every column (``binlog_row_image=FULL``)."""
        full = (1 << self.column_count) - 1
        return all(int.from_bytes(image, "little") & full == full for image in self.images)


def decode_table_map(body: bytes) -> TableMap:
    """Read a table map."""
    database, at = _text(body, _TABLE_MAP_HEADER_BYTES)
    name, at = _text(body, at)
    count, at = _packed_integer(body, at)
    types, at = body[at : at + count], at + count
    _length, at = _packed_integer(body, at)
    widths: list[_Width] = []
    try:
        for kind in types:
            length = _METADATA_BYTES.get(kind, 0)
            widths.append(_width(kind, body[at : at + length]))
            at += length
    except UnknownColumnError:
        return TableMap(database, name, None)
    return TableMap(database, name, tuple(widths))


def decode_rows(kind: int, body: bytes) -> RowsEvent:
    """Read a row event of one of the types in ``OPERATION_BY_TYPE``."""
    at = TABLE_ID_BYTES + _FLAGS_BYTES
    flags = int.from_bytes(body[TABLE_ID_BYTES:at], "little")
    if kind in ROWS_V2 or kind in COMPRESSED_ROWS_V2:
        at += int.from_bytes(body[at : at + _EXTRA_LENGTH_BYTES], "little")
    count, at = _packed_integer(body, at)
    bitmap_bytes = (count + 7) // 8
    operation = OPERATION_BY_TYPE[kind]
    images = []
    for _image in range(2 if operation == UPDATED else 1):
        images.append(body[at : at + bitmap_bytes])
        at += bitmap_bytes
    data = body[at:]
    if kind in COMPRESSED_ROWS_V1 or kind in COMPRESSED_ROWS_V2:
        data = uncompress(data)
    return RowsEvent(body[:TABLE_ID_BYTES], operation, bool(flags & STATEMENT_ENDS), count, tuple(images), data)


class MappedTables:
    """The tables that row events name by numbers, as the table maps before them say.

    The same map comes before every statement, so each is decoded once.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, RowSplitter] = {}
        self._by_id: dict[bytes, RowSplitter] = {}

    def add(self, body: bytes) -> None:
        """Take in a table map."""
        description = body[TABLE_ID_BYTES:]
        if description not in self._known:
            self._known[description] = RowSplitter(decode_table_map(body))
        self._by_id[body[:TABLE_ID_BYTES]] = self._known[description]

    def of(self, event: RowsEvent) -> RowSplitter | None:
        """Return what splits the rows of an event, or None where it holds none.

        Raises:
            ValueError: No map came before it.
        """
        if event.table_id == NO_TABLE:
            return None
        if event.table_id not in self._by_id:
            raise ValueError("no table map came before it")
        return self._by_id[event.table_id]


class RowSplitter:
    """Finds the rows of the row events of one table.

    What a row looks like depends on its columns that are NULL alone, and few combinations of these occur: each is
    worked out once, to the bytes to skip and the lengths to read, so that splitting passes over data at its pace.

    Attributes:
        table: The table as it was mapped.
    """

    def __init__(self, table: TableMap) -> None:
        self.table = table
        self._shapes: dict[bytes, _Shape] = {}

    def count(self, event: RowsEvent) -> int:
        """Return the number of rows; raises as ``images`` does."""
        return sum(1 for _end in self._ends(event)) // len(event.images)

    def images(self, event: RowsEvent) -> Iterator[tuple[bytes, ...]]:
        """Yield the images of each row as they lie in the event: before and after for an update, else the one.

        Raises:
            UnknownColumnError: The table has a column whose length is not known.
            ValueError: The rows do not end where the event does.
        """
        row: list[bytes] = []
        begin = 0
        for end in self._ends(event):
            row.append(event.data[begin:end])
            begin = end
            if len(row) == len(event.images):
                yield tuple(row)
                row = []

    def _ends(self, event: RowsEvent) -> Iterator[int]:
        shapes = [self._shape(image) for image in event.images]
        data, length = event.data, len(event.data)
        at = 0
        while at < length:
            for shape in shapes:
                try:
                    at = shape.end_of_image(data, at)
                except IndexError:
                    at = length + 1
                if at > length:
                    raise ValueError("the rows do not end where the event ends")
                yield at

    def _shape(self, image: bytes) -> _Shape:
        if self.table.widths is None:
            raise UnknownColumnError
        if image not in self._shapes:
            present = int.from_bytes(image, "little")
            self._shapes[image] = _Shape([w for column, w in enumerate(self.table.widths) if present >> column & 1])
        return self._shapes[image]


class _Shape:
    """A row image with these columns."""

    def __init__(self, widths: list[_Width]) -> None:
        self._widths = widths
        self._null_bytes = (len(widths) + 7) // 8
        self._steps: dict[bytes, tuple[tuple[_Width, ...], int]] = {}

    def end_of_image(self, data: bytes, at: int) -> int:
        """Return where the image that begins at ``at`` ends; IndexError where the data ends before."""
        nulls = data[at : at + self._null_bytes]
        at += self._null_bytes
        if nulls not in self._steps:
            self._steps[nulls] = self._steps_without(int.from_bytes(nulls, "little"))
        steps, rest = self._steps[nulls]
        for skipped, length_bytes in steps:
            at += skipped
            if length_bytes == 1:
                at += data[at] + 1
            elif length_bytes == 2:  # noqa: PLR2004 (the two most frequent ones are read without a call)
                at += data[at] + (data[at + 1] << 8) + 2
            else:
                at += int.from_bytes(data[at : at + length_bytes], "little") + length_bytes
        return at + rest

    def _steps_without(self, nulls: int) -> tuple[tuple[_Width, ...], int]:
        steps = []
        skipped = 0
        for column, (fixed_bytes, length_bytes) in enumerate(self._widths):
            if nulls >> column & 1:
                continue
            skipped += fixed_bytes
            if length_bytes:
                steps.append((skipped, length_bytes))
                skipped = 0
        return tuple(steps), skipped


def _width(kind: int, metadata: bytes) -> _Width:
    if kind in _FIXED_BYTES:
        return _FIXED_BYTES[kind], 0
    if kind not in _WIDTHS:
        raise UnknownColumnError
    return _WIDTHS[kind](metadata)


def _varchar(metadata: bytes) -> _Width:
    return 0, _length_bytes(int.from_bytes(metadata, "little"))


def _blob(metadata: bytes) -> _Width:
    return 0, metadata[0]


def _bit(metadata: bytes) -> _Width:
    return metadata[1] + bool(metadata[0]), 0


def _decimal(metadata: bytes) -> _Width:
    precision, scale = metadata
    return _decimal_bytes(precision - scale) + _decimal_bytes(scale), 0


def _enum_or_set(metadata: bytes) -> _Width:
    return metadata[1], 0


def _string(metadata: bytes) -> _Width:
    # ENUM and SET hide here; a long CHAR has two bits of its length, inverted, in its type.
    if metadata[0] in _ENUM_OR_SET:
        return _enum_or_set(metadata)
    return 0, _length_bytes((((metadata[0] << 4) & 0x300) ^ 0x300) + metadata[1])


def _with_fraction(whole_bytes: int) -> Callable[[bytes], _Width]:
    return lambda metadata: (whole_bytes + (metadata[0] + 1) // 2, 0)


_WIDTHS: dict[int, Callable[[bytes], _Width]] = {
    **dict.fromkeys((15, 141, 253), _varchar),  # VARCHAR, compressed VARCHAR, VAR_STRING
    **dict.fromkeys((140, 249, 250, 251, 252, 255), _blob),  # compressed BLOB, the BLOBs, GEOMETRY
    **dict.fromkeys(_ENUM_OR_SET, _enum_or_set),
    16: _bit,
    17: _with_fraction(4),  # TIMESTAMP2
    18: _with_fraction(5),  # DATETIME2
    19: _with_fraction(3),  # TIME2
    246: _decimal,
    254: _string,
}


def _length_bytes(largest: int) -> int:
    return 1 if largest <= _LARGEST_WITH_ONE_LENGTH_BYTE else 2


def _decimal_bytes(digits: int) -> int:
    words, rest = divmod(digits, _DIGITS_IN_WORD)
    return 4 * words + _BYTES_BY_DIGITS[rest]


def _text(body: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + body[at]
    return body[at + 1 : end].decode(errors="replace"), end + 1


def _packed_integer(body: bytes, at: int) -> tuple[int, int]:
    first = body[at]
    length = _PACKED_LENGTHS.get(first, 0)
    if not length:
        return first, at + 1
    return int.from_bytes(body[at + 1 : at + 1 + length], "little"), at + 1 + length
