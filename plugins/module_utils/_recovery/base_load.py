"""Loading a backup set into a private server: the base of a point in time, of a drill, of a proof."""

from __future__ import annotations

import os
from contextlib import closing

from .._mariadb.connection import connect, execute, server_errors
from .._mariadb.identifiers import quote_identifier
from .._mariadb.load_target import LoadResult, LoadTarget
from .._mariadb.private_server import PrivateServer
from .._mariadb.server import read_server_facts
from .._system.progress import ProgressReporter
from .database_source import DatabaseSource, Loadable
from .space import space_watch

CONNECTIONS_LIMIT = 8
# In the folder of the private server, so that what is unpacked there lies in the file system of its data.
SCRATCH_NAME = "base"
CREATE_DATABASE = "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"


def default_connections() -> int:
    """Return how many connections load where nothing else was asked for: one a core, eight at most."""
    return min(os.cpu_count() or 1, CONNECTIONS_LIMIT)


def load_base(
    server: PrivateServer, source: DatabaseSource, database: str, progress: ProgressReporter, reserve_bytes: int = 0
) -> LoadResult:
    """Create a database in a private server and load it; every table was counted, hence read to its end, afterwards.

    Args:
        server: A server that runs and in which the database does not exist.
        source: What to load; a physical set needs no proof first, since this server is the place of the proof.
        database: The name that it gets; a replay of binary logs needs the name that it had.
        progress: Told how far it is; raises when nobody listens any more.
        reserve_bytes: What must stay free where the private server lies.

    Raises:
        LifeboatError: What is wrong with the source; ``mariadb_lost`` when it killed the server; ``disk_space``.
    """
    with source.opened(server.folder / SCRATCH_NAME, progress) as loadable:
        return load_into(server, loadable, database, progress, reserve_bytes)


def load_into(
    server: PrivateServer, loadable: Loadable, database: str, progress: ProgressReporter, reserve_bytes: int = 0
) -> LoadResult:
    """Create a database in a private server and fill it from a source that is open already; see ``load_base``."""
    with closing(connect(server.login)) as connection, server_errors("prepare a private server"):
        execute(connection, CREATE_DATABASE.format(quote_identifier(database)))
        facts = read_server_facts(connection)
    target = LoadTarget(
        login=server.login,
        database=database,
        administrator=server.login,
        definer_host="localhost",
        connections=default_connections(),
        is_logged=False,
    )
    return loadable.load(target, facts, progress, space_watch(server.datadir, reserve_bytes))
