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
    """End every connection of a user and wait until none is left; what one had not committed is undone.

    Logins that are under way count as well: lock the account first, then none can follow.

    Returns:
        How many connections were ended.

    Raises:
        LifeboatError: ``mariadb_statement_failed`` when one is still there after the timeout.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + timeout_seconds
    while True:
        rows = fetch_all(
            connection,
            "SELECT ID, USER FROM information_schema.PROCESSLIST WHERE USER IN (%s, 'unauthenticated user')",
            (user,),
        )
        own = [int(row[0]) for row in rows if row[1] == user]
        if not rows:
            return len(ended)
        for connection_id in own:
            if connection_id not in ended:
                _kill(connection, connection_id)
                ended.add(connection_id)
        if time.monotonic() > deadline:
            if not own:
                return len(ended)
            raise LifeboatError(
                f"Cannot end {len(own)} connections of {user} within {timeout_seconds:g} seconds. "
                "Look at them with SHOW PROCESSLIST, then run this again.",
                "mariadb_statement_failed",
                {"user": user, "connections": own},
            )
        time.sleep(0.005)


def _kill(connection: Connection[Any], connection_id: int) -> None:
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"KILL CONNECTION {connection_id}")
        except Exception as error:
            if error.args[:1] != (1094,):  # it ended by itself
                raise
