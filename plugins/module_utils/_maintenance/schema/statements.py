"""The statements that schema advice and quarantine consist of. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ..._mariadb.connection import LoginOptions
from ..._mariadb.identifiers import quote_identifier, quote_string

# A change of a table waits so long for those who use it, and is given up then: while it waits, everybody else waits
# behind it (the server's own limit is a day).
WAIT_SECONDS = 5


def altering(table: str, change: str) -> str:
    """Return the statement that changes a table, or gives up within seconds."""
    return f"ALTER TABLE {quote_identifier(table)} WAIT {WAIT_SECONDS} {change};"


def ignoring(table: str, index: str) -> str:
    """Return the statement that lets no query use an index any more; the index itself is still kept up to date."""
    return altering(table, f"ALTER INDEX {quote_identifier(index)} IGNORED")


def using(table: str, index: str) -> str:
    """Return the statement that lets queries use an ignored index again, at once."""
    return altering(table, f"ALTER INDEX {quote_identifier(index)} NOT IGNORED")


def dropping(table: str, index: str) -> str:
    """Return the statement that drops an index while everybody goes on reading and writing."""
    return altering(table, f"DROP INDEX {quote_identifier(index)}, ALGORITHM=NOCOPY, LOCK=NONE")


def creating(table: str, definition: str) -> str:
    """Return the statement that makes an index as it was, the way back from dropping it.

    Args:
        table: Its table.
        definition: How the table defined it.
    """
    return altering(table, f"ADD {definition}, ALGORITHM=NOCOPY, LOCK=NONE")


def deleting_orphans(table: str, type_column: str, name_column: str, doctype: str, parent_table: str | None) -> str:
    """Return the statement that deletes some rows of a table that point to a document that is gone.

    Args:
        table: The table with the rows.
        type_column: Its column with the name of a DocType.
        name_column: Its column with the name of a document.
        doctype: The DocType that is meant.
        parent_table: The table of that DocType; None where the DocType itself is gone.
    """
    condition = f"{quote_identifier(type_column)} = {quote_string(doctype)}"
    if parent_table is not None:
        name = f"{quote_identifier(table)}.{quote_identifier(name_column)}"
        parent = quote_identifier(parent_table)
        condition += f" AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.name = {name})"  # noqa: S608
    return f"DELETE FROM {quote_identifier(table)} WHERE {condition} LIMIT 5000;"  # noqa: S608


def dump_command(login: LoginOptions, database: str, tables: Iterable[str]) -> str:
    """Return the command that backs up exactly these tables; it asks for the password."""
    place = (
        [f"--socket={login.login_unix_socket}"]
        if login.login_unix_socket
        else [f"--host={login.login_host}", f"--port={login.login_port}"]
    )
    words = ["mariadb-dump", "--single-transaction", "--quick", *place, f"--user={login.login_user}", "--password"]
    return f"{shlex.join([*words, database, *tables])} | gzip > {shlex.quote(f'{database}-tables.sql.gz')}"
