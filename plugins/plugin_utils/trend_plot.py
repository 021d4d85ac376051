# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trend of drills as a plot, worked out as numbers that a template writes down as SVG. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .texts import count_text, duration_text

WIDTH, HEIGHT = 720.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 12.0, 22.0, 34.0
MOST_BARS = 30
WIDEST_BAR = 44.0
BAR_SHARE = 0.7
TICKS = 4
# A line this many times above the highest bar would press all bars to the floor: then the text alone says it.
LINE_LIMIT = 3.0
STEPS = (1, 2, 3, 5, 10, 15, 20, 30)
UNITS = (0.001, 0.01, 0.1, 1.0, 60.0, 3600.0)


def trend_plot(
    earlier: Sequence[Mapping[str, Any]],
    this: Mapping[str, Any],
    budget_seconds: float,
    median_seconds: float | None,
) -> dict[str, Any]:
    """Return the plot of the times of drills: a bar each, a line for the budget and one for the median.

    Args:
        earlier: Comparable drills, oldest first: ``at`` (RFC 3339), ``seconds``, ``outcome``.
        this: The drill that is reported, in the same shape.
        budget_seconds: 0 for no budget.
        median_seconds: None while there are too few drills.

    Returns:
        ``width``, ``height``, ``left``, ``right`` and ``floor`` of the plot; ``ticks``, ``bars`` and ``lines`` with
        their places; ``title`` and ``description`` for those who do not see it.
    """
    shown = [*earlier, this][-MOST_BARS:]
    highest = max(float(drill["seconds"]) for drill in shown)
    lines = [
        (name, seconds)
        for name, seconds in (("budget", budget_seconds), ("median", median_seconds or 0.0))
        if 0 < seconds <= LINE_LIMIT * highest
    ]
    step = _step(max([highest, *(seconds for _name, seconds in lines)]) / TICKS)
    top = step * TICKS

    def height_of(seconds: float) -> float:
        return round((HEIGHT - TOP - BOTTOM) * min(seconds / top, 1.0), 1)

    floor = HEIGHT - BOTTOM
    pitch = (WIDTH - LEFT - RIGHT) / len(shown)
    width = round(min(pitch * BAR_SHARE, WIDEST_BAR), 1)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "floor": floor,
        "ticks": [
            {"y": round(floor - height_of(step * number), 1), "label": duration_text(step * number)}
            for number in range(1, TICKS + 1)
        ],
        "bars": [
            {
                "x": round(LEFT + pitch * (number + 0.5) - width / 2, 1),
                "y": round(floor - height_of(drill["seconds"]), 1),
                "width": width,
                "height": height_of(drill["seconds"]),
                "is_this": number == len(shown) - 1,
                "failed": drill["outcome"] == "failed",
                "label": f"{_day(drill)}: {duration_text(drill['seconds'])}, {drill['outcome']}",
            }
            for number, drill in enumerate(shown)
        ],
        "lines": [
            {
                "name": name,
                "y": round(floor - height_of(seconds), 1),
                "label": f"{name} {duration_text(seconds)}",
            }
            for name, seconds in lines
        ],
        "first_day": _day(shown[0]) if len(shown) > 1 else "",
        "last_day": _day(this),
        "title": f"What a recovery took in the last {count_text(len(shown), 'comparable drill')}",
        "description": _description(shown, budget_seconds, median_seconds),
    }


def _description(shown: Sequence[Mapping[str, Any]], budget_seconds: float, median_seconds: float | None) -> str:
    sentences = [f"This drill: {duration_text(shown[-1]['seconds'])}."]
    if len(shown) > 1:
        seconds = [float(drill["seconds"]) for drill in shown[:-1]]
        sentences.append(f"Those before it: from {duration_text(min(seconds))} to {duration_text(max(seconds))}.")
    if median_seconds is not None:
        sentences.append(f"The median of the last five before it: {duration_text(median_seconds)}.")
    if budget_seconds:
        sentences.append(f"The budget: {duration_text(budget_seconds)}.")
    return " ".join(sentences)


def _step(least: float) -> float:
    """Return the smallest round step that is not less."""
    steps = [unit * step for unit in UNITS for step in STEPS]
    return next((step for step in sorted(steps) if step >= least), float(least))


def _day(drill: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(str(drill["at"]).replace("Z", "+00:00")).strftime("%d %b %Y")
