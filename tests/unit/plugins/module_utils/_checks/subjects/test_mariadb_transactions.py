"""Transactions that stay open, what they leave behind, and deadlocks."""

from __future__ import annotations

import pytest

from tests.server_doubles import ServerDouble, look

HISTORY = "Innodb_history_list_length"


def test_no_open_transaction_is_ok() -> None:
    finding = look("D07", ServerDouble(answers={"INNODB_TRX": []}))[""]

    assert (finding.severity, finding.text) == ("ok", "no transaction is open")


@pytest.mark.parametrize(("seconds", "severity"), [(600, "ok"), (601, "warning"), (3601, "critical")])
def test_open_transactions_are_named(seconds: int, severity: str) -> None:
    rows = [
        (seconds, 5, 1, 2000, "erp", "_erp", "Sleep", 590),
        (30, 6, 0, 0, "root", "", "Query", 30),
        (20, 0, 3, 1, "", "", "", 0),
    ]
    finding = look("D07", ServerDouble(answers={"INNODB_TRX": rows}))[""]

    assert (finding.severity, finding.value) == (severity, seconds)
    assert finding.text.startswith("connection 5 of erp.example.com: open for ")
    assert finding.text.endswith("1 row locked, 2,000 changed, idle for 9 min 50 s")
    assert finding.evidence[0] == "connection 6 of root: open for 30 s, 0 rows locked, 0 changed, running a statement"
    assert finding.evidence[1].startswith("connection 0 of a prepared transaction: ")


def test_account_that_may_not_see_transactions_is_unknown() -> None:
    finding = look("D07", ServerDouble(answers={"INNODB_TRX": "MariaDB refused it with error 1227"}))[""]

    assert (finding.severity, finding.text) == ("unknown", "MariaDB refused it with error 1227")


@pytest.mark.parametrize(
    ("length", "growth", "severity", "course"),
    [
        (50_000, 5, "ok", "rising"),
        (50_001, 5, "warning", "rising"),
        (100_001, 0, "critical", "steady"),
        (100_001, -5, "warning", "falling"),
        (100, -5, "ok", "falling"),
    ],
)
def test_history(length: float, growth: float, severity: str, course: str) -> None:
    finding = look("D08", ServerDouble(counters={HISTORY: length}, growth={HISTORY: growth}))[""]

    assert (finding.severity, finding.value) == (severity, length)
    assert finding.text.endswith(course)


@pytest.mark.parametrize(
    ("deadlocks", "seconds", "severity", "per_hour"),
    [(5, 60, "ok", 5), (6, 60, "warning", 6), (12, 7200, "warning", 6), (61, 1, "critical", 61)],
)
def test_deadlocks(deadlocks: float, seconds: float, severity: str, per_hour: float) -> None:
    growth = {"Innodb_deadlocks": deadlocks, "Innodb_row_lock_waits": 4, "Innodb_row_lock_time": 100}
    finding = look("D09", ServerDouble(growth=growth, seconds=seconds))[""]

    assert (finding.severity, finding.value) == (severity, per_hour)
    assert finding.evidence[0] == "4 waits for a locked row, 25 ms each"
    assert "innodb_print_all_deadlocks is off" in finding.evidence[1]


def test_quiet_server_has_no_evidence_of_deadlocks() -> None:
    growth = {"Innodb_deadlocks": 0, "Innodb_row_lock_waits": 0, "Innodb_row_lock_time": 0}
    finding = look("D09", ServerDouble(growth=growth))[""]

    assert (finding.severity, finding.evidence) == ("ok", ())
