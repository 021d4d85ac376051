"""What becomes of the keys of a configuration."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration_change import (
    IDENTITY,
    MASK,
    changed_values,
    chosen_values,
    refuse_open_secrets,
    with_exactly,
    with_values,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

PRESENT: dict[str, Any] = {"monitor": 0, "db_name": "_a", "mute_emails": True, "host_name": "a"}


def test_keys_stay_in_their_order_and_new_ones_come_last() -> None:
    after = with_values(PRESENT, {"mute_emails": 0, "monitor": 1, "logging": 2}, ["host_name"])
    assert list(after.items()) == [("monitor", 1), ("db_name", "_a"), ("mute_emails", 0), ("logging", 2)]


def test_original_values_come_back_exactly() -> None:
    names = ["monitor", "logging", "mute_emails"]
    originals = chosen_values(PRESENT, names)
    changed = with_values(PRESENT, {"monitor": 1, "logging": 2}, ["mute_emails"])
    assert with_exactly(changed, names, originals) == PRESENT


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("monitor", "0", 0),
        ("monitor", "True", 1),
        ("monitor", False, False),
        ("monitor", 1, 1),
        ("db_port", "3307", 3307),
        ("db_port", -1, -1),
        ("own_key", "0", "0"),
        ("own_key", {"a": [1]}, {"a": [1]}),
    ],
)
def test_values_get_the_type_that_frappe_reads(name: str, given: Any, kept: Any) -> None:
    assert repr(with_values({}, {name: given}, [])[name]) == repr(kept)


@pytest.mark.parametrize(
    ("name", "given"),
    [("monitor", 2), ("monitor", "on"), ("monitor", None), ("db_port", "x"), ("db_port", True), ("db_port", 1.5)],
)
def test_value_that_frappe_would_misread_is_refused_without_being_told(name: str, given: Any) -> None:
    with pytest.raises(LifeboatError, match=f"Refused to change {name}: Frappe would misread its value") as refused:
        with_values({}, {name: given}, [])
    assert refused.value.error_code == "configuration_refused"


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_of_the_data_is_not_changed_by_hand(name: str) -> None:
    for values, absent in (({name: "x"}, []), ({}, [name])):
        with pytest.raises(LifeboatError, match="it says which data the site has"):
            with_values({name: "a"}, values, absent)


def test_key_cannot_be_set_and_absent() -> None:
    with pytest.raises(LifeboatError, match="it is to be set and to be absent"):
        with_values({}, {"a": 1}, ["a"])


def test_secret_is_refused_where_it_would_be_logged() -> None:
    refuse_open_secrets({"monitor": 1})
    with pytest.raises(LifeboatError, match=r"Refused to change mail_password: .* secret_values"):
        refuse_open_secrets({"mail_password": "x"})


def test_changed_values_are_shown_without_secrets() -> None:
    before = {"same": 1, "sentry_dsn": "https://a:b@c", "db_password": "live", "db_name": "_old"}
    after = {"same": 1, "db_password": "fresh", "encryption_key": "key", "db_name": "_new"}
    assert changed_values(before, after) == (
        {"db_name": "_old", "db_password": MASK, "sentry_dsn": MASK},
        {"db_name": "_new", "db_password": MASK, "encryption_key": MASK},
    )


def test_values_that_python_takes_for_equal_differ_in_the_file() -> None:
    assert changed_values({"a": 1}, {"a": True}) == ({"a": 1}, {"a": True})
    assert changed_values({}, {"a": None}) == ({}, {"a": None})


def test_secrets_are_masked_wherever_they_lie() -> None:
    after = {
        "backup": {"bucket": "b", "secret_access_key": "hidden", "places": [{"password": "hidden"}, 1]},
        "mail_auth": "hidden",
        "redis_queue": "redis://user:hidden@127.0.0.1:11000",
        "host_name": "https://erp.example.com",
        "sender": "erp@example.com",
    }
    shown = changed_values({}, after, ["mail_auth"])[1]
    assert shown == {
        "backup": {"bucket": "b", "secret_access_key": MASK, "places": [{"password": MASK}, 1]},
        "mail_auth": MASK,
        "redis_queue": "redis://127.0.0.1:11000",
        "host_name": "https://erp.example.com",
        "sender": "erp@example.com",
    }
