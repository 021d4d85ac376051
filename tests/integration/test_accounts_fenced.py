"""Ending connections on a real server: idle, in a big transaction, and logins that do not get on."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import accounts
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import (
    account_hosts,
    create_account,
    drop_account,
    end_connections,
    end_connections_to,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.fence import lower_fence, raise_fence
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer
from tests.lab.processes import wait_until


@pytest.fixture
def administrator(mariadb_server: MariaDBServer) -> Iterator[Any]:
    with closing(connect(mariadb_server.login)) as connection:
        yield connection


@pytest.fixture
def login(mariadb_server: MariaDBServer, administrator: Any, database: str) -> Iterator[LoginOptions]:
    """The account of an empty database, known under two hosts."""
    password = secrets.token_hex(8)
    create_account(administrator, database, ["127.0.0.1", "localhost"], password, database)
    execute(administrator, f"CREATE TABLE `{database}`.rows_of_it (text TEXT)")
    yield mariadb_server.login.with_account(database, password)
    drop_account(administrator, database)
    assert account_hosts(administrator, database) == []


def test_fence_ends_what_is_there_and_lets_nothing_in(administrator: Any, login: LoginOptions, database: str) -> None:
    with closing(connect(login, database)), closing(connect(login, database, autocommit=False)) as open_transaction:
        execute(open_transaction, "INSERT INTO rows_of_it SELECT REPEAT('x', 200) FROM seq_1_to_100000")
        assert raise_fence(administrator, database) == 2
    with pytest.raises(LifeboatError) as refused:
        connect(login, database)
    assert refused.value.error_code == "mariadb_access_denied"
    wait_until(lambda: not accounts._connection_ids(administrator, database), "the end of what was undone")
    assert raise_fence(administrator, database) == 0
    lower_fence(administrator, database)
    with closing(connect(login, database)) as connection:
        assert fetch_all(connection, "SELECT COUNT(*) FROM rows_of_it") == [(0,)]


def test_client_that_connects_and_says_nothing_does_not_hold_the_fence_up(
    administrator: Any, login: LoginOptions, database: str
) -> None:
    with socket.create_connection((login.login_host, login.login_port)) as silent:
        assert silent.recv(1)
        assert raise_fence(administrator, database) == 0
        while silent.recv(4096):
            pass  # the server ended it


def test_connection_that_does_not_end_is_an_error(
    administrator: Any, login: LoginOptions, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_kill", lambda *_: None)
    with closing(connect(login, database)), pytest.raises(LifeboatError) as error:
        end_connections(administrator, database, timeout_seconds=0.05)
    assert error.value.error_code == "mariadb_statement_failed"
    assert len(error.value.details["connections"]) == 1


def test_connections_to_a_database_are_ended_for_one_user_or_for_all(
    mariadb_server: MariaDBServer, administrator: Any, login: LoginOptions, database: str
) -> None:
    with closing(connect(login, database)), closing(connect(mariadb_server.login, database)):
        assert end_connections_to(administrator, database, database) == 1
    with closing(connect(login, database)), closing(connect(mariadb_server.login, database)):
        assert end_connections_to(administrator, database) >= 2


def test_connection_that_ended_by_itself_is_no_error(administrator: Any) -> None:
    accounts._kill(administrator, 2**31)
