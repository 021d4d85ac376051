"""Which tables of the live database are damaged, found without doing more damage."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import CLIENT_ERROR_SERVER_GONE, execute, fetch_all
from .._mariadb.identifiers import quote_identifier
from .._mariadb.server import ServerFacts, read_server_facts
from .._system.progress import ProgressReporter

try:
    from pymysql.err import MySQLError
except ImportError:  # the module layer reports the missing library
    MySQLError = OSError  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    from pymysql.connections import Connection

OK, DAMAGED, NOT_CHECKED = "ok", "damaged", "not_checked"
# CHECK TABLE of these reads their own marks and indexes. On InnoDB it may end a server that meets a damaged page.
ENGINES_TO_CHECK = ("Aria", "MyISAM")
ERROR_STATEMENT_TIMEOUT = 1969
ERROR_LOG_TAIL_BYTES = 4 * 1024 * 1024
ERROR_LOG_LINES_SHOWN = 20
ERROR_LOG_LINE_LENGTH = 300
# Words of the server's messages about damage. Others are left out: a message about replication may quote a row.
DAMAGE = re.compile(
    r"corrupt|marked as crashed|is crashed|checksum mismatch|Incorrect information in file|doesn't exist in engine"
    r"|failed read of file|Tablespace is missing|tablespace .* not found|incorrect key file",
    re.IGNORECASE,
)
SEVERITY = re.compile(r"\[(ERROR|Warning)\]")
QUOTED_STATEMENT = re.compile(r"(Query|Statement)[ :(].*", re.DOTALL)


@dataclass(frozen=True)
class TableFinding:
    """What the look at one table found.

    Attributes:
        table: Its name.
        engine: Its storage engine; "" where the server cannot open it.
        outcome: ok, damaged or not_checked.
        text: What was seen, in the server's words where it has any.
    """

    table: str
    engine: str
    outcome: str
    text: str = ""


def assess_corruption(
    connection: Connection[Any],
    database: str,
    error_log_path: Path | None,
    reporter: ProgressReporter,
    table_timeout_seconds: float,
) -> dict[str, Any]:
    """Look at every table of a database, and at what the server's error log says of damage.

    MyISAM and Aria tables are asked with ``CHECK TABLE ... FAST QUICK``; all others are read to their end within a
    time limit, because ``CHECK TABLE`` of InnoDB may end a server that meets a damaged page. When the connection is
    lost while a table is read, the rest is left alone.

    Args:
        connection: An administrator's connection.
        database: The live database.
        error_log_path: The server's error log; None to ask the server where it is.
        reporter: Hears of each table.
        table_timeout_seconds: How long one table may be read.

    Returns:
        JSON values: ``scope``, ``database``, ``tables``, ``outcomes`` (their number by outcome), ``damaged``,
        ``not_checked``, ``error_log`` and ``summary``, sentences for people.
    """
    facts = read_server_facts(connection)
    tables = _tables(connection, database)
    reporter.start("assess corruption", total_items=len(tables))
    findings: list[TableFinding] = []
    for table, engine, comment in tables:
        reporter.update(done_items=len(findings), item_name=table)
        findings.append(_look_at(connection, database, table, engine, comment, table_timeout_seconds))
        if findings[-1].text.startswith(_LOST):
            rest = tables[len(findings) :]
            findings += [TableFinding(name, kind or "", NOT_CHECKED, _AFTER_LOSS) for name, kind, _comment in rest]
            break
    log = read_error_log(error_log_path or _error_log_of(connection, facts), facts, database)
    counted = Counter(finding.outcome for finding in findings)
    damaged = [asdict(finding) for finding in findings if finding.outcome == DAMAGED]
    return {
        "scope": "corruption",
        "database": database,
        "tables": len(tables),
        "outcomes": dict(counted),
        "damaged": damaged,
        "not_checked": [asdict(finding) for finding in findings if finding.outcome == NOT_CHECKED],
        "error_log": log,
        "summary": _summarise(database, len(tables), counted, damaged, log),
    }


_LOST = "The connection to the server was lost"
_AFTER_LOSS = "Left alone after the connection to the server was lost."


def _tables(connection: Connection[Any], database: str) -> list[tuple[str, str | None, str]]:
    rows = fetch_all(
        connection,
        "SELECT TABLE_NAME, ENGINE, TABLE_COMMENT FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE <> 'VIEW' ORDER BY TABLE_NAME",
        (database,),
    )
    return [(str(name), engine, str(comment or "")) for name, engine, comment in rows]


def _look_at(
    connection: Connection[Any], database: str, table: str, engine: str | None, comment: str, timeout_seconds: float
) -> TableFinding:
    if engine is None:
        return TableFinding(table, "", DAMAGED, f"The server cannot open it: {comment}")
    name = f"{quote_identifier(database)}.{quote_identifier(table)}"
    try:
        if engine in ENGINES_TO_CHECK:
            return _judge_check(table, engine, fetch_all(connection, f"CHECK TABLE {name} FAST QUICK"))
        execute(
            connection,
            f"SET STATEMENT max_statement_time = {timeout_seconds:f} FOR SELECT COUNT(*) FROM {name}",  # noqa: S608
        )
    except MySQLError as error:
        number, text = (*error.args, "")[:2] if error.args else (0, "")
        if number == ERROR_STATEMENT_TIMEOUT:
            return TableFinding(table, engine, NOT_CHECKED, f"Not read to its end within {timeout_seconds:g} seconds.")
        if number in CLIENT_ERROR_SERVER_GONE:
            return TableFinding(table, engine, DAMAGED, f"{_LOST} while it was read.")
        return TableFinding(table, engine, DAMAGED, f"{text} (error {number})")
    return TableFinding(table, engine, OK)


def _judge_check(table: str, engine: str, rows: Sequence[Sequence[Any]]) -> TableFinding:
    """Judge the answer of CHECK TABLE: rows of table, operation, kind of message, message; the last is the status."""
    if rows and str(rows[-1][2]) == "status" and str(rows[-1][3]) in ("OK", "Table is already up to date"):
        return TableFinding(table, engine, OK)
    return TableFinding(table, engine, DAMAGED, " ".join(str(row[3]) for row in rows))


def _error_log_of(connection: Connection[Any], facts: ServerFacts) -> Path | None:
    if facts.hostname != socket.gethostname():
        return None
    configured = fetch_all(connection, "SELECT @@log_error")[0][0]
    return Path(facts.datadir, configured) if configured else None


def read_error_log(path: Path | None, facts: ServerFacts, database: str) -> dict[str, Any]:
    """Return what the end of an error log says of damage: ``path``, ``readable``, ``lines`` and ``tables``.

    A statement that the server quotes is cut off, because it may hold a row.
    """
    if path is None:
        return {"path": None, "readable": False, "reason": f"Where {facts.hostname} has it is not known.", "lines": []}
    try:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - ERROR_LOG_TAIL_BYTES, 0))
            text = stream.read().decode(errors="replace")
    except OSError as error:
        return {"path": str(path), "readable": False, "reason": str(error.strerror), "lines": []}
    lines = damage_lines(text.splitlines())
    about_database = re.compile(rf"{re.escape(database)}[/.`]+(?:\./)?([^'`.\s]+)")
    return {
        "path": str(path),
        "readable": True,
        "count": len(lines),
        "lines": lines[-ERROR_LOG_LINES_SHOWN:],
        "tables": sorted({name for line in lines for name in about_database.findall(line)}),
    }


def damage_lines(lines: Iterable[str]) -> list[str]:
    """Return the server's messages that speak of damage, without quoted statements."""
    return [
        QUOTED_STATEMENT.sub("", line)[:ERROR_LOG_LINE_LENGTH].strip()
        for line in lines
        if SEVERITY.search(line) and DAMAGE.search(line)
    ]


def _summarise(
    database: str, table_count: int, counted: Counter[str], damaged: Sequence[dict[str, Any]], log: dict[str, Any]
) -> list[str]:
    if not table_count:
        return [f"The server has no tables in {database}; there is nothing left that could be damaged."]
    lines = [
        f"{counted[DAMAGED]} of {table_count} tables of {database} are damaged, {counted[OK]} could be read, "
        f"{counted[NOT_CHECKED]} were not looked at to the end."
    ]
    lines += [f"{finding['table']} ({finding['engine'] or 'unknown engine'}): {finding['text']}" for finding in damaged]
    if not log["readable"]:
        lines.append(f"The error log was not read: {log['reason']}")
    elif log["count"]:
        lines.append(f"The error log {log['path']} speaks of damage {log['count']} times, last: {log['lines'][-1]}")
    else:
        lines.append(f"The error log {log['path']} does not speak of damage.")
    return lines
