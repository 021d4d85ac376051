from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.assessment_loss import assess_loss, doctype_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.unit.plugins.module_utils._recovery.answers import AnsweringConnection

POINT = datetime(2026, 11, 21, 3, 0, 2, tzinfo=timezone.utc)
BROKEN = pymysql.err.OperationalError(1034, "Index is corrupt")
TABLES = [
    ("tabNote", 1),
    ("tabSessions", 0),
    ("tabVersion", 1),
    ("tabDeleted Document", 1),
    ("tabSlow", 1),
    ("tabNew", 1),
]


def server(**answers: Any) -> AnsweringConnection:
    usual: dict[str, Any] = {
        "information_schema.TABLES": TABLES,
        "time_zone": [("Asia/Kolkata",)],
        "GROUP BY `ref_doctype`": [("Note", "jo@example.com", 2), (None, "al@example.com", 1)],
        "GROUP BY `deleted_doctype`": [("Note", "jo@example.com", 5)],
        "`tabNote`": [(55, 2)],
        "`tabSessions`": [(1, None)],
        "`tabSlow`": BROKEN,
        "`tabNew`": [(4, 4)],
        "FROM": [(9, 3)],
    }
    usual.update(answers)
    return AnsweringConnection(list(usual.items()))


def assess(connection: AnsweringConnection, rows: dict[str, int] | None = None) -> dict[str, Any]:
    in_set = {"tabNote": 60, "tabSessions": 4, "tabSlow": 7, "tabDropped": 1200} if rows is None else rows
    return assess_loss(connection, "_1c8e", in_set, POINT, ProgressReporter(), 5.0)  # type: ignore[arg-type]


def test_what_is_missing_against_the_set() -> None:
    found = assess(server())
    assert [(row["doctype"], row["missing_rows"], row["rows_live"]) for row in found["lost"]] == [
        ("Dropped", 1200, None),
        ("Slow", 7, None),
        ("Note", 5, 55),
        ("Sessions", 3, 1),
    ]
    assert found["lost"][-1]["volatile"]
    assert found["summary"][0] == "Rows missing against the set: 1212 (DocTypes: 3)."
    assert "Dropped: the table is missing or cannot be read, 1200 rows are in the set." in found["summary"]
    assert "Note: 5 rows fewer (55 now, 60 in the set)." in found["summary"]


def test_what_was_written_since_and_by_whom() -> None:
    found = assess(server())
    assert [(row["doctype"], row["written_since"]) for row in found["written"]] == [("New", 4), ("Note", 2)]
    assert found["traces"]["changed"]["total"] == 3
    assert found["traces"]["changed"]["groups"][1] == {"ref_doctype": "", "owner": "al@example.com", "count": 1}
    assert "Version: 3 changed since, by al@example.com, jo@example.com." in found["summary"]
    assert "activity" not in found["traces"], "the site has no Activity Log"


def test_nothing_was_written_since() -> None:
    found = assess(server(**{"`tabNote`": [(55, 0)], "`tabNew`": [(4, 0)]}))
    assert "No other rows were written since the recovery point." in found["summary"]


def test_times_are_compared_in_the_sites_time_zone() -> None:
    connection = server()
    found = assess(connection)
    assert (found["time_zone"], found["recovery_point"]) == ("Asia/Kolkata", "2026-11-21T03:00:02Z")
    assert (datetime(2026, 11, 21, 8, 30, 2),) in connection.arguments  # noqa: DTZ001 - as the site writes it


@pytest.mark.parametrize("answer", [[], [("Mars/Olympus",)], BROKEN])
def test_an_unknown_time_zone_is_said(answer: Any) -> None:
    found = assess(server(time_zone=answer))
    assert found["time_zone"] is None
    assert "taken for UTC" in found["summary"][-1]


def test_nothing_was_lost() -> None:
    found = assess(server(), {})
    assert found["lost"] == []
    assert found["summary"][0] == "No rows are missing against the set."


def test_a_long_list_is_cut_in_the_summary_alone() -> None:
    found = assess(server(), {f"tabGone {number}": 1 for number in range(12)})
    assert len(found["lost"]) == 12
    assert "and 2 DocTypes more, all in the report." in found["summary"]


def test_a_trace_that_cannot_be_read_is_said() -> None:
    found = assess(server(**{"GROUP BY `ref_doctype`": BROKEN}))
    assert found["traces"]["changed"] == {"table": "tabVersion", "total": None, "groups": [], "reason": "error 1034"}


def test_a_server_that_refuses_is_an_error() -> None:
    with pytest.raises(LifeboatError) as raised:
        assess(server(**{"information_schema.TABLES": BROKEN}))
    assert raised.value.error_code == "mariadb_statement_failed"


def test_names_of_doctypes() -> None:
    assert (doctype_of("tabSales Invoice"), doctype_of("__Auth")) == ("Sales Invoice", "__Auth")
