"""``live``: which privileges are enough, by the server's version. Setting is for a real server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.live import require_privileges
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.grants import global_privileges
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

NAMES = ("max_connections", "sync_binlog", "tmp_table_size")


class ConnectionDouble:
    """A connection of one account, by what ``SHOW GRANTS`` says of it."""

    def __init__(self, grants: str) -> None:
        self._rows: list[tuple[str]] = []
        self._grants = grants

    def cursor(self) -> ConnectionDouble:
        """Return the cursor, which is this."""
        return self

    def __enter__(self) -> ConnectionDouble:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, statement: str, _arguments: object) -> None:
        """Take one of the two statements."""
        self._rows = [(self._grants,)] if statement == "SHOW GRANTS" else [("ad@min@10.0.0.%",)]

    def fetchall(self) -> list[tuple[str]]:
        """Return its row."""
        return self._rows


def connection(privileges: str) -> Any:
    return ConnectionDouble(f"GRANT {privileges} ON *.* TO `ad@min`@`10.0.0.%`")


@pytest.mark.parametrize(
    ("version", "privileges"),
    [
        ("10.6.12-MariaDB", "ALL PRIVILEGES"),
        ("10.6.12-MariaDB", "SELECT, SUPER"),
        ("11.4.2-MariaDB", "ALL PRIVILEGES"),
        ("11.4.2-MariaDB", "SUPER, CONNECTION ADMIN, BINLOG ADMIN"),
    ],
)
def test_enough_privileges(version: str, privileges: str) -> None:
    require_privileges(connection(privileges), version, NAMES)


@pytest.mark.parametrize(
    ("version", "privileges", "grant"),
    [
        ("11.0.1-MariaDB", "SUPER", "GRANT BINLOG ADMIN, CONNECTION ADMIN ON *.* TO 'ad@min'@'10.0.0.%'"),
        ("10.11.19-MariaDB", "CONNECTION ADMIN", "GRANT BINLOG ADMIN, SUPER ON *.* TO 'ad@min'@'10.0.0.%'"),
    ],
)
def test_missing_privileges_are_named_with_their_grant(version: str, privileges: str, grant: str) -> None:
    with pytest.raises(LifeboatError) as refused:
        require_privileges(connection(privileges), version, NAMES)
    assert refused.value.error_code == "mariadb_access_denied"
    assert grant in refused.value.message


def test_privileges_of_one_database_are_not_those_of_the_server() -> None:
    lines = ["GRANT SUPER ON *.* TO `a`@`b`", "GRANT ALL PRIVILEGES ON `x`.* TO `a`@`b`", "GRANT `role` TO `a`@`b`"]
    assert global_privileges(lines) == {"SUPER"}
