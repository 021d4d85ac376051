"""What the bodies of events say. Pure; each function takes a body as ``BinlogReader`` yields it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .compression import uncompress
from .gtids import Gtid, GtidState

# Bits of a GTID event (log_event.h): the transaction is one statement, is a DDL, is (or ends) a prepared XA one.
_STANDALONE = 1
_GROUP_COMMIT = 2
_DDL = 32
_PREPARED_XA = 64
_COMPLETED_XA = 128
_GTID = struct.Struct("<QIB")
_COMMIT_ID_BYTES = 8
# Bits of its second byte of flags, from 10.6 and 11.5 on.
_MULTI_ENGINE = 1
_ALTER_ENDS = 4 | 8
_THREAD_ID = 16

_QUERY = struct.Struct("<IIBHH")
_GTID_LIST_ENTRY = struct.Struct("<IIQ")
_GTID_LIST_COUNT_BITS = 0x0FFFFFFF
_ROTATE_OFFSET_BYTES = 8
_INCIDENT_BYTES = 2


@dataclass(frozen=True)
class GtidEvent:
    """The start of a transaction.

    Attributes:
        gtid: Its id.
        is_standalone: Whether one statement follows and nothing ends the transaction.
        is_ddl: Whether it changes a schema.
        xa: ``prepare``, ``complete`` (its end, long after) or "".
        xid: The identifier of an XA transaction as ``XA COMMIT`` takes it, or "".
        thread_id: The connection that ran it, where the server writes it here (11.5 on); else None.
    """

    gtid: Gtid
    is_standalone: bool
    is_ddl: bool
    xa: str = ""
    xid: str = ""
    thread_id: int | None = None


@dataclass(frozen=True)
class QueryEvent:
    """A statement; its text may hold values and stays out of every message."""

    thread_id: int
    error_code: int
    database: str
    text: str = field(repr=False)


def decode_gtid(body: bytes, server_id: int) -> GtidEvent:
    """Read a GTID event."""
    sequence, domain, flags = _GTID.unpack_from(body)
    at = _GTID.size + (_COMMIT_ID_BYTES if flags & _GROUP_COMMIT else 0)
    xa, xid = "", ""
    if flags & (_PREPARED_XA | _COMPLETED_XA):
        xa = "prepare" if flags & _PREPARED_XA else "complete"
        xid, at = _xid(body, at)
    return GtidEvent(
        Gtid(domain, server_id, sequence),
        bool(flags & _STANDALONE),
        bool(flags & _DDL),
        xa,
        xid,
        _thread_id(body, at),
    )


def _xid(body: bytes, at: int) -> tuple[str, int]:
    format_id, global_length, branch_length = struct.unpack_from("<IBB", body, at)
    at += struct.calcsize("<IBB")
    middle, end = at + global_length, at + global_length + branch_length
    return f"X'{body[at:middle].hex()}',X'{body[middle:end].hex()}',{format_id}", end


def _thread_id(body: bytes, at: int) -> int | None:
    # An event that says nothing more is filled up with zeros, which are no flags.
    if at >= len(body):
        return None
    flags, at = body[at], at + 1
    if not flags & _THREAD_ID:
        return None
    at += 1 if flags & _MULTI_ENGINE else 0
    at += 8 if flags & _ALTER_ENDS else 0
    return int.from_bytes(body[at : at + 4], "little")


def decode_gtid_list(body: bytes) -> GtidState:
    """Read the list of the last transactions of all files before this one."""
    count = int.from_bytes(body[:4], "little") & _GTID_LIST_COUNT_BITS
    entries = (_GTID_LIST_ENTRY.unpack_from(body, 4 + index * _GTID_LIST_ENTRY.size) for index in range(count))
    return GtidState(Gtid(domain, server_id, sequence) for domain, server_id, sequence in entries)


def decode_query(body: bytes, is_compressed: bool = False) -> QueryEvent:
    """Read a statement."""
    thread_id, _seconds, database_bytes, error_code, status_bytes = _QUERY.unpack_from(body)
    at = _QUERY.size + status_bytes
    database, at = body[at : at + database_bytes], at + database_bytes + 1
    text = uncompress(body[at:]) if is_compressed else body[at:]
    return QueryEvent(thread_id, error_code, database.decode(errors="replace"), text.decode(errors="replace"))


def decode_rotate(body: bytes) -> str:
    """Read the name of the next file."""
    return body[_ROTATE_OFFSET_BYTES:].decode(errors="replace")


def decode_incident(body: bytes) -> str:
    """Read what the server says of changes that it could not write to the log."""
    return body[_INCIDENT_BYTES + 1 :].decode(errors="replace")
