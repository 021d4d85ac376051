"""How long rows of logs are kept, and which settings there are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.log_tables import (
    KNOWN,
    LOG_TABLES,
    kept_days,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_days_are_those_of_the_options_then_of_the_site_then_of_frappe() -> None:
    days = kept_days({"Version": 365, "Error Log": 3}, {"Error Log": 60, "Email Queue": 90, "Activity Log": 0})
    assert (days["Version"], days["Error Log"], days["Email Queue"]) == (365, 3, 90)
    assert days["Scheduled Job Log"] == 7
    assert "Activity Log" not in days, "0 days keep for ever"


def test_what_frappe_does_not_clear_stays_unless_days_are_given() -> None:
    assert not {"Version", "Deleted Document", "Access Log"} & set(kept_days({}, {"Version": 30, "Sales Invoice": 1}))
    assert "Sales Invoice" not in kept_days({}, {"Sales Invoice": 1})
    assert not {"Prepared Report", "Reminder", "Comment", "Communication"} & set(KNOWN)
    assert LOG_TABLES.never_touches


@pytest.mark.parametrize(
    "values",
    [
        {"day": 3},
        {"days": {"Sales Invoice": 3}},
        {"days": {"Version": "soon"}},
        {"days": {"Version": -1}},
        {"days": [1]},
        {"replicas": "host"},
        {"archive_path": "here"},
        [1],
    ],
    ids=["setting", "table", "text", "negative", "list", "one host", "relative", "no object"],
)
def test_settings_that_do_not_fit_are_refused(values: Any) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_tasks({"log_tables": values})
    assert refused.value.error_code == "rule_invalid"


def test_settings_are_read() -> None:
    assert chosen_tasks({"bench_logs": {}}) == {}
    found = chosen_tasks({"log_tables": {"days": {"Version": "30"}, "archive_path": "/a", "replicas": ["b:3307"]}})
    assert (found["log_tables"].days, found["log_tables"].replicas) == ({"Version": 30}, ("b:3307",))
    assert chosen_tasks({"log_tables": None})["log_tables"].archive_path == ""
