from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_log_tables import (
    RETENTION_DAYS,
    retention_days,
)

from tests.check_runs import run_one
from tests.fake_site import LOCAL_NOW, AnsweredSite, FakeSite

NOW = datetime.fromisoformat(LOCAL_NOW)


def test_settings_of_the_site_come_before_those_of_frappe() -> None:
    days = retention_days({"Error Log": 60, "My Log": 5, "Route History": 0})
    assert (days["Error Log"], days["My Log"], days["Email Queue"]) == (60, 5, RETENTION_DAYS["Email Queue"])
    assert "Route History" not in days


def test_oldest_row_is_read_by_the_column_that_has_an_index(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers.update(
        {
            "information_schema.TABLES": [("tabError Log", 2000), ("tabVersion", 2 * 1024**3)],
            "information_schema.STATISTICS": [("modified",)],
            "MIN(modified) FROM `tabError Log`": [(NOW - timedelta(days=29),)],
        }
    )
    finding = fake.look("F13")[""]
    assert (finding.severity, finding.value) == ("warning", 2 * 1024**3)
    assert finding.evidence == ("tabError Log has rows of 29 days and should keep 14", "tabVersion takes 2.0 GiB")


def test_empty_and_missing_logs_are_right(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    assert fake.look("F13")[""].severity == "skipped"
    fake.answers.update({"information_schema.TABLES": [("tabError Log", None)]})
    assert fake.look("F13")[""].severity == "ok"
    fake.answers.update({"information_schema.STATISTICS": [("creation",)], "MIN(creation)": [(None,)]})
    assert fake.look("F13")[""].severity == "ok"


def test_table_that_is_too_large_to_read_is_judged_by_its_size(tmp_path: Path) -> None:
    class SlowSite(AnsweredSite):
        def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
            if "MIN(" in statement:
                raise UnmeasurableError("it took too long")
            return super().query(statement, arguments)

    fake = FakeSite(tmp_path)
    ready = fake.site_target()
    target = SlowSite(ready.site, ready.bench, ready.surroundings)
    target.answers = {
        **fake.answers,
        "information_schema.TABLES": [("tabError Log", 2 * 1024**3)],
        "information_schema.STATISTICS": [("creation",)],
    }
    assert [finding.severity for finding in run_one("F13", target)] == ["warning"]


def test_days_are_read_where_the_site_keeps_them(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers.update(
        {
            "information_schema.TABLES": [("tabError Log", 2000)],
            "information_schema.COLUMNS": [("ref_doctype",), ("days",)],
            "FROM `tabLogs To Clear`": [("Error Log", 3)],
            "information_schema.STATISTICS": [("creation",)],
            "MIN(creation)": [(NOW - timedelta(days=7),)],
        }
    )
    assert fake.look("F13")[""].evidence == ("tabError Log has rows of 7 days and should keep 3",)
