"""The sites whose keys go are named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.site_cache import CacheSettings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_sites_are_named() -> None:
    assert chosen_tasks({"site_cache": {"sites": ["a.example"]}})["site_cache"] == CacheSettings(("a.example",))


@pytest.mark.parametrize(
    "values", [{}, {"sites": "a.example"}, {"sites": ["a"], "all": True}], ids=["none", "text", "setting"]
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_tasks({"site_cache": values})
    assert refused.value.error_code == "rule_invalid"
