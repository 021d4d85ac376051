"""Taking the tables of a database out of a private server, as files."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..connection import connect, execute, server_errors
from ..identifiers import quote_identifier
from ..private_server import PrivateServer
from ..server import read_server_facts
from .gathering import gather_tablespaces
from .schema import Schema, database_directory, read_schema
from .support import check_support
from .tablespace_set import INNODB, TablespaceSet


def export_database(server: PrivateServer, database: str, folder: Path) -> TablespaceSet:
    """Take the tables of a database out of a private server, which this ends: its files are moved, not copied.

    Args:
        server: A private server that nobody else uses any more. It is killed while all tables are flushed and locked:
            only so do their files stay as they are, and need not be copied.
        database: The database.
        folder: Where the files go; best on the file system of the server's folder, else they are copied.

    Raises:
        LifeboatError: ``physical_unsupported``; ``copy_failed`` when a file is not there; what the server refused.
    """
    with contextlib.closing(connect(server.login, database)) as connection, server_errors(f"export {database}"):
        facts = read_server_facts(connection)
        directory = database_directory(connection, database)
        schema = read_schema(connection, database)
        check_support(database, schema, ())
        # One without transactions is closed by this; a lock would open it again, and its files would say so.
        for others in _named(schema, innodb=False):
            execute(connection, f"FLUSH TABLES {others}")
        for tables in _named(schema, innodb=True):
            execute(connection, f"FLUSH TABLES {tables} FOR EXPORT")
        server.kill()
    return gather_tablespaces(server.datadir / directory, folder, database, schema, facts)


def _named(schema: Schema, *, innodb: bool) -> list[str]:
    """Return the list of all tables of InnoDB, or of all others, for one statement; nothing where there are none."""
    names = [quote_identifier(table.name) for table in schema.tables if (table.engine == INNODB) is innodb]
    return [", ".join(names)] if names else []
