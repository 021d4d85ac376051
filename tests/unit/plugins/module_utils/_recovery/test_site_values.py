"""The values of a site's configuration through maintenance and promotion."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.site_values import (
    promoted_configuration,
    switch_values,
    turned_on,
    with_switches,
)

LIVE: dict[str, Any] = {
    "db_name": "_old",
    "db_password": "live password",
    "db_host": "10.0.0.5",
    "encryption_key": "live key",
    "host_name": "https://erp.example.com",
    "domains": ["erp.example.com"],
    "limits": {"users": 5},
    "maintenance_mode": 1,
    "pause_scheduler": 1,
}
FROM_SET: dict[str, Any] = {
    "db_name": "_set",
    "db_password": "set password",
    "encryption_key": "set key",
    "backup_encryption_key": "set backup key",
    "host_name": "https://old.example.com",
    "maintenance_mode": 1,
}


def test_site_keeps_its_own_values_and_takes_the_datas_keys() -> None:
    promoted = promoted_configuration(LIVE, FROM_SET, "_new", "fresh", {"maintenance_mode": 0})
    assert promoted == {
        "db_name": "_new",
        "db_password": "fresh",
        "db_host": "10.0.0.5",
        "db_type": "mariadb",
        "encryption_key": "set key",
        "backup_encryption_key": "set backup key",
        "host_name": "https://erp.example.com",
        "domains": ["erp.example.com"],
        "limits": {"users": 5},
        "maintenance_mode": 0,
    }


def test_live_keys_stay_where_the_set_has_none_and_the_key_of_backups_stays_the_sites() -> None:
    live = {**LIVE, "backup_encryption_key": "live backup key"}
    assert promoted_configuration(live, {}, "_new", "fresh", {})["encryption_key"] == "live key"
    promoted = promoted_configuration(live, FROM_SET, "_new", "fresh", {})
    assert promoted["backup_encryption_key"] == "live backup key"


def test_account_is_named_only_where_it_was() -> None:
    assert "db_user" not in promoted_configuration(LIVE, FROM_SET, "_new", "fresh", {})
    promoted = promoted_configuration({**LIVE, "db_user": "someone"}, FROM_SET, "_new", "fresh", {})
    assert promoted["db_user"] == "_new"


def test_replica_of_the_replaced_database_is_not_read_any_more() -> None:
    promoted = promoted_configuration({**LIVE, "read_from_replica": 1}, {}, "_new", "fresh", {})
    assert promoted["read_from_replica"] == 0
    assert "read_from_replica" not in promoted_configuration(LIVE, {}, "_new", "fresh", {})


def test_without_a_live_configuration_the_sets_is_taken_but_never_its_maintenance_mode() -> None:
    promoted = promoted_configuration(None, FROM_SET, "_new", "fresh", {})
    assert "maintenance_mode" not in promoted
    assert promoted["host_name"] == "https://old.example.com"
    assert (promoted["db_name"], promoted["db_password"]) == ("_new", "fresh")
    assert promoted_configuration(None, {}, "_new", "fresh", {}) == {
        "db_type": "mariadb",
        "db_name": "_new",
        "db_password": "fresh",
    }


@pytest.mark.parametrize(
    "switches",
    [{}, {"maintenance_mode": 0}, {"maintenance_mode": 1, "pause_scheduler": True}, {"pause_scheduler": "0"}],
)
def test_switches_come_back_exactly(switches: dict[str, Any]) -> None:
    original = {"db_name": "_old", **switches}
    closed = turned_on(original, "maintenance_mode", "pause_scheduler")
    assert closed["maintenance_mode"]
    assert closed["pause_scheduler"]
    assert with_switches(closed, switch_values(original)) == original


def test_switch_that_is_on_keeps_its_value() -> None:
    assert turned_on({"maintenance_mode": True}, "maintenance_mode") == {"maintenance_mode": True}
    assert turned_on({"pause_scheduler": "0"}, "pause_scheduler") == {"pause_scheduler": 1}
