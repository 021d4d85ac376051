"""Binary logs that are written by hand, event by event, as a server would write them."""

from __future__ import annotations

import io
import socket
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Union, cast

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import ArchivedBinlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import format_moment
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog import events
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.events import BinlogReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import LiveBinlogs, ServerIdentity
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import LogFile, name_after
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.transactions import (
    Transaction,
    TransactionReader,
)

# 2026-11-21T03:00:00Z
BEGAN_SECONDS = 1_795_230_000
SERVER_VERSION = "10.11.19-MariaDB-log"
FORMAT_BYTES = 252
GTID_BYTES = 19
# Types of events that are passed over.
INTVAR, BEGIN_LOAD_QUERY, BINLOG_CHECKPOINT = 5, 17, 161
STANDALONE, GROUP_COMMIT, DDL, PREPARED_XA, COMPLETED_XA = 1, 2, 32, 64, 128
WRITE, UPDATE, DELETE = 23, 24, 25
# Columns of the table that rows are written for: an INT and a VARCHAR(140) of utf8mb4.
COLUMNS = ((3, b""), (15, struct.pack("<H", 560)))
IDENTITY = ServerIdentity("uid-1", 1, "db1", 3306)

Body = Union[bytes, bytearray]


class LogBuilder:
    """Writes events one behind the other; ``content`` is the file.

    Args:
        has_checksums: Whether each event carries its CRC32.
        before: What the GTID list at the start says, as ``0-1-5``.
        is_in_use: Whether the file says of itself that it is being written.
        version: The version of the format.
        began_seconds: The time of its first event.
    """

    def __init__(
        self,
        *before: str,
        has_checksums: bool = True,
        is_in_use: bool = False,
        version: int = 4,
        began_seconds: int = BEGAN_SECONDS,
    ) -> None:
        self.has_checksums = has_checksums
        self.seconds = began_seconds
        self.content = bytearray(events.MAGIC)
        body = struct.pack("<H50sIB", version, SERVER_VERSION.encode(), 0, events.HEADER_BYTES)
        body += bytes(171) + bytes([1 if has_checksums else 0])
        # The flag that says that the file is being written is not part of what the checksum is of.
        plain = self._header(events.FORMAT_DESCRIPTION, len(body) + 4, 0)
        checksum = zlib.crc32(plain + body)
        header = self._header(events.FORMAT_DESCRIPTION, len(body) + 4, int(is_in_use))
        self.content += header + body + struct.pack("<I", checksum)
        self.gtid_list(*before)

    def event(self, kind: int, body: Body = b"", *, flags: int = 0, server_id: int = 1) -> LogBuilder:
        """Write an event of any type."""
        header = self._header(kind, len(body) + (4 if self.has_checksums else 0), flags, server_id)
        self.content += header + body
        if self.has_checksums:
            self.content += struct.pack("<I", zlib.crc32(header + body))
        return self

    def gtid_list(self, *gtids: str) -> LogBuilder:
        """Write what the files before hold."""
        entries = [tuple(map(int, gtid.split("-"))) for gtid in gtids]
        body = struct.pack("<I", len(entries))
        return self.event(events.GTID_LIST, body + b"".join(struct.pack("<IIQ", *entry) for entry in entries))

    def gtid(self, gtid: str, flags: int = 0, rest: bytes = b"") -> LogBuilder:
        """Write the start of a transaction."""
        domain, server_id, sequence = map(int, gtid.split("-"))
        body = struct.pack("<QIB", sequence, domain, flags)
        body += (bytes(8) if flags & GROUP_COMMIT else b"") + rest
        return self.event(events.GTID, body.ljust(GTID_BYTES, b"\0"), server_id=server_id)

    def query(self, text: str, database: str = "s1", thread_id: int = 7) -> LogBuilder:
        """Write a statement."""
        return self.event(events.QUERY, query_body(database, thread_id) + text.encode())

    def table_map(self, table: str, database: str = "s1", table_id: int = 20, columns: object = COLUMNS) -> LogBuilder:
        """Write which table a number stands for."""
        return self.event(events.TABLE_MAP, table_map_body(table, database, table_id, columns))

    def rows(self, kind: int, data: bytes, *, table_id: int = 20, ends: bool = True, columns: int = 2) -> LogBuilder:
        """Write rows; each image holds all columns."""
        return self.event(kind, rows_body(kind, data, table_id=table_id, ends=ends, columns=columns))

    def change(self, gtid: str, table: str = "tabItem", kind: int = WRITE, count: int = 1) -> LogBuilder:
        """Write a whole transaction that changes rows of one table."""
        images = 2 if kind == UPDATE else 1
        data = b"".join(row(number, "x") * images for number in range(count))
        self.gtid(gtid).event(events.ANNOTATE_ROWS, b"DELETE FROM `" + table.encode() + b"` WHERE name = 'secret'")
        return self.table_map(table).rows(kind, data).event(events.XID, bytes(8))

    def ddl(self, gtid: str, text: str, database: str = "s1") -> LogBuilder:
        """Write a statement that is a transaction of its own."""
        return self.gtid(gtid, STANDALONE | DDL).query(text, database)

    def rotate(self, name: str) -> LogBuilder:
        """Write that the server goes on in another file."""
        return self.event(events.ROTATE, struct.pack("<Q", 4) + name.encode())

    def at(self, seconds: int) -> LogBuilder:
        """Set the time of what is written from here on."""
        self.seconds = seconds
        return self

    def stream(self) -> BinaryIO:
        """Return the file as a stream."""
        return io.BytesIO(bytes(self.content))

    def reader(self) -> BinlogReader:
        """Return a reader of its events."""
        return BinlogReader(self.stream(), "binlog.000001")

    def transactions(self) -> list[Transaction]:
        """Return its transactions."""
        return list(TransactionReader(self.reader(), "binlog.000001"))

    def save(self, folder: Path, name: str = "binlog.000001") -> LogFile:
        """Write it to the disk."""
        path = folder / name
        path.write_bytes(self.content)
        return LogFile(name, path, len(self.content))

    def _header(self, kind: int, length: int, flags: int, server_id: int = 1) -> bytes:
        end = len(self.content) + events.HEADER_BYTES + length
        return struct.pack("<IBIIIH", self.seconds, kind, server_id, events.HEADER_BYTES + length, end, flags)


