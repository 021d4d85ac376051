"""The database that an archived site left on its server: whether it is there, and dropping it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._bench.configuration import DatabaseAddress, database_address, read_configuration
from .._bench.layout import Bench
from .._mariadb.accounts import drop_account
from .._mariadb.connection import LoginOptions, execute, fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._recovery.login import complete_login, usual_sockets
from .._recovery.staging_database import administrator
from .._system.errors import LifeboatError
from .site_database import why_no_writes

if TYPE_CHECKING:
    from pymysql.connections import Connection

SYSTEM_SCHEMAS = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
SYSTEM_ACCOUNTS = frozenset({"root", "mysql", "mariadb.sys"})


def database_bytes(bench: Bench, address: DatabaseAddress) -> int | None:
    """Return the size of a database; None where it is not there.

    Raises:
        LifeboatError: ``mariadb_unreachable``, ``mariadb_access_denied`` or ``mariadb_statement_failed``.
    """
    with administrator(_login(bench, address)) as connection, server_errors(f"look for the database {address.db_name}"):
        return _size(connection, address.db_name)


def drop_database(bench: Bench, benches: Iterable[Bench], address: DatabaseAddress) -> None:
    """Drop the database of an archived site and its account, which no live site may name.

    Args:
        bench: The bench of the archived site, whose administrator does it.
        benches: All benches of the host.
        address: What the archived site's configuration names.

    Raises:
        LifeboatError: ``archive_unproven`` when something else may need it; errors of the server.
    """
    names = {address.db_name, address.db_user}
    if address.db_name in SYSTEM_SCHEMAS or address.db_user in SYSTEM_ACCOUNTS:
        raise _refused(address, "it is none of a site")
    for one in benches:
        for site in one.sites():
            live = database_address(read_configuration(site.config_path), read_configuration(one.common_config_path))
            if names & {live.db_name, live.db_user}:
                raise _refused(address, f"the live site {site.name} of {one.path} names it as well")
    with administrator(_login(bench, address)) as connection, server_errors(f"drop the database {address.db_name}"):
        state = why_no_writes(connection)
        if state:
            raise _refused(address, f"its server {state}")
        if _size(connection, address.db_name) is None:
            return
        used = fetch_all(
            connection,
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = %s OR USER = %s",
            (address.db_name, address.db_user),
        )
        if used[0][0]:
            raise _refused(address, "somebody is connected to it")
        execute(connection, f"DROP DATABASE {quote_identifier(address.db_name)}")
        drop_account(connection, address.db_user)


def _size(connection: Connection[Any], database: str) -> int | None:
    known = fetch_all(connection, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,))
    if not known:
        return None
    ((size,),) = fetch_all(
        connection,
        "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
        (database,),
    )
    return int(size)


def _login(bench: Bench, address: DatabaseAddress) -> LoginOptions:
    """Return the login of the bench's administrator at the server of the archived site."""
    common: dict[str, Any] = {}
    with suppress(LifeboatError):
        common = dict(read_configuration(bench.common_config_path))
    own = {"db_host": address.host, "db_port": address.port, "db_socket": address.socket}
    return complete_login(LoginOptions(), common, own, usual_sockets())


def _refused(address: DatabaseAddress, why: str) -> LifeboatError:
    return LifeboatError(
        f"Refused to drop the database {address.db_name} of an archived site: {why}. Nothing was dropped. Look at it, "
        "or leave drop_database off.",
        "archive_unproven",
    )
