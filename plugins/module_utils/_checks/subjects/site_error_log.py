"""Check of the errors that a site has logged. Their titles are text of whoever made them happen."""

from __future__ import annotations

import hashlib
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from ..._system.quantities import DAY_SECONDS
from ..findings import one_line
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

# Above either, Frappe's report marks the errors of a day.
MANY_ERRORS = 50
MANY_OF_ONE = 10
BASELINE_DAYS = 7
BASELINE_FACTOR = 10
# More rows are not read: the number is then a lower bound.
ROWS_READ = 20000
TITLES_SHOWN = 5
TITLES_REMEMBERED = 100
TITLE_CHARACTERS = 80
MARK_CHARACTERS = 8
_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")


@check(
    "F08",
    "error_log.rate",
    title="Errors of the last day",
    subject="site",
    target=SiteTarget,
    measures="Rows of the Error Log of the last 24 hours",
    source="tabError Log",
    unit="count",
    warning="50",
    impact="medium",
    remediation=Remediation("Open Error Log, and mend the cause of the most frequent error first."),
    reference="Frappe's System Health Report (50 in a day, 10 of one kind); critical at ten times the usual number",
)
def error_log_rate(site: SiteTarget) -> Iterator[Measurement]:
    """Count the errors of a day, and tell which are the most frequent and which are new since the last run."""
    day_ago = site.local_now - timedelta(days=1)
    rows = site.query(
        "SELECT method FROM `tabError Log` WHERE creation > %s AND modified > %s LIMIT %s",
        (day_ago, day_ago, ROWS_READ),
    )
    titles = Counter(readable_title(str(method or "without a title")) for (method,) in rows)
    known = set(site.surroundings.history.fact("F08", site.name).split())
    frequent = titles.most_common(TITLES_SHOWN)
    new = [title for title, _count in titles.most_common() if known and _mark(title) not in known]
    marks = [_mark(title) for title, _count in titles.most_common(TITLES_REMEMBERED)]
    yield Measurement(
        len(rows),
        text=_text(len(rows), len(titles), len(new)),
        evidence=(
            *(f"{count} times: {title}" for title, count in frequent),
            *(f"new: {title}" for title in new[:TITLES_SHOWN]),
        ),
        severity=_severity(len(rows), frequent[0][1] if frequent else 0, usual_count(site)),
        fact=" ".join(marks) or "none",
    )


def usual_count(site: SiteTarget) -> float:
    """Return the number of errors in a day that the runs of the last days saw, 0 where there were none."""
    oldest = site.now_seconds - BASELINE_DAYS * DAY_SECONDS
    points = site.surroundings.history.points("F08", site.name)
    return statistics.median([point.value for point in points if point.at_seconds >= oldest] or [0])


def readable_title(title: str) -> str:
    """Return a title on one line, short, and without addresses of people."""
    return one_line(_ADDRESS.sub("...@...", title), TITLE_CHARACTERS)


def _mark(title: str) -> str:
    return hashlib.sha256(title.encode(errors="replace")).hexdigest()[:MARK_CHARACTERS]


def _text(count: int, kinds: int, new: int) -> str:
    if not count:
        return "no error in the last 24 hours"
    at_least = "at least " if count == ROWS_READ else ""
    return f"{at_least}{count} errors of {kinds} kinds in the last 24 hours" + (f", {new} kinds are new" if new else "")


def _severity(count: int, most_of_one: int, usual: float) -> str:
    if usual and count > max(MANY_ERRORS, BASELINE_FACTOR * usual):
        return "critical"
    return "warning" if most_of_one > MANY_OF_ONE else ""