def query_body(database: str, thread_id: int = 7, status: bytes = b"\0\1\2") -> bytes:
    """Return the start of a statement's event, before its text."""
    head = struct.pack("<IIBHH", thread_id, 0, len(database), 0, len(status))
    return head + status + database.encode() + b"\0"


def table_map_body(table: str, database: str = "s1", table_id: int = 20, columns: object = COLUMNS) -> bytes:
    """Return a table map of columns, each a type and its metadata."""
    typed = cast("tuple[tuple[int, bytes], ...]", columns)
    metadata = b"".join(each for _kind, each in typed)
    names = b"".join(bytes([len(name)]) + name.encode() + b"\0" for name in (database, table))
    types = bytes([len(typed)]) + bytes(kind for kind, _metadata in typed)
    return table_id.to_bytes(6, "little") + b"\1\0" + names + types + bytes([len(metadata)]) + metadata


def rows_body(
    kind: int,
    data: bytes,
    *,
    table_id: int = 20,
    ends: bool = True,
    columns: int = 2,
    images: tuple[bytes, ...] | None = None,
) -> bytes:
    """Return an event of rows; without ``images`` all columns are in each."""
    full = ((1 << columns) - 1).to_bytes((columns + 7) // 8, "little")
    present = images or (full,) * (2 if kind in (UPDATE, 31, 167, 170) else 1)
    extra = b"\2\0" if kind in (30, 31, 32, 169, 170, 171) else b""
    head = table_id.to_bytes(6, "little") + struct.pack("<H", int(ends)) + extra
    return head + bytes([columns]) + b"".join(present) + data


def row(number: int, text: str | None) -> bytes:
    """Return an image of a row of ``COLUMNS``."""
    if text is None:
        return b"\2" + struct.pack("<i", number)
    return b"\0" + struct.pack("<i", number) + struct.pack("<H", len(text.encode())) + text.encode()


def compressed(content: bytes) -> bytes:
    """Return what ``log_bin_compress`` makes of a part of an event."""
    return bytes([0x82]) + len(content).to_bytes(2, "big") + zlib.compress(content)


def live_binlogs(
    *files: tuple[str, int], gtid_state: str = "", folder: Path | None = None, **variables: str
) -> LiveBinlogs:
    """Return what a server would say of its logs, the last file being written."""
    return LiveBinlogs(IDENTITY, variables, files, folder, gtid_state)


def archived_binlog(number: int, before: str = "", after: str = "", *, size_bytes: int = 0) -> ArchivedBinlog:
    """Return what an archive remembers of a log; no file is written."""
    return ArchivedBinlog(
        name=f"binlog.{number:06d}",
        stored_name=f"binlog.{number:06d}.zst",
        size_bytes=size_bytes or 100 * number,
        sha256="0" * 64,
        stored_bytes=13,
        stored_sha256="1" * 64,
        gtids_before=before,
        gtids_after=after,
        first_gtid="",
        last_gtid=after,
        began_at=format_moment(BEGAN_SECONDS),
        earliest_commit="",
        latest_commit="",
        transactions=0,
        row_statements=0,
        partial_images=0,
        ending="rotated",
        server=IDENTITY,
        server_version=SERVER_VERSION,
        archived_at=format_moment(BEGAN_SECONDS),
    )


class BinlogServerDouble:
    """A connection to a server whose logs lie in a folder; ``FLUSH BINARY LOGS`` makes it begin a further one.

    Args:
        folder: Where its logs lie.
        names: Their names, oldest first; the last one is being written.
        variables: Its settings.
    """

    def __init__(self, folder: Path, *names: str, **variables: str) -> None:
        self.folder = folder
        self.names = list(names)
        self.flushes = 0
        self.variables = {
            "log_bin": "ON",
            "log_bin_basename": f"{folder}/binlog",
            "server_id": "4",
            "port": "3306",
            "hostname": socket.gethostname(),
            "gtid_binlog_state": "0-4-9",
            **variables,
        }

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Answer what is asked of a server about its logs."""
        if "VARIABLES" in statement:
            return list(self.variables.items())
        return [(name, (self.folder / name).stat().st_size, "No") for name in self.names]

    def close(self) -> None:
        """Do nothing."""

    def cursor(self) -> BinlogServerDouble:
        """Return what runs statements: this."""
        return self

    def __enter__(self) -> BinlogServerDouble:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, statement: str, _arguments: object) -> int:
        """Remember a statement, and begin a further log where that is asked for."""
        self.statement = statement
        if statement == "FLUSH BINARY LOGS":
            self.flushes += 1
            self.names.append(name_after(self.names[-1]))
            LogBuilder(self.variables["gtid_binlog_state"]).save(self.folder, self.names[-1])
        return 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows of the statement."""
        return self.query(self.statement)
