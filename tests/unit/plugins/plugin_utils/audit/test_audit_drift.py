"""Which settings are named as different from those of the peers, and which are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.drift import find_drift
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.hosts import HostAudit

from tests.unit.plugins.plugin_utils.audit.answers import host


def fleet(values: list[Any], setting: str = "x", kind: str = "MariaDB 10.11") -> list[HostAudit]:
    return [
        host(f"h{number}", facts={"peers": [{"kind": kind, "name": "db", "identity": "", "values": {setting: value}}]})
        for number, value in enumerate(values)
    ]


def test_one_of_forty_two_differs() -> None:
    (entry,) = find_drift(fleet([1] * 41 + [2], "innodb_flush_log_at_trx_commit"))
    assert entry == {
        "kind": "MariaDB 10.11",
        "setting": "innodb_flush_log_at_trx_commit",
        "rule": "majority",
        "peers": 42,
        "agree": 41,
        "usual": "1",
        "differing": [{"host": "h41", "name": "db", "value": "2"}],
    }


@pytest.mark.parametrize(
    "values",
    [[1, 2], ["a", "b", "c", "d"], [1, 1, 1], ["a", "a", "b", "b"], [1, 2, 3, 4, 5, 6, 7], ["x", "y", 3, 4, 5, 6, 700]],
    ids=["two hosts", "all different", "all alike", "divided", "spread evenly", "not numbers"],
)
def test_what_is_no_drift(values: list[Any]) -> None:
    assert find_drift(fleet(values)) == []


def test_a_number_far_from_the_median() -> None:
    (entry,) = find_drift(fleet([100, 101, 99, 102, 98, 100.5, 97, 5]))
    assert (entry["rule"], entry["agree"], entry["peers"], entry["usual"]) == ("outlier", 7, 8, "99.5")
    assert entry["differing"][0]["value"] == "5"


def test_a_little_more_than_the_median_is_no_outlier() -> None:
    assert find_drift(fleet([100, 101, 99, 102, 98, 100.5, 97, 118])) == []


def test_numbers_without_spread_have_no_outlier_but_a_majority() -> None:
    assert [entry["rule"] for entry in find_drift(fleet([5, 5, 5, 5, 5, 5, 900]))] == ["majority"]


def test_half_of_them_alike_leaves_no_spread_to_judge_by() -> None:
    assert find_drift(fleet([5, 5, 5, 5, 5, 1, 2, 900])) == []


def test_only_peers_of_one_kind_are_compared() -> None:
    assert find_drift([*fleet([1, 1], kind="MariaDB 10.6"), *fleet([2, 2], kind="MariaDB 10.11")]) == []


def test_a_server_that_several_hosts_use_is_one_peer() -> None:
    shared = {"kind": "k", "name": "db", "identity": "db1:3306", "values": {"x": 2}}
    own = [{"kind": "k", "name": "db", "identity": f"own{number}", "values": {"x": 1}} for number in range(3)]
    hosts = [
        host("a", facts={"peers": [shared]}),
        host("b", facts={"peers": [shared]}),
        host("c", facts={"peers": own}),
    ]
    (entry,) = find_drift(hosts)
    assert (entry["peers"], entry["agree"]) == (4, 3)


def test_a_setting_that_few_have_is_not_compared() -> None:
    odd = {"kind": "k", "name": "db", "identity": "", "values": {"x": 1}}
    hosts = [host(f"h{number}", facts={"peers": [{**odd, "values": {"y": 1}}]}) for number in range(3)]
    hosts += [host(f"i{number}", facts={"peers": [odd]}) for number in range(2)]
    assert find_drift(hosts) == []
