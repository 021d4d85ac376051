"""What the report and the screen say of drills."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.drill_report import drill_lines, drill_view

from tests.tools.checkout import ROOT
from tests.unit.plugins.plugin_utils.drill_samples import SITE, sample_drill, sample_history

FAILURE = {"code": "drill_failed", "reason": "Debit is not credit."}
NOTHING: dict[str, Any] = {
    "outcome": "failed",
    "kind": "",
    "point": None,
    "set": None,
    "recovery_point": None,
    "rto_seconds": None,
    "phases": [],
    "findings": [],
    "trend": None,
    "error": FAILURE,
}


@pytest.mark.parametrize("values", [{}, NOTHING], ids=["passed", "nothing"])
def test_the_samples_are_records(values: dict[str, Any]) -> None:
    """In the shape that is documented."""
    jsonschema.validate(sample_drill(**values), json.loads((ROOT / "docs" / "drill-record.schema.json").read_text()))


def test_a_drill_that_passed() -> None:
    """With its figures, its proofs and its trend."""
    view = drill_view(sample_drill(), sample_history(3))
    assert (view["tone"], view["headline"]) == ("good", f"{SITE} was recovered in a drill")
    assert view["lead"][0].endswith("as far as the promotion would begin in 10 min 50 s.")
    assert [(figure["label"], figure["value"]) for figure in view["figures"]] == [
        ("A recovery takes", "10 min 50 s"),
        ("Usual", "10 min"),
        ("Recovery point", "21 Nov 2026 02:00:00 UTC"),
        ("Proofs", "2 passed"),
    ]
    assert view["figures"][3]["note"] == "0 failed, 1 skipped"
    assert [finding["name"] for finding in view["findings"]] == ["Tables", "Books", "Budget"]
    assert view["phases"][1]["name"] == "Load the database"
    assert view["phases"][1]["note"] == "17.7 GiB, 30.2 MiB/s"
    assert sum(phase["width_percent"] for phase in view["phases"]) == pytest.approx(100, abs=1)
    facts = {fact["label"]: fact["value"] for fact in view["facts"]}
    assert facts["Recovered by"] == "importing tablespaces"
    assert facts["Set"].endswith("3.0 GiB, encrypted")
    assert "Replayed" not in facts
    assert len(view["plot"]["bars"]) == 4
    assert [drill["outcome"] for drill in view["history"]] == ["passed", "failed", "passed"]
    assert view["error"] is None


def test_a_drill_of_a_moment_says_what_was_replayed() -> None:
    """And by which way it was recovered."""
    replay = {"target": "2026-11-21T03:00:00Z", "gtid": "0-1-7", "bytes": 2048, "transactions": 12}
    view = drill_view(sample_drill(kind="logical+fetch+replay", replay=replay), [])
    facts = {fact["label"]: fact["value"] for fact in view["facts"]}
    assert facts["Replayed"] == "12 transactions, 2.0 KiB, up to 2026-11-21T03:00:00Z"
    assert facts["Recovered by"] == ("fetching a copy from off-site, loading the dump, replaying the binary logs")


def test_a_drill_that_failed_at_its_proofs_still_shows_its_time() -> None:
    """In the tone of what failed."""
    view = drill_view(sample_drill(outcome="failed", error=FAILURE), [])
    assert (view["tone"], view["headline"]) == ("bad", f"The drill of {SITE} failed")
    assert view["plot"]["bars"][0]["failed"]
    assert view["error"] == FAILURE


def test_a_drill_that_came_to_nothing() -> None:
    """There is no figure, no plot, and no invention."""
    view = drill_view(sample_drill(**NOTHING), [])
    assert view["lead"][0] == "It came to no set."
    assert (view["figures"], view["findings"], view["phases"], view["plot"]) == ([], [], [], None)
    assert [fact["label"] for fact in view["facts"]] == ["Drill", "Bench", "Started", "Ended"]


def test_a_set_that_could_not_be_recovered_is_named() -> None:
    """Though there is no time."""
    trend = {"trend": None, "rto_seconds": None, "kind": "", "findings": []}
    view = drill_view(sample_drill(outcome="failed", error=FAILURE, **trend), [])
    assert "could not be recovered in the scratch place" in view["lead"][0]
    assert [figure["label"] for figure in view["figures"]] == ["Recovery point"]


def test_without_a_budget_and_a_median_the_figures_say_so() -> None:
    """Instead of a zero."""
    trend = {**sample_drill()["trend"], "budget_seconds": 0, "median_seconds": None}
    figures = drill_view(sample_drill(trend=trend), [])["figures"]
    assert [figure["label"] for figure in figures] == ["A recovery takes", "Recovery point", "Proofs"]
    assert figures[0]["note"] == "no budget"


def test_the_screen_shows_what_failed_first() -> None:
    """A line a site, and why; also of a site that could not be drilled at all."""
    finding = {"name": "ledger", "outcome": "failed", "text": "Debit is not credit."}
    results = [
        {"site": "passed.example.com", "record": sample_drill(), "error": ""},
        {"site": "books.example.com", "record": sample_drill(outcome="failed", findings=[finding], error=FAILURE)},
        {"site": "busy.example.com", "record": {}, "error": "Another drill is under way."},
        {"site": "broken.example.com", "record": sample_drill(**NOTHING)},
    ]
    assert drill_lines(results) == [
        "FAILED books.example.com (20261121_020000-erp), recovered in 10 min 50 s",
        "  Debit is not credit.",
        "FAILED broken.example.com",
        "  Debit is not credit.",
        "FAILED busy.example.com: Another drill is under way.",
        "passed passed.example.com (20261121_020000-erp), recovered in 10 min 50 s",
    ]
