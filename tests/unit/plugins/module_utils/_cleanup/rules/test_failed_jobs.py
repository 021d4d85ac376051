"""Which failed jobs are no longer needed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.bench_queue import rq_time
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.failed_jobs import (
    FailedEntry,
    jobs_of_removed_sites,
    old_jobs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

NOW = 1_800_000_000.0


def entry(name: str, age_days: float, error: str = "") -> FailedEntry:
    return FailedEntry(name, rq_time(NOW - age_days * 86400), error)


def test_newest_of_each_error_stays_and_what_rq_forgot_goes() -> None:
    entries = [
        entry("a-old", 20, "A"),
        entry("a-older", 30, "A"),
        entry("b-sample", 40, "B"),
        entry("a-new", 1, "A"),
        entry("b-older", 50, "B"),
        entry("no text", 10),
        FailedEntry("forgotten", ""),
    ]
    assert old_jobs(entries, rq_time(NOW - 7 * 86400)) == ["forgotten", "b-older", "a-older", "a-old", "no text"]


def test_jobs_of_sites_that_are_there_stay() -> None:
    entries = [entry("a.example::1", 2), entry("gone.example::2", 2), entry("gone.example||3", 0.5), entry("4", 9)]
    assert jobs_of_removed_sites(entries, {"a.example"}, rq_time(NOW - 86400)) == ["gone.example::2"]


@pytest.mark.parametrize(
    "values",
    [{"days": 3}, {"older_than_days": "soon"}, {"older_than_days": -1}, {"older_than_days": None}],
    ids=["setting", "text", "negative", "nothing"],
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(LifeboatError) as refused:
        chosen_tasks({"failed_jobs": values})
    assert refused.value.error_code == "rule_invalid"
