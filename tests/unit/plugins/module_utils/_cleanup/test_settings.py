"""The age that several rules take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.settings import older_than_days


def test_age_is_given_or_the_rules_own() -> None:
    assert older_than_days({}, 7.0) == 7.0
    assert older_than_days({"older_than_days": "0.5"}, 7.0) == 0.5


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"days": 3}, "it takes older_than_days"),
        ({"older_than_days": None}, "is a number"),
        ({"older_than_days": "soon"}, "could not convert"),
        ({"older_than_days": 0.9}, "is not less than 1"),
        ({"older_than_days": "nan"}, "is not less than 1"),
    ],
    ids=["another", "none", "text", "too young", "not a number"],
)
def test_other_ages_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        older_than_days(values, 7.0, least=1.0)
