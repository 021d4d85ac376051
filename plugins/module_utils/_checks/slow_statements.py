"""The slow statements of a server: from its slow query log, or else from what performance_schema sums up."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .._mariadb.digest.slow_log import SlowStatement, parse_slow_log, read_log_part
from .._mariadb.digest.statistics import STATEMENT_QUERY, classes_from_statistics
from .._mariadb.digest.summary import Baseline, StatementClass, compare, ranked, summarise
from .._mariadb.indexes import Query
from .._system.errors import LifeboatError

SLOW_LOG = "slow_log"
PERFORMANCE_SCHEMA = "performance_schema"
AUTO = "auto"
SOURCES = (AUTO, SLOW_LOG, PERFORMANCE_SCHEMA)
# So many fingerprints are remembered for the comparison with the next digest.
KNOWN_CLASSES = 50
# What is typical creeps up by this much a run at most, so that a statement that became slow stays worse for a while.
CREEP = 1.1


@dataclass(frozen=True)
class Cursor:
    """Up to where a log was read: the file's inode and the bytes of it."""

    inode: int = 0
    end_bytes: int = 0


FROM_THE_START = Cursor()


@dataclass(frozen=True)
class SlowStatements:
    """What a source holds.

    Attributes:
        source: ``slow_log`` or ``performance_schema``.
        statements: The entries of the log.
        sums: What performance_schema sums up since the server's start.
        path: The log, or an empty text.
        cursor: Up to where the log was read.
        is_cut: Whether there was more than was read.
    """

    source: str
    statements: tuple[SlowStatement, ...] = ()
    sums: tuple[StatementClass, ...] = ()
    path: str = ""
    cursor: Cursor = FROM_THE_START
    is_cut: bool = False

    def digest(self, since_seconds: float = 0.0) -> list[StatementClass]:
        """Group what was there since a moment (Unix time) by fingerprint; what took most time comes first."""
        if self.source == SLOW_LOG:
            return summarise(found for found in self.statements if found.at_seconds >= since_seconds)
        return ranked(kind for kind in self.sums if kind.last_seen_seconds >= since_seconds)


def read_slow_statements(
    query: Query,
    variables: Mapping[str, str],
    *,
    source: str = AUTO,
    path: str = "",
    limit_bytes: int,
    cursor: Cursor = FROM_THE_START,
) -> SlowStatements:
    """Read the slow statements of a server.

    Args:
        query: Runs a statement on the server.
        variables: The server's variables, names in lower case.
        source: ``slow_log``, ``performance_schema``, or ``auto`` for the first of them that can be read.
        path: The log; empty for the one that the server writes, if it runs on this host.
        limit_bytes: How much of the log's end is read at most.
        cursor: From where on.

    Raises:
        LifeboatError: ``slow_queries_unreadable``, with what to switch on.
    """
    reasons = []
    if source in (AUTO, SLOW_LOG):
        log_path, reason = (Path(path), "") if path else _server_log(variables)
        if log_path is not None:
            try:
                return _read_log(log_path, limit_bytes, cursor)
            except OSError as error:
                reason = f"the slow log {log_path} cannot be read ({error.strerror})"
        reasons.append(reason)
    if source in (AUTO, PERFORMANCE_SCHEMA):
        if variables.get("performance_schema") == "ON":
            return SlowStatements(PERFORMANCE_SCHEMA, sums=tuple(classes_from_statistics(query(STATEMENT_QUERY))))
        reasons.append("performance_schema is off")
    raise LifeboatError(
        f"Cannot tell which statements are slow: {', and '.join(reasons)}. Switch the log on with "
        "SET GLOBAL slow_query_log = 1, long_query_time = 1 and in the server's option file, or give its path.",
        "slow_queries_unreadable",
    )


def compared_with(classes: list[StatementClass], known: Mapping[str, Baseline] | None) -> list[StatementClass]:
    """Say of each class whether it is new or worse; not where there is no earlier digest (None)."""
    return classes if known is None else compare(classes, known)


def next_baseline(classes: list[StatementClass], known: Mapping[str, Baseline]) -> dict[str, Baseline]:
    """Return what the next digest is compared with: the classes of this one first, then those known before."""
    merged: dict[str, Baseline] = {}
    for kind in classes:
        before = known.get(kind.id)
        typical_seconds = kind.typical_seconds
        if before is not None:
            typical_seconds = min(typical_seconds, CREEP * before.typical_seconds)
        merged[kind.id] = Baseline(round(typical_seconds, 6), kind.first_seen_seconds)
    return dict(list({**merged, **{name: known[name] for name in known if name not in merged}}.items())[:KNOWN_CLASSES])


def _server_log(variables: Mapping[str, str]) -> tuple[Path | None, str]:
    if variables.get("slow_query_log", variables.get("log_slow_query")) != "ON":
        return None, "the slow log is off"
    if "FILE" not in variables.get("log_output", "FILE"):
        return None, "the slow log goes into a table"
    path = Path(variables.get("datadir", "/")) / variables.get("slow_query_log_file", "")
    if variables.get("hostname") != socket.gethostname() or not path.is_file():
        return None, f"the slow log {path} is not on this host"
    return path, ""


def _read_log(path: Path, limit_bytes: int, cursor: Cursor) -> SlowStatements:
    part = read_log_part(path, limit_bytes, cursor.inode, cursor.end_bytes)
    return SlowStatements(
        SLOW_LOG,
        statements=tuple(parse_slow_log(part.text.splitlines())),
        path=str(path),
        cursor=Cursor(part.inode, part.end_bytes),
        is_cut=part.is_cut,
    )
