"""Accounts of the database server that should not be so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.check_runs import run_one
from tests.mariadb_answers import AnsweringServer

PASSWORD = {"plugin": "mysql_native_password", "authentication_string": "*A"}
SUPER = {"access": 1 << 15}


def look(user: str, host: str, privileges: dict[str, Any]) -> tuple[str, list[str]]:
    """Return how severe an account is, and what is said of it."""
    row = (user, host, json.dumps(privileges))
    (found,) = run_one("S01", AnsweringServer({"global_priv": [row]}))
    return found.severity, list(found.evidence)


@pytest.mark.parametrize(
    ("user", "host", "privileges"),
    [
        ("_erp", "localhost", PASSWORD),
        ("root", "localhost", {**PASSWORD, **SUPER}),
        ("root", "localhost", {"plugin": "unix_socket"}),
        ("root", "localhost", {**PASSWORD, "auth_or": [{}, {"plugin": "unix_socket"}]}),
        ("mariadb.sys", "localhost", {}),
        ("old", "%", {"account_locked": True}),
        ("readers", "", {"is_role": True}),
    ],
)
def test_accounts_that_may_be_so(user: str, host: str, privileges: dict[str, Any]) -> None:
    assert look(user, host, privileges) == ("ok", [])


@pytest.mark.parametrize(
    ("user", "host", "privileges", "severity", "text"),
    [
        ("", "localhost", PASSWORD, "critical", "anonymous@localhost lets anybody in"),
        ("_erp", "localhost", {}, "critical", "_erp@localhost has no password"),
        ("_erp", "localhost", {"auth_or": [{"plugin": "ed25519"}]}, "critical", "_erp@localhost has no password"),
        ("root", "%", {**PASSWORD, **SUPER}, "critical", "root@% administers the server from another host"),
        ("root", "app1", {**PASSWORD, **SUPER}, "warning", "root@app1 administers the server from another host"),
        ("_erp", "%", PASSWORD, "warning", "_erp@% may come from every host"),
    ],
)
def test_accounts_that_should_not_be_so(
    user: str, host: str, privileges: dict[str, Any], severity: str, text: str
) -> None:
    assert look(user, host, privileges) == (severity, [text])
