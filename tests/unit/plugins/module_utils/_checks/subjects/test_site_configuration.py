from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_configuration import (
    development_flags,
    missing_keys,
    misspelt_keys,
    wrong_values,
)

from tests.fake_site import FakeSite

# What bench 5 and Frappe 15 write by themselves.
ORDINARY = {
    "background_workers": 1,
    "db_host": "127.0.0.1",
    "db_name": "_e36ee74f4521c089",
    "db_password": "x",
    "db_port": 3316,
    "db_type": "mariadb",
    "default_site": "site1.local",
    "dns_multitenant": True,
    "encryption_key": "x",
    "file_watcher_port": 6787,
    "frappe_user": "frappe",
    "gunicorn_workers": 2,
    "live_reload": True,
    "maintenance_mode": 0,
    "pause_scheduler": False,
    "rebase_on_pull": False,
    "redis_cache": "redis://127.0.0.1:13000",
    "restart_supervisor_on_update": True,
    "socketio_port": 9000,
    "use_redis_auth": False,
    "webserver_port": "8000",
    "workers": {"imports": {"timeout": 600}},
}


def test_ordinary_configuration_is_right() -> None:
    assert (
        missing_keys(ORDINARY) == wrong_values(ORDINARY) == misspelt_keys(ORDINARY) == development_flags(ORDINARY) == []
    )


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("maintenance_mode", "yes", "0 or 1"),
        ("db_port", True, "a number"),
        ("db_port", "33o6", "a number"),
        ("db_password", 1234, "a text"),
        ("workers", [], "an object"),
    ],
)
def test_value_of_another_kind_is_named_and_never_shown(key: str, value: Any, what: str) -> None:
    assert wrong_values({**ORDINARY, key: value}) == [f"{key} is not {what}"]


@pytest.mark.parametrize("key", ["mail_port", "domains", "logging"])
def test_keys_of_any_kind_are_known(key: str) -> None:
    assert wrong_values({key: [1]}) == misspelt_keys({key: [1]}) == []


def test_keys_of_apps_are_no_slips() -> None:
    assert misspelt_keys({"openai_api_key": "x", "stripe": {}, "db": 1}) == []
    assert misspelt_keys({"encrytion_key": "x"}) == ["encrytion_key is no setting: encryption_key may be meant"]


def test_flag_counts_only_when_it_is_on() -> None:
    assert development_flags({"developer_mode": "0", "allow_tests": 1, "logging": 2}) == ["allow_tests", "logging"]


def test_missing_key_is_critical_and_its_absence_named(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    assert fake.look("F01")[""].severity == "ok"
    fake.configure(db_password="")
    assert (fake.look("F01")[""].severity, fake.look("F01")[""].text) == ("critical", "db_password is missing")
    fake.write("sites/common_site_config.json", "[")
    assert fake.look("F01")[""].severity == "critical"
    assert fake.look("F11")[""].severity == "unknown"
