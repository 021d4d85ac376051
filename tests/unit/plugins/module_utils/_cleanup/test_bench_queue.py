"""Which jobs name a site that is not there, and how RQ writes times."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.bench_queue import is_of_removed_site, rq_time


@pytest.mark.parametrize(
    ("job", "is_removed"),
    [
        ("gone.example::1", True),
        ("gone.example||1", True),
        ("a.example::1", False),
        ("a.example::gone.example::1", False),
        ("no-site", False),
        ("", False),
    ],
)
def test_only_a_job_that_names_a_site_can_be_of_a_removed_one(job: str, is_removed: bool) -> None:
    assert is_of_removed_site(job, {"a.example", "b.example"}) is is_removed


def test_times_have_the_order_of_their_texts() -> None:
    moments = [0.0, 999_999_999.5, 1_000_000_000.25, 4_000_000_000.0]
    assert sorted(map(rq_time, moments)) == list(map(rq_time, moments))
    assert rq_time(0.5) == "1970-01-01T00:00:00.500000Z"
