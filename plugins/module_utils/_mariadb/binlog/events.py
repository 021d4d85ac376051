"""Events of a binary log as they lie in a file: framed, checked, not yet understood.

The format is that of MariaDB 10.6 to 11.8 (binary log version 4). Each event begins with 19 bytes: time, type,
server id, length, end position and flags; each ends with a CRC32 where ``binlog_checksum`` is not NONE.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from ..._system.errors import LifeboatError

MAGIC = b"\xfebin"
FIRST_OFFSET = len(MAGIC)
HEADER_BYTES = 19
CHECKSUM_BYTES = 4
# A server takes no packet above 1 GiB (the largest max_allowed_packet), so it writes no larger event.
LARGEST_EVENT_BYTES = (1 << 30) + (64 << 10)

# Types of events; those that are not here are passed over unread.
QUERY = 2
STOP = 3
ROTATE = 4
FORMAT_DESCRIPTION = 15
XID = 16
EXECUTE_LOAD_QUERY = 18
TABLE_MAP = 19
INCIDENT = 26
XA_PREPARE = 38
ANNOTATE_ROWS = 160
GTID = 162
GTID_LIST = 163
START_ENCRYPTION = 164
QUERY_COMPRESSED = 165

# How a file ends.
ROTATED = "rotated"  # the server went on in the next file
STOPPED = "stopped"  # the server was shut down
OPEN = "open"  # it is being written, or its server crashed between two events
TRUNCATED = "truncated"  # within an event: it is being written, its server crashed, or its end was lost

IN_USE_FLAG = 0x1
# What a replica may pass over: so a server sends the start of an encryption that it undid for the replica.
IGNORABLE_FLAG = 0x80
_HEADER = struct.Struct("<IBIIIH")
_FLAGS_OFFSET = 17
_CRC32_ALGORITHM = 1
_VERSION = 4
_SERVER_VERSION_BYTES = 50
# Version, server version, time of creation, length of a header: before the lengths of the types' own headers.
_LENGTHS_OFFSET = 2 + _SERVER_VERSION_BYTES + 4 + 1


class Event(NamedTuple):
    """One event.

    Attributes:
        type: A number, such as ``QUERY``.
        timestamp: When its statement began, seconds since the epoch in UTC.
        server_id: The server that first wrote it.
        flags: Bits.
        offset: Where it begins in the file.
        end_offset: Where the next one begins.
        body: All behind the header, without the checksum.
    """

    type: int
    timestamp: int
    server_id: int
    flags: int
    offset: int
    end_offset: int
    body: bytes


@dataclass(frozen=True)
class FormatDescription:
    """What the first event of a file says of it.

    Attributes:
        server_version: Of the server that wrote it.
        written_at_seconds: When the file was begun.
        has_checksums: Whether each event carries a CRC32.
        is_in_use: Whether it was not closed: it is being written, or its server crashed.
    """

    server_version: str
    written_at_seconds: int
    has_checksums: bool
    is_in_use: bool


class BinlogReader:
    """Iterates over the events of one file; holds one of them at a time.

    Args:
        stream: The file from its first byte on; only ``read`` is used.
        name: What to call it in errors.
        largest_event_bytes: An event above it is damage.
        has_successor: Whether its server went on in another file. Where it did not close this one it had crashed, and
            may have left what the disk did not have yet as zeros: what cannot be read is the end of the file then. The
            next file says which transactions this one held, so that none is lost without a word.

    After the last event, ``ending`` says how the file ends and ``end_offset`` where its last whole event does. A file
    that ends within an event is no error here: whether that is a live file or a damaged one only the next file says.

    Raises:
        LifeboatError: ``binlog_damaged``, ``binlog_encrypted`` or ``binlog_unsupported`` while it is read.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        largest_event_bytes: int = LARGEST_EVENT_BYTES,
        has_successor: bool = False,
    ) -> None:
        self._stream = stream
        self._name = name
        self._largest_event_bytes = largest_event_bytes
        self.ending = OPEN
        self.end_offset = FIRST_OFFSET
        self.format = self._read_format()
        self._may_end_in_damage = has_successor and self.format.is_in_use

    def __iter__(self) -> Iterator[Event]:
        """Yield the events behind the description of the format."""
        checksum_bytes = CHECKSUM_BYTES if self.format.has_checksums else 0
        while True:
            try:
                event = self._read_event(checksum_bytes)
            except LifeboatError:
                if not self._may_end_in_damage:
                    raise
                self.ending = TRUNCATED
                return
            if event is None:
                return
            self.end_offset = event.end_offset
            if event.type == START_ENCRYPTION and not event.flags & IGNORABLE_FLAG:
                raise self._encrypted()
            self.ending = {ROTATE: ROTATED, STOP: STOPPED}.get(event.type, OPEN)
            yield event

    def _read_event(self, checksum_bytes: int) -> Event | None:
        offset = self.end_offset
        header = self._stream.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            self.ending = TRUNCATED if header else self.ending
            return None
        timestamp, kind, server_id, length, _end_position, flags = _HEADER.unpack(header)
        if not HEADER_BYTES + checksum_bytes <= length <= self._largest_event_bytes:
            raise self._damaged(offset, f"an event says that it has {length} bytes")
        body = self._stream.read(length - HEADER_BYTES)
        if len(body) < length - HEADER_BYTES:
            self.ending = TRUNCATED
            return None
        if checksum_bytes:
            if zlib.crc32(body[:-CHECKSUM_BYTES], zlib.crc32(header)) != int.from_bytes(
                body[-CHECKSUM_BYTES:], "little"
            ):
                raise self._damaged(offset, "the checksum of an event is wrong")
            body = body[:-CHECKSUM_BYTES]
        return Event(kind, timestamp, server_id, flags, offset, offset + length, body)

    def _read_format(self) -> FormatDescription:
        magic = self._stream.read(FIRST_OFFSET)
        if magic != MAGIC:
            raise self._damaged(0, "it does not begin as a binary log does")
        header = self._stream.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise self._damaged(FIRST_OFFSET, "it ends before its first event")
        timestamp, kind, _server_id, length, _end_position, flags = _HEADER.unpack(header)
        least = HEADER_BYTES + _LENGTHS_OFFSET + 1 + CHECKSUM_BYTES
        if kind != FORMAT_DESCRIPTION or not least <= length <= self._largest_event_bytes:
            raise self._damaged(FIRST_OFFSET, "its first event is no description of its format")
        body = self._stream.read(length - HEADER_BYTES)
        if len(body) < length - HEADER_BYTES:
            raise self._damaged(FIRST_OFFSET, "it ends within its first event")
        version, server_version, _created_at, header_bytes = struct.unpack_from("<H50sIB", body)
        if (version, header_bytes) != (_VERSION, HEADER_BYTES):
            raise LifeboatError(
                f"Cannot read the binary log {self._name}: it is of format {version}, not {_VERSION}. Only logs of "
                "MariaDB 10.6 to 11.8 are read.",
                "binlog_unsupported",
                {"file": self._name},
            )
        # The flag is set while the file is written, and is not part of what the checksum is of.
        unflagged = header[:_FLAGS_OFFSET] + (flags & ~IN_USE_FLAG).to_bytes(2, "little")
        has_checksums = body[-CHECKSUM_BYTES - 1] == _CRC32_ALGORITHM
        # This event has a checksum also where the others have none.
        checksum = int.from_bytes(body[-CHECKSUM_BYTES:], "little")
        if zlib.crc32(body[:-CHECKSUM_BYTES], zlib.crc32(unflagged)) != checksum:
            raise self._damaged(FIRST_OFFSET, "the checksum of its first event is wrong")
        self.end_offset = FIRST_OFFSET + length
        return FormatDescription(
            server_version.rstrip(b"\0").decode("ascii", "replace"),
            timestamp,
            has_checksums,
            bool(flags & IN_USE_FLAG),
        )

    def _damaged(self, offset: int, what: str) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the binary log {self._name} beyond byte {offset}: {what}. It was damaged after it was "
            "written; take another copy of it (the server's own, the archive's, a replica's).",
            "binlog_damaged",
            {"file": self._name, "offset": offset},
        )

    def _encrypted(self) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the binary log {self._name}: the server encrypts its logs (encrypt_binlog=ON) and only it "
            "has the key. Archive them over the network (source: network), where the server sends them in clear.",
            "binlog_encrypted",
            {"file": self._name},
        )
