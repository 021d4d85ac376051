"""What is read of a MariaDB server by ``databases``."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts import databases

from tests.unit.plugins.module_utils._facts.fakes import FakeServer

VARIABLES = {
    "version": "10.11.6-MariaDB-log",
    "hostname": "db1",
    "port": "3306",
    "datadir": "/var/lib/mysql/",
    "innodb_flush_log_at_trx_commit": "2",
    "long_query_time": "1.500000",
    "sql_mode": "A,B",
    "secret_of_a_plugin": "x",
}
PRIVILEGES = [("'root'@'localhost'", f"PRIVILEGE {number}") for number in range(30)]
PRIVILEGES += [("'_a'@'localhost'", "USAGE"), ("'backup'@'%'", "RELOAD"), ("'backup'@'%'", "PROCESS")]


def server() -> FakeServer:
    return FakeServer(
        VARIABLES,
        {
            "USER_PRIVILEGES": PRIVILEGES,
            "SCHEMA_PRIVILEGES": [("'_a'@'localhost'", "\\_a"), ("'_a'@'localhost'", "\\_a")],
            "INNODB_SYS_TABLESPACES": [("_a", 4096), ("mysql", 1), ("other", 2)],
        },
    )


def test_version() -> None:
    (found,) = databases.database_software(server())
    assert (found["version"], found["series"], found["end_of_life"]) == ("10.11.6", "10.11", "2028-02-16")


def test_settings_are_compared_within_a_series_and_once_a_server() -> None:
    (found,) = databases.database_values(server())
    assert (found["kind"], found["identity"]) == ("MariaDB 10.11", "db1:3306:/var/lib/mysql/")
    assert found["values"] == {"innodb_flush_log_at_trx_commit": 2, "long_query_time": 1.5, "sql_mode": "A,B"}


def test_an_unknown_series_is_compared_with_itself() -> None:
    (found,) = databases.database_values(FakeServer({**VARIABLES, "version": "99.1.2"}, {}))
    assert found["kind"] == "MariaDB 99.1.2"


def test_accounts_and_what_they_may_do() -> None:
    (found,) = databases.database_facts(server())
    assert found["accounts"] == [
        {"account": "_a@localhost", "global_privileges": [], "databases": ["_a"]},
        {"account": "backup@%", "global_privileges": ["PROCESS", "RELOAD"], "databases": []},
        {"account": "root@localhost", "global_privileges": ["ALL"], "databases": []},
    ]


def test_sizes_name_the_site() -> None:
    assert databases.database_sizes(server()) == [
        {"server": "127.0.0.1:3306", "name": "_a", "site": "erp.example.com", "bytes": 4096},
        {"server": "127.0.0.1:3306", "name": "other", "site": "", "bytes": 2},
    ]


def test_sizes_need_a_privilege() -> None:
    with pytest.raises(UnmeasurableError):
        databases.database_sizes(FakeServer(VARIABLES, {}))
