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
# CHECK TABLE ... QUICK of these compares their files and reads their indexes; FAST would pass over damage of tables
# that were closed properly. On InnoDB it may end a server that meets a damaged page.
ENGINES_TO_CHECK = ("Aria", "MyISAM")
ERROR_STATEMENT_TIMEOUT = 1969
LOST = "The connection to the server was lost while it was read."
AFTER_LOSS = "Left alone after the connection to the server was lost."
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

    MyISAM and Aria tables are asked with ``CHECK TABLE ... QUICK``; the rows of all others are read to their end
    within a time limit, because ``CHECK TABLE`` of InnoDB may end a server that meets a damaged page. When the
    connection is lost while a table is read, the rest is left alone.

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
    log = read_error_log(error_log_path or _error_log_of(connection, facts), facts, database)
    tables = _tables(connection, database)
    reporter.start("assess corruption", total_items=len(tables))
    findings: list[TableFinding] = []
    for table in tables:
        reporter.update(done_items=len(findings), item_name=table.name)
        findings.append(_look_at(connection, database, table, table_timeout_seconds))
        if findings[-1].text == LOST:
            rest = tables[len(findings) :]
            findings += [TableFinding(left.name, left.engine, NOT_CHECKED, AFTER_LOSS) for left in rest]
            break
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


@dataclass(frozen=True)
class Table:
    """A table as the server describes it; the engine is "" where it cannot open it, and the comment then says why."""

    name: str
    engine: str
    comment: str
    has_primary_key: bool


def _tables(connection: Connection[Any], database: str) -> list[Table]:
    rows = fetch_all(
        connection,
        "SELECT t.TABLE_NAME, t.ENGINE, t.TABLE_COMMENT, k.INDEX_NAME IS NOT NULL FROM information_schema.TABLES t"
        " LEFT JOIN information_schema.STATISTICS k ON k.TABLE_SCHEMA = t.TABLE_SCHEMA"
        " AND k.TABLE_NAME = t.TABLE_NAME AND k.INDEX_NAME = 'PRIMARY' AND k.SEQ_IN_INDEX = 1"
        " WHERE t.TABLE_SCHEMA = %s AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY t.TABLE_NAME",
        (database,),
    )
    return [Table(str(name), engine or "", str(comment or ""), bool(key)) for name, engine, comment, key in rows]


def _look_at(connection: Connection[Any], database: str, table: Table, timeout_seconds: float) -> TableFinding:
    if not table.engine:
        return TableFinding(table.name, "", DAMAGED, f"The server cannot open it: {table.comment}")
    name = f"{quote_identifier(database)}.{quote_identifier(table.name)}"
    try:
        if table.engine in ENGINES_TO_CHECK:
            return _judge_check(table, fetch_all(connection, f"CHECK TABLE {name} QUICK"))
        # The primary key of InnoDB holds the rows; the server would count by the smallest key, which does not.
        forced = " FORCE INDEX (PRIMARY)" if table.has_primary_key else ""
        execute(
            connection,
            f"SET STATEMENT max_statement_time = {timeout_seconds:f} FOR SELECT COUNT(*) FROM {name}{forced}",  # noqa: S608
        )
    except MySQLError as error:
        number, text = (*error.args, 0, "")[:2]
        if number == ERROR_STATEMENT_TIMEOUT:
            reason = f"Not read to its end within {timeout_seconds:g} seconds."
            return TableFinding(table.name, table.engine, NOT_CHECKED, reason)
        seen = LOST if number in CLIENT_ERROR_SERVER_GONE else f"{text} (error {number})"
        return TableFinding(table.name, table.engine, DAMAGED, seen)
    return TableFinding(table.name, table.engine, OK)


def _judge_check(table: Table, rows: Sequence[Sequence[Any]]) -> TableFinding:
    """Judge the answer of CHECK TABLE: rows of table, operation, kind of message, message; the last is the status."""
    if rows and str(rows[-1][2]) == "status" and str(rows[-1][3]) in ("OK", "Table is already up to date"):
        return TableFinding(table.name, table.engine, OK)
    return TableFinding(table.name, table.engine, DAMAGED, "; ".join(str(row[3]) for row in rows))


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
