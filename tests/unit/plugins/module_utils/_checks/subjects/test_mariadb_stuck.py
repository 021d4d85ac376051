"""Statements that do not get on, and who holds them up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server_doubles import ServerDouble, look

LOCK = "Waiting for table metadata lock"
WAITING = (7, "erp", "_erp", "Query", 45.0, LOCK)
HOLDER = (9, "erp", "_erp", "Sleep", 60.0, "")
TRANSACTIONS = "INNODB_TRX"


def server(*threads: tuple[Any, ...], process: bool = True, uptime: float = 100_000, **changes: Any) -> ServerDouble:
    answers = {
        "USER_PRIVILEGES": [(1,)] if process else [],
        "FROM information_schema.PROCESSLIST": list(threads),
        "PLUGINS": [],
        TRANSACTIONS: [],
        **changes.pop("answers", {}),
    }
    return ServerDouble(counters={"Uptime": uptime}, answers=answers, **changes)


def test_server_on_which_nothing_waits_is_ok() -> None:
    finding = look("D06", server(HOLDER))[""]

    assert (finding.severity, finding.text) == ("ok", "no statement waits")


def test_account_without_the_privilege_sees_nothing() -> None:
    assert look("D06", server(process=False))[""].severity == "unknown"


def test_plugin_names_the_holder() -> None:
    answers = {"METADATA_LOCK_INFO held": [(9, "_erp", "tabItem"), (3, "_other", "tabItem")], "PLUGINS": [(1,)]}
    finding = look("D06", server(HOLDER, WAITING, answers=answers))[""]

    assert (finding.severity, finding.value) == ("warning", 45)
    assert finding.text == (
        "1 statement waiting; blocked by connection 9 on tabItem (erp.example.com, Sleep for 1 min)"
    )
    assert finding.evidence[1] == f"connection 7 of erp.example.com waits for 45 s: {LOCK}"


def test_performance_schema_names_the_holder() -> None:
    answers = {"performance_schema.metadata_locks": [(9, "_erp", "tabItem")]}
    finding = look("D06", server(HOLDER, WAITING, answers=answers, variables={"performance_schema": "ON"}))[""]

    assert finding.evidence[0].startswith("blocked by connection 9 on tabItem ")


@pytest.mark.parametrize(
    ("rows", "seen"),
    [([(9,)], "perhaps blocked by connection 9 (erp.example.com, "), ([], "1 statement waiting")],
    ids=["a-transaction", "none"],
)
def test_older_transaction_is_suspected(rows: list[tuple[int]], seen: str) -> None:
    finding = look("D06", server(HOLDER, WAITING, answers={TRANSACTIONS: rows}))[""]

    assert seen in finding.text


def test_other_waiter_is_no_blocker() -> None:
    second = (8, "erp", "_erp", "Query", 30.0, LOCK)
    finding = look("D06", server(WAITING, second, answers={TRANSACTIONS: [(8,)]}))[""]

    assert finding.text == "2 statements waiting"


@pytest.mark.parametrize(
    ("count", "uptime", "severity"), [(1, 100_000, "warning"), (30, 100_000, "critical"), (30, 60, "ok")]
)
def test_statements_that_neither_open_nor_end(count: int, uptime: float, severity: str) -> None:
    opening = (7, "erp", "", "Query", 400.0, "Opening tables")
    finding = look("D06", server(*[opening] * count, uptime=uptime))[""]

    assert finding.severity == severity


def test_thread_without_a_database_is_named_by_its_user() -> None:
    killed = (7, "backup", "", "Killed", 400.0, "Reset for next command")
    finding = look("D06", server(killed))[""]

    assert finding.evidence == ("connection 7 of backup waits for 6 min 40 s: Reset for next command",)
