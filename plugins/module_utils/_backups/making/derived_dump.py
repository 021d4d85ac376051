"""The dump of tables that were copied as files: made from a server of our own, so it is of exactly their moment.

That server imports and reads every table, which proves the files, and the live server does none of the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Callable

from ..._bench.layout import Bench
from ..._mariadb.dump_command import dump_database
from ..._mariadb.private_server import PrivateServer
from ..._mariadb.tablespaces.copy import DatabaseCopy
from ..._mariadb.tablespaces.tablespace_set import TablespaceSet
from ..._system.progress import ProgressReporter
from ..._system.times import parse_rfc3339
from .logical_part import write_dump
from .set_writer import SetWriter

FOLDER_NAME = "private"
# Imports tables into a new database of a server, reads every row, and returns the rows of each table.
TablespaceImporter = Callable[[PrivateServer, TablespaceSet, str, ProgressReporter], Mapping[str, int]]


@contextmanager
def private_server(writer: SetWriter, tablespaces: TablespaceSet) -> Iterator[PrivateServer]:
    """Yield a server that can take the tables; it lies in the folder of the set and is gone at the end."""
    settings = {"innodb_page_size": tablespaces.page_size_bytes}
    with PrivateServer(writer.folder / FOLDER_NAME, settings) as server:
        yield server


def dump_imported_tables(
    writer: SetWriter, bench: Bench, server: PrivateServer, copy: DatabaseCopy, on_read: Callable[[int], None]
) -> None:
    """Write the dump of the tables that a private server has imported.

    Args:
        writer: The set.
        bench: Whose version of Frappe the header names.
        server: It has them in a database of the name that they come from.
        copy: Says of which moment they are.
        on_read: Is told the bytes of each part of the dump.
    """
    began_at = int(parse_rfc3339(copy.recovery_point).timestamp())
    with dump_database(server.login, copy.tablespaces.database, with_position=False) as dump:
        write_dump(writer, bench, dump, began_at, on_read)
