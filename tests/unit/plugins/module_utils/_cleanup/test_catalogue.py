"""Which rules are on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import RULES, chosen_ages
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Age
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.logs import BENCH_LOGS
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_rules_are_off_unless_they_are_named() -> None:
    assert chosen_ages({}) == {}
    assert chosen_ages({"bench_logs": None}) == {"bench_logs": BENCH_LOGS.age}
    assert chosen_ages({"bench_logs": {"older_than_days": "0.5"}}) == {"bench_logs": Age(43200, 5)}
    assert chosen_ages({"site_logs": {"older_than_days": 7, "keep_newest": 0}}) == {"site_logs": Age(604800, 0)}


@pytest.mark.parametrize(
    "settings",
    [
        {"everything": {}},
        {"bench_logs": {"older_than": 3}},
        {"bench_logs": {"older_than_days": "soon"}},
        {"bench_logs": {"older_than_days": -1}},
        {"bench_logs": {"keep_newest": -1}},
        {"bench_logs": 3},
    ],
    ids=["unknown", "setting", "text", "negative age", "negative count", "number"],
)
def test_rule_that_does_not_exist_or_fit_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_ages(settings)
    assert refused.value.error_code == "rule_invalid"


def test_every_rule_says_what_it_is_and_what_it_never_touches() -> None:
    assert [rule.id for rule in RULES] == sorted({rule.id for rule in RULES})
    assert all(rule.title and rule.never_touches and rule.age.older_than_seconds for rule in RULES)
