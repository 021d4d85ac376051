from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_names import next_set_name

SITE = "erp.example.com"
NOW = datetime(2026, 11, 21, 3, 15, 22, 987654, tzinfo=timezone.utc)


def test_a_name_is_the_time_in_utc_and_the_site():
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert next_set_name(SITE, local, []) == "20261121_031522-erp_example_com"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["20261121_031521-erp_example_com"], "031522"),
        (["20261121_031522-erp_example_com"], "031523"),
        (["20261121_031522-erp_example_com.incomplete"], "031523"),
        (["20261121_031559-erp_example_com", "20261121_031522-erp_example_com"], "031600"),
        (["chain.jsonl", "backup.lock", "99999999_999999-erp_example_com"], "031522"),
    ],
    ids=["older", "same second", "unfinished", "clock was set back", "no sets"],
)
def test_a_name_is_newer_than_every_other(taken, expected):
    assert next_set_name(SITE, NOW, taken) == f"20261121_{expected}-erp_example_com"
