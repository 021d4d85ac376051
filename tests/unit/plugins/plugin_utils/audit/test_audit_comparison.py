"""What is new, worse, better, fixed since the last audit, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.comparison import TREND_LENGTH, earlier_audit

from tests.unit.plugins.plugin_utils.audit.answers import ACCEPTED, BEFORE, NOW, away, document, host, raw_finding


def after(before: list[Any], now: list[Any]) -> dict[str, Any]:
    return document(*now, earlier=earlier_audit(document(*before, now=BEFORE)))


@pytest.mark.parametrize(
    ("before", "now", "change", "since"),
    [
        ("ok", "warning", "new", NOW),
        ("unknown", "critical", "new", NOW),
        ("warning", "warning", "same", BEFORE),
        ("warning", "critical", "worse", BEFORE),
        ("critical", "warning", "better", BEFORE),
        ("critical", "ok", "", ""),
        ("critical", "unknown", "", ""),
    ],
)
def test_change_of_a_finding(before: str, now: str, change: str, since: str) -> None:
    (finding,) = after([host("a", raw_finding("H01", before))], [host("a", raw_finding("H01", now))])["findings"]
    assert (finding["change"], finding["since"]) == (change, since)


def test_the_first_audit_compares_with_nothing() -> None:
    built = document(host("a", raw_finding("H01", "critical")))
    assert (built["findings"][0]["change"], built["findings"][0]["since"]) == ("", NOW)
    assert (built["compared_with"], built["trend"], built["fixed"]) == ("", [], [])
    assert "This is the first audit" in " ".join(built["summary"]["sentences"])


@pytest.mark.parametrize("before", [[away("a")], []], ids=["unreachable", "not asked"])
def test_what_nobody_saw_before_is_not_called_new(before: list[Any]) -> None:
    (finding,) = after(before, [host("a", raw_finding("H01", "critical"))])["findings"]
    assert (finding["change"], finding["since"]) == ("", NOW)


def test_fixed_is_what_was_seen_to_be_well_or_is_gone() -> None:
    built = after(
        [host("a", raw_finding("H01", "critical"), raw_finding("H03", "warning", item="/old"))],
        [host("a", raw_finding("H01", "ok"))],
    )
    assert {(one["id"], one["item"], one["severity"]) for one in built["fixed"]} == {
        ("H01", "", "critical"),
        ("H03", "/old", "warning"),
    }
    assert built["fixed"][0]["title"] == "Title of H01"
    assert built["summary"]["changes"]["fixed"] == 2


@pytest.mark.parametrize(
    "now",
    [
        [away("a")],
        [],
        [host("a", raw_finding("H01", "unknown"))],
        [host("a", raw_finding("H01", "warning", accepted=ACCEPTED))],
    ],
    ids=["unreachable", "not asked", "unknown", "accepted"],
)
def test_what_nobody_saw_mended_is_not_fixed(now: list[Any]) -> None:
    assert after([host("a", raw_finding("H01", "critical"))], now)["fixed"] == []


def test_an_unknown_item_hides_what_was_of_the_same_check() -> None:
    """A check that could not run says so once, without its items."""
    built = after(
        [host("a", raw_finding("H01", "critical", item="/srv"))], [host("a", raw_finding("H01", "unknown", item=""))]
    )
    assert built["fixed"] == []


def test_the_trend_grows_and_is_capped() -> None:
    built = document(host("a"), now=BEFORE)
    for _audit in range(TREND_LENGTH + 3):
        built = document(host("a"), earlier=earlier_audit(built), now=BEFORE)
    assert len(built["trend"]) == TREND_LENGTH
    assert built["trend"][-1] == {"at": BEFORE, "score": 80, "coverage": 100.0}
