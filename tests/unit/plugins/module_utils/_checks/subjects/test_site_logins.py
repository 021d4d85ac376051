from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_logins import ratio, session_seconds

from tests.fake_site import FakeSite


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [("06:00", 21600), ("170:00:00", 612000), ("00:30", 1800), ("", 7 * 86400), ("None", 7 * 86400)],
)
def test_expiry_is_read_as_the_settings_write_it(expiry: str, seconds: int) -> None:
    assert session_seconds(expiry) == seconds


def test_site_without_users_has_a_ratio() -> None:
    assert (ratio(3, 0), ratio(3, 2)) == (3, 1.5)


def test_failed_logins_and_old_sessions_are_judged_by_the_number_of_users(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers.update({"enabled = 1": [(10,)], "'Failed'": [(51,)], "FROM tabSessions": [(20, 11)]})
    findings = fake.look("F10")
    assert findings["failed logins"].severity == "critical"
    assert findings["expired sessions"].severity == "warning"
    assert findings["expired sessions"].text == "20 sessions, 11 of them expired long ago, 10 enabled users"
