"""A database server as checks see it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions

NOW_SECONDS = 5000.0


class Answers(DatabaseServer):
    """A server that answers from a table of statements."""

    def __init__(
        self, answers: dict[str, list[tuple[Any, ...]]], *logins: LoginOptions, sites: dict[str, str] | None = None
    ) -> None:
        super().__init__("db", Surroundings(now=lambda: NOW_SECONDS), logins or [LoginOptions()], sites or {})
        self.answers = answers
        self.asked: list[str] = []

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        del arguments
        self.asked.append(statement)
        return next(rows for part, rows in self.answers.items() if part in statement)


def test_variables_are_read_once_in_lower_case() -> None:
    server = Answers({"VARIABLES": [("Log_Bin", "ON"), ("port", 3306), ("version", "10.11.19-MariaDB")]})

    assert server.variables == {"log_bin": "ON", "port": "3306", "version": "10.11.19-MariaDB"}
    assert (server.is_on("log_bin"), server.is_on("port"), server.is_on("missing")) == (True, False, False)
    assert server.number("port") == 3306
    for name in ("version", "missing"):
        with pytest.raises(UnmeasurableError, match=f"no number {name}"):
            server.number(name)
    assert len(server.asked) == 1


def test_sample_holds_the_counters_that_are_numbers() -> None:
    server = Answers({"STATUS": [("Uptime", "1000"), ("Threads_connected", "3"), ("Rpl_status", "AUTH_MASTER")]})
    with pytest.raises(UnmeasurableError):
        assert server.status

    server.samples = [server.read_sample()]

    assert server.status == {"Uptime": 1000, "Threads_connected": 3}
    assert server.counter("Threads_connected") == 3
    with pytest.raises(UnmeasurableError, match="no counter Rpl_status"):
        server.counter("Rpl_status")
    assert (server.samples[0].at_seconds, server.samples[0].started_at_seconds) == (5000, 4000)
    assert server.recent_increase("Threads_connected") is None


@pytest.mark.parametrize(
    ("logins", "is_local"),
    [
        ([LoginOptions(), LoginOptions(login_host="127.0.0.1")], True),
        ([LoginOptions(login_host="db.example.com", login_unix_socket="/run/mysqld.sock")], True),
        ([LoginOptions(login_host="db.example.com")], False),
    ],
)
def test_server_is_local_where_it_is_reached_so(logins: list[LoginOptions], is_local: bool) -> None:
    server = Answers({}, *logins)

    assert server.is_local is is_local
    if is_local:
        server.require_local()
    else:
        with pytest.raises(UnmeasurableError, match="another host"):
            server.require_local()


def test_privilege_to_see_all_threads_is_required() -> None:
    Answers({"USER_PRIVILEGES": [(1,)]}).require_view_of_all_threads()
    with pytest.raises(UnmeasurableError, match="its own threads alone"):
        Answers({"USER_PRIVILEGES": []}).require_view_of_all_threads()


def test_databases_are_those_of_the_sites() -> None:
    server = Answers({}, sites={"_erp": "erp.example.com"})

    assert server.schemas == server.database_names == ("_erp",)
    assert (server.label("_erp"), server.label("other")) == ("erp.example.com", "other")


def test_databases_of_a_server_without_sites_are_all_but_its_own() -> None:
    server = Answers({"SHOW DATABASES": [("mysql",), ("_a",), ("sys",)]})

    assert server.schemas == ("_a",)


def test_server_that_does_not_answer_says_why() -> None:
    server = DatabaseServer("db", Surroundings(), [], {})

    with pytest.raises(UnmeasurableError, match="no account is known"):
        server.query("SELECT 1")
    server.close()
