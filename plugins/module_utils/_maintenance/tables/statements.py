"""Statistics, checks and repairs of single tables: statements that wait for nobody for long."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._mariadb.connection import execute, fetch_all
from ..._mariadb.identifiers import encode_file_name, quote_identifier
from ..._system.files import make_private_folder

if TYPE_CHECKING:
    from pymysql.connections import Connection

# How long a statement waits for a lock that somebody else has.
LOCK_WAIT_SECONDS = 5
# How long a check may hold up the writers of its table.
CHECK_SECONDS = 10
FINE = ("OK", "Table is already up to date")
# The files of MyISAM and of Aria.
FILE_SUFFIXES = (".frm", ".MYD", ".MYI", ".MAD", ".MAI")


def prepare_session(own: Connection[Any]) -> None:
    """Make a connection one that waits for nobody for long.

    Statistics that no engine keeps would need every row of a table, and make ANALYZE flush it.
    """
    execute(
        own,
        "SET SESSION lock_wait_timeout = %s, innodb_lock_wait_timeout = %s, use_stat_tables = 'preferably_for_queries'",
        (LOCK_WAIT_SECONDS, LOCK_WAIT_SECONDS),
    )


def analyze(own: Connection[Any], table: str) -> str:
    """Make the statistics of a table anew; returns what the server says, "" when it is done."""
    return _problem(fetch_all(own, f"ANALYZE LOCAL TABLE {quote_identifier(table)}"))


def check(own: Connection[Any], table: str) -> str:
    """Check a table that was not closed properly; returns what is wrong with it, "" for nothing."""
    statement = (
        f"SET STATEMENT max_statement_time = {CHECK_SECONDS} FOR CHECK TABLE {quote_identifier(table)} FAST QUICK"
    )
    return _problem(fetch_all(own, statement))


def repair(own: Connection[Any], table: str) -> str:
    """Repair a table that is marked as crashed; returns what is still wrong with it, "" for nothing."""
    return _problem(fetch_all(own, f"REPAIR LOCAL TABLE {quote_identifier(table)}")) or check(own, table)


def keep_files(datadir: Path, database: str, table: str, folder: Path) -> list[Path]:
    """Copy the files of a table that nobody can open, before it is repaired, and return the copies.

    Args:
        datadir: The data directory of the server.
        database: The database.
        table: The table.
        folder: Where the copies go; it is made.
    """
    make_private_folder(folder)
    place = datadir / encode_file_name(database)
    files = [place / f"{encode_file_name(table)}{suffix}" for suffix in FILE_SUFFIXES]
    return [Path(shutil.copy2(path, folder)) for path in files if path.is_file()]


def _problem(rows: list[tuple[Any, ...]]) -> str:
    """Return the last words of the server about a table, unless they say that all is well."""
    kind, text = rows[-1][2], str(rows[-1][3])
    return "" if kind == "status" and text in FINE else text
