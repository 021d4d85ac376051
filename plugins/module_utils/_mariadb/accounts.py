"""Accounts: creating one for one database, and fencing a database off by locking its accounts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .._system.errors import LifeboatError
from .connection import execute, fetch_all
from .identifiers import quote_grant_pattern, quote_string

if TYPE_CHECKING:
    from pymysql.connections import Connection

DISCONNECT_TIMEOUT_SECONDS = 10.0
# A login takes milliseconds once the server has the client's answer.
LOGIN_TIMEOUT_SECONDS = 0.5
POLL_SECONDS = 0.005
LOGIN_UNDER_WAY = "unauthenticated user"


def account_hosts(connection: Connection[Any], user: str) -> list[str]:
    """Return the host parts under which a user exists, sorted."""
    return sorted(str(row[0]) for row in fetch_all(connection, "SELECT Host FROM mysql.user WHERE User = %s", (user,)))


def create_account(connection: Connection[Any], user: str, hosts: list[str], password: str, database: str) -> None:
    """Create an account that reaches one database and nothing else, or give an existing one this password."""
    for host in hosts:
        account = f"{quote_string(user)}@{quote_string(host)}"
        execute(connection, f"CREATE OR REPLACE USER {account} IDENTIFIED BY {quote_string(password)}")
        execute(connection, f"GRANT ALL PRIVILEGES ON {quote_grant_pattern(database)}.* TO {account}")


def drop_account(connection: Connection[Any], user: str) -> None:
    """Drop a user under every host part; nothing happens when there is none."""
    for host in account_hosts(connection, user):
        drop_account_at(connection, user, host)


def drop_account_at(connection: Connection[Any], user: str, host: str) -> None:
    """Drop a user under one host part."""
    execute(connection, f"DROP USER IF EXISTS {quote_string(user)}@{quote_string(host)}")


def lock_account(connection: Connection[Any], user: str) -> None:
    """Refuse every further login of a user."""
    for host in account_hosts(connection, user):
        execute(connection, f"ALTER USER {quote_string(user)}@{quote_string(host)} ACCOUNT LOCK")


def unlock_account(connection: Connection[Any], user: str) -> None:
    """Allow a user to log in again."""
    for host in account_hosts(connection, user):
        execute(connection, f"ALTER USER {quote_string(user)}@{quote_string(host)} ACCOUNT UNLOCK")


def end_connections(connection: Connection[Any], user: str, timeout_seconds: float = DISCONNECT_TIMEOUT_SECONDS) -> int:
    """End every connection of a user and wait until none can write any more; what one had not committed is undone.

    Lock the account first, then no login can follow. Logins that were under way at that moment are waited for, since
    one may have passed the check of the account just before; one that does not get on is ended (it is a client that
    connected and sends nothing). An ended connection that still rolls its transaction back cannot write any more.

    Returns:
        How many connections of the user were ended.

    Raises:
        LifeboatError: ``mariadb_statement_failed`` when one is still there after the timeout.
    """
    ended: set[int] = set()
    started = time.monotonic()
    logins = _connection_ids(connection, LOGIN_UNDER_WAY)
    while True:
        logins &= _connection_ids(connection, LOGIN_UNDER_WAY)
        own = _connection_ids(connection, user)
        remaining = own - (ended & _rolling_back(connection)) if own else own
        if not logins and not remaining:
            return len(ended)
        waited_seconds = time.monotonic() - started
        stuck_logins = logins if waited_seconds > LOGIN_TIMEOUT_SECONDS else set()
        for connection_id in (remaining - ended) | stuck_logins:
            _kill(connection, connection_id)
        ended |= remaining
        if waited_seconds > timeout_seconds:
            raise LifeboatError(
                f"Cannot end {len(remaining)} connections of {user} within {timeout_seconds:g} seconds. "
                "Look at them with SHOW PROCESSLIST, then run this again.",
                "mariadb_statement_failed",
                {"user": user, "connections": sorted(remaining)},
            )
        time.sleep(POLL_SECONDS)


def end_connections_to(connection: Connection[Any], database: str, user: str | None = None) -> int:
    """End the connections that use a database now, of one user or of all; new ones may follow at once.

    Returns:
        How many connections were ended.
    """
    rows = fetch_all(
        connection,
        "SELECT ID FROM information_schema.PROCESSLIST"
        " WHERE DB = %s AND USER = COALESCE(%s, USER) AND ID <> CONNECTION_ID()",
        (database, user),
    )
    for row in rows:
        _kill(connection, int(row[0]))
    return len(rows)


def _connection_ids(connection: Connection[Any], user: str) -> set[int]:
    rows = fetch_all(
        connection,
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s AND ID <> CONNECTION_ID()",
        (user,),
    )
    return {int(row[0]) for row in rows}


def _rolling_back(connection: Connection[Any]) -> set[int]:
    rows = fetch_all(
        connection, "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_state = 'ROLLING BACK'"
    )
    return {int(row[0]) for row in rows}


def _kill(connection: Connection[Any], connection_id: int) -> None:
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"KILL CONNECTION {connection_id}")
        except Exception as error:
            if error.args[:1] != (1094,):  # it ended by itself
                raise
