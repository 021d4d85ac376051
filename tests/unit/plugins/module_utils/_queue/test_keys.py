"""What RQ and Frappe write into ids and times."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.keys import site_of, texts, utc_time


@pytest.mark.parametrize(
    ("job_id", "site"),
    [
        ("a.example::5f0c", "a.example"),
        ("a.example::scheduled_job::frappe.email.queue.flush", "a.example"),
        ("a.example||5f0c", "a.example"),
        ("a.example||scheduled_job||frappe.email.queue.flush", "a.example"),
        ("a.example||id::with::colons", "a.example"),
        ("a.example::id||with||bars", "a.example"),
        ("lifeboat-5f0c", ""),
        ("", ""),
    ],
)
def test_site_is_what_an_id_begins_with(job_id: str, site: str) -> None:
    assert site_of(job_id) == site


def test_times_and_texts() -> None:
    assert utc_time("2026-11-21T09:15:09.500000Z") == datetime(2026, 11, 21, 9, 15, 9, 500000, tzinfo=timezone.utc)
    assert utc_time("") is None
    assert texts([b"a", None, b"\xff"]) == ["a", "", "\ufffd"]
