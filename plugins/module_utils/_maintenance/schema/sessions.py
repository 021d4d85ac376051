"""Connections in the database of a site, with the site's own account: one that only reads, and one that alters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ..._bench.layout import Site
from ..._cleanup.site_database import site_login
from ..._mariadb.connection import connect, execute, server_errors
from ..._system.errors import LifeboatError
from .statements import WAIT_SECONDS

if TYPE_CHECKING:
    from pymysql.connections import Connection

# The server ends a statement that only reads after so long; the client gives up where the server hangs.
STATEMENT_SECONDS = 20
ANSWER_SECONDS = 30


@contextmanager
def reading_session(site: Site) -> Iterator[Connection[Any]]:
    """Yield a connection that can change nothing, and whose statements the server ends after seconds.

    Raises:
        LifeboatError: ``configuration_missing``, ``configuration_invalid``, ``mariadb_unreachable``,
            ``mariadb_access_denied``.
    """
    with _session(site) as connection:
        with server_errors(f"prepare a look at the database of {site.name}"):
            execute(connection, f"SET SESSION max_statement_time = {STATEMENT_SECONDS}")
            execute(connection, "SET SESSION TRANSACTION READ ONLY")
        yield connection


@contextmanager
def altering_session(site: Site) -> Iterator[Connection[Any]]:
    """Yield a connection for statements that change tables; raises as ``reading_session`` does."""
    with _session(site) as connection:
        yield connection


@contextmanager
def _session(site: Site) -> Iterator[Connection[Any]]:
    address, login = site_login(site)
    try:
        connection = connect(login, address.db_name, read_timeout=ANSWER_SECONDS)
    except LifeboatError as error:
        if error.error_code != "mariadb_access_denied":
            raise
        raise LifeboatError(
            f"Cannot look at the schema of {site.name}: MariaDB at {login.address} refuses the account of its "
            "site_config.json. Correct db_user and db_password there. Nothing was changed in it.",
            error.error_code,
            error.details,
        ) from None
    with closing(connection):
        with server_errors(f"prepare a connection to the database of {site.name}"):
            # Whoever waits for a table that somebody alters keeps others waiting, also to read what it is like.
            execute(connection, f"SET SESSION lock_wait_timeout = {WAIT_SECONDS}")
        yield connection
