"""The time zone of a site."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.time_zone import site_time_zone


@pytest.mark.parametrize(
    ("setting", "zone"),
    [("Europe/Berlin", "Europe/Berlin"), (None, "Asia/Kolkata"), ("", "Asia/Kolkata")],
    ids=["set", "not set", "empty"],
)
def test_a_site_without_a_setting_has_the_zone_that_frappe_takes(setting: str | None, zone: str) -> None:
    """Its times would be wrong by hours otherwise."""
    assert str(site_time_zone(setting)) == zone


@pytest.mark.parametrize("setting", ["Nowhere/At all", "../../etc/passwd"], ids=["unknown", "a path"])
def test_a_zone_that_is_none_is_not_known(setting: str) -> None:
    """Nothing is taken in its place."""
    assert site_time_zone(setting) is None
