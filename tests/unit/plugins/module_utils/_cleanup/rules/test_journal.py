"""Which files of the journal are old, and that nothing but journald's own program takes them away."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.journal import begins_before
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

MICROSECONDS = f"{1_000_000 * 10**6:016x}"


@pytest.mark.parametrize(
    ("name", "is_old"),
    [
        (f"system@{'a' * 32}-{'0' * 16}-{MICROSECONDS}.journal", True),
        (f"user-1000@{MICROSECONDS}-{'b' * 16}.journal~", True),
        ("system.journal", False),
        ("user-1000.journal", False),
        ("notes@home.journal", False),
    ],
    ids=["archived", "broken", "system", "user", "other"],
)
def test_archived_files_are_known_by_their_names(name: str, is_old: bool) -> None:
    assert begins_before(name, 1_000_001) == is_old
    assert not begins_before(name, 999_999)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("journal", {"days": 3}),
        ("journal", {"older_than_days": 0.5}),
        ("journal", {"older_than_days": None}),
        ("apt_cache", {"older_than_days": 3}),
    ],
    ids=["setting", "too new", "nothing", "no setting"],
)
def test_settings_that_do_not_fit_are_refused(rule: str, values: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_tasks({rule: values})
    assert refused.value.error_code == "rule_invalid"
