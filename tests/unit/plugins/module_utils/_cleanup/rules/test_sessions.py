"""When a session of a user is over for good."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.sessions import expiry_seconds
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.mark.parametrize(
    ("text", "hours"), [("240:00", 240), ("06:30:00", 6.5), ("12", 12), ("", 720), ("a:00", 720), ("6:x", 720)]
)
def test_expiry_is_read_as_frappe_writes_it(text: str, hours: float) -> None:
    assert expiry_seconds(text) == hours * 3600


@pytest.mark.parametrize(
    "values",
    [{"days": 3}, {"older_than_days": "soon"}, {"older_than_days": -1}, {"older_than_days": None}],
    ids=["setting", "text", "negative", "nothing"],
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_tasks({"sessions": values})
    assert refused.value.error_code == "rule_invalid"


def test_settings_are_read() -> None:
    assert chosen_tasks({"sessions": {"older_than_days": "7"}})["sessions"].older_than_days == 7
    assert chosen_tasks({"sessions": {}})["sessions"].older_than_days == 30
