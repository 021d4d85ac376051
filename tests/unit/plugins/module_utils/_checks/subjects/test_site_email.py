from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_email import judged_percent

from tests.fake_site import LOCAL_NOW, FakeSite

NOW = datetime.fromisoformat(LOCAL_NOW)


@pytest.mark.parametrize(("part", "total", "percent"), [(3, 3, 0), (4, 40, 10), (4, 4, 100), (0, 0, 0)])
def test_few_emails_are_not_judged(part: int, total: int, percent: float) -> None:
    assert judged_percent(part, total) == percent


@pytest.fixture
def fake(tmp_path: Path) -> FakeSite:
    fake = FakeSite(tmp_path)
    fake.answers.update({"MIN(": [(None,)], "'Sending'": [(0,)], "GROUP BY": [("Sent", 100)]})
    return fake


@pytest.mark.parametrize(
    ("waiting", "hours", "severity"), [(5, 1, "ok"), (20, 1, "warning"), (1, 25, "critical"), (1, -5, "ok")]
)
def test_waiting_is_judged_by_share_and_by_age(fake: FakeSite, waiting: int, hours: int, severity: str) -> None:
    fake.answers["GROUP BY"] = [("Sent", 100), ("Not Sent", waiting)]
    fake.answers["MIN("] = [(NOW - timedelta(hours=hours),)]
    assert fake.look("F09")["waiting"].severity == severity


@pytest.mark.parametrize(("unhandled", "handled", "severity"), [(4, 40, "warning"), (4, 3, "ok"), (4, 100, "ok")])
def test_unhandled_is_judged_against_handled(fake: FakeSite, unhandled: int, handled: int, severity: str) -> None:
    fake.answers["information_schema.COLUMNS"] = [("creation",)]
    fake.answers["FROM `tabUnhandled Email`"] = [(unhandled,)]
    fake.answers["FROM tabCommunication"] = [(handled,)]
    assert fake.look("F09")["unhandled"].severity == severity


def test_both_ways_to_switch_sending_off_are_named(fake: FakeSite) -> None:
    fake.configure(mute_emails=1)
    fake.answers["suspend_email_queue"] = [(1,)]
    assert fake.look("F09")["switches"].text == "no email leaves: mute_emails is on and sending is suspended"
