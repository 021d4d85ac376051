"""The plot of the trend of drills, as numbers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.trend_plot import trend_plot

from tests.unit.plugins.plugin_utils.drill_samples import sample_history


def this(seconds: float) -> dict[str, Any]:
    """Return the drill that is reported."""
    return {"at": "2026-11-21T03:00:00Z", "seconds": seconds, "outcome": "passed"}


def test_bars_stand_on_the_floor_and_the_last_one_is_this_drill() -> None:
    """In their order, none wider than its place."""
    plot = trend_plot(sample_history(3), this(1200.0), 0, None)
    bars = plot["bars"]
    assert [column["is_this"] for column in bars] == [False, False, False, True]
    assert [column["failed"] for column in bars] == [False, True, False, False]
    assert all(column["y"] + column["height"] == pytest.approx(plot["floor"]) for column in bars)
    assert all(one["x"] + one["width"] < other["x"] for one, other in zip(bars, bars[1:]))
    assert bars[3]["height"] == pytest.approx(2 * bars[0]["height"], rel=0.01)
    assert bars[3]["label"] == "21 Nov 2026: 20 min, passed"
    assert (plot["first_day"], plot["last_day"], plot["lines"]) == ("01 Oct 2026", "21 Nov 2026", [])


def test_the_scale_is_round_and_holds_everything() -> None:
    """Also the budget."""
    plot = trend_plot([], this(700.0), 1800.0, 650.0)
    assert [tick["label"] for tick in plot["ticks"]] == ["10 min", "20 min", "30 min", "40 min"]
    assert [line["label"] for line in plot["lines"]] == ["budget 30 min", "median 10 min 50 s"]
    assert all(plot["ticks"][-1]["y"] <= line["y"] < plot["floor"] for line in plot["lines"])
    assert plot["lines"][0]["y"] == plot["ticks"][2]["y"]


def test_a_budget_far_above_does_not_press_the_bars_to_the_floor() -> None:
    """The text says it."""
    plot = trend_plot([], this(2.0), 1800.0, None)
    assert plot["lines"] == []
    assert plot["bars"][0]["height"] > 100
    assert plot["description"] == "This drill: 2 s. The budget: 30 min."


def test_no_more_drills_are_shown_than_fit() -> None:
    """The newest ones."""
    plot = trend_plot(sample_history(31), this(600.0), 0, 600.0)
    assert len(plot["bars"]) == 30
    assert plot["title"] == "What a recovery took in the last 30 comparable drills"
    assert plot["description"] == (
        "This drill: 10 min. Those before it: from 10 min 2 s to 10 min 30 s. "
        "The median of the last five before it: 10 min."
    )


@pytest.mark.parametrize("seconds", [0.0, 0.003, 0.3, 7.0, 86400.0, 10.0**7], ids=str)
def test_any_time_can_be_plotted(seconds: float) -> None:
    """From nothing to months."""
    plot = trend_plot([], this(seconds), 0, None)
    (column,) = plot["bars"]
    assert 0 <= column["height"] <= plot["floor"]
    assert len(plot["ticks"]) == 4
