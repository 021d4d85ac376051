"""Reading MariaDB's slow query log, a part of a file at a time."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# A statement of an import can be as long as a packet: its beginning is enough to know it again.
STATEMENT_LIMIT = 64 * 1024
_FIELDS = re.compile(r"(\w+): ([^\s:]*)(?=\s|$)")
_TIMESTAMP = re.compile(r"SET timestamp=(\d+)(?:\.\d+)?;\s*")
_USE = re.compile(r"use (?:`((?:[^`]|``)+)`|([^\s;]+));\s*", re.IGNORECASE)
_HEADERS = ("# Time:", "# User@Host:")
# What the server writes at its start and after a rotation, between the entries.
_BANNER = re.compile(r".*, Version: .* started with:$|Tcp port: |Time\s+Id\s+Command\s+Argument")


@dataclass(frozen=True)
class SlowStatement:
    """One entry of the log; the statement holds values of rows and must not leave the host.

    ``is_full_scan`` is None where log_slow_verbosity does not include ``query_plan``.
    """

    at_seconds: float
    schema: str
    query_seconds: float
    lock_seconds: float
    rows_sent: int
    rows_examined: int
    is_full_scan: bool | None
    statement: str


@dataclass(frozen=True)
class LogPart:
    """A part of a log: its text, and the cursor at which the next part begins."""

    text: str
    inode: int
    end_bytes: int
    is_cut: bool


def read_log_part(path: Path, limit_bytes: int, inode: int = 0, start_bytes: int = 0) -> LogPart:
    """Read what a log gained since a cursor, or the end of that where it is too much.

    Args:
        path: The log.
        limit_bytes: How much is read at most.
        inode: The file that the cursor is of; another one was rotated away, and is not read.
        start_bytes: Where the cursor stands.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        status = path.stat()
        end_bytes = stream.seek(0, 2)
        start = start_bytes if inode == status.st_ino and start_bytes <= end_bytes else 0
        wanted = max(start, end_bytes - limit_bytes)
        stream.seek(wanted)
        text = stream.read(end_bytes - wanted).decode(errors="replace")
    return LogPart(text, status.st_ino, end_bytes, is_cut=wanted > start)


def parse_slow_log(lines: Iterable[str]) -> Iterator[SlowStatement]:
    """Yield the statements of a log, in its order; a first entry that was cut in its middle is left out.

    The schema is that of the entry's ``Schema:``, else that of the last ``use``.
    """
    header: list[str] = []
    body: list[str] = []
    schema = ""
    is_in_header = False
    for line in lines:
        if line.startswith(_HEADERS) or (line.startswith("# Thread_id:") and not is_in_header):
            if not is_in_header:
                schema = yield from _entry(header, body, schema)
                header, body = [], []
            is_in_header = True
            header.append(line)
        elif is_in_header and line.startswith("#"):
            header.append(line)
        else:
            is_in_header = False
            body.append(line)
    yield from _entry(header, body, schema)


def _entry(header: list[str], body: list[str], last_schema: str) -> Generator[SlowStatement, None, str]:
    """Yield the statement of an entry, if it is one, and return the schema that is in use after it."""
    fields = dict(_FIELDS.findall("\n".join(header)))
    text = "\n".join(line for line in body if not _BANNER.match(line)).strip()
    schema = fields.get("Schema") or last_schema
    use = _USE.match(text)
    if use:
        schema = use[1].replace("``", "`") if use[1] else use[2]
        text = text[use.end() :]
    timestamp = _TIMESTAMP.match(text)
    if timestamp:
        text = text[timestamp.end() :]
    if "Query_time" not in fields or not text or text.startswith("# administrator command"):
        return schema
    yield SlowStatement(
        at_seconds=float(timestamp[1]) if timestamp else _header_time(header),
        schema=schema,
        query_seconds=_number(fields["Query_time"]),
        lock_seconds=_number(fields.get("Lock_time", "")),
        rows_sent=int(_number(fields.get("Rows_sent", ""))),
        rows_examined=int(_number(fields.get("Rows_examined", ""))),
        is_full_scan=fields["Full_scan"] == "Yes" if "Full_scan" in fields else None,
        statement=text[:STATEMENT_LIMIT],
    )
    return schema


def _header_time(header: list[str]) -> float:
    for line in header:
        if line.startswith("# Time:"):
            try:
                # The server writes its own local time there, which is this host's.
                return datetime.strptime(line[7:].strip(), "%y%m%d %H:%M:%S").astimezone().timestamp()
            except ValueError:
                return 0.0
    return 0.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
