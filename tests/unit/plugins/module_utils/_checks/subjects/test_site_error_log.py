from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_error_log import (
    ROWS_READ,
    readable_title,
)

from tests.fake_site import NAME, NOW_SECONDS, FakeSite

DAY = 86400


def history(*counts: float, days_ago: float = 1) -> History:
    return History(
        [
            {"at_seconds": NOW_SECONDS - days_ago * DAY, "values": {f"F08|{NAME}|": count}, "facts": {}}
            for count in counts
        ]
    )


@pytest.mark.parametrize(
    ("errors", "earlier", "severity"),
    [
        (0, history(), "ok"),
        (40, history(), "ok"),
        (60, history(), "warning"),
        (60, history(5, 5, 500), "critical"),
        (60, history(6, 6), "warning"),
        (40, history(1), "ok"),
        (60, history(1, days_ago=8), "warning"),
    ],
)
def test_ten_times_the_usual_number_is_critical(tmp_path: Path, errors: int, earlier: History, severity: str) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["Error Log"] = [(f"error {number}",) for number in range(errors)]
    assert fake.look("F08", history=earlier)[""].severity == severity


def test_one_error_many_times_is_a_warning_and_a_limit_is_a_lower_bound(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["Error Log"] = [(None,)] * ROWS_READ
    finding = fake.look("F08")[""]
    assert finding.severity == "warning"
    assert finding.text == f"at least {ROWS_READ} errors of 1 kinds in the last 24 hours"
    assert finding.evidence == (f"{ROWS_READ} times: without a title",)


def test_title_is_one_short_line_without_an_address() -> None:
    assert readable_title("a\nb\x1b[31m jane.doe@example.com <x@y.z>") == "a b[31m ...@... <...@...>"
    assert len(readable_title("x" * 200)) == 80
