"""The fence around a database that is not live: nobody can log in to it, and nobody is left in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._mariadb.accounts import end_connections, lock_account, unlock_account
from .._mariadb.connection import server_errors

if TYPE_CHECKING:
    from pymysql.connections import Connection


def raise_fence(connection: Connection[Any], user: str) -> int:
    """Lock the account of a database, then end its connections; after that no write of it is acknowledged any more.

    Returns:
        How many connections were ended.
    """
    with server_errors(f"fence the database of {user}"):
        lock_account(connection, user)
        return end_connections(connection, user)


def lower_fence(connection: Connection[Any], user: str) -> None:
    """Let the account of a database log in again."""
    with server_errors(f"open the database of {user} again"):
        unlock_account(connection, user)
