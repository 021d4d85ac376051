from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.times import parse_rfc3339


@pytest.mark.parametrize("text", ["2026-11-21T03:15:22Z", "2026-11-21T03:15:22+00:00", "2026-11-21T08:45:22+05:30"])
def test_a_moment_is_read_with_its_offset(text):
    assert parse_rfc3339(text) == datetime(2026, 11, 21, 3, 15, 22, tzinfo=timezone.utc)


def test_an_offset_is_kept():
    assert parse_rfc3339("2026-11-21T08:45:22+05:30").utcoffset() == timedelta(hours=5, minutes=30)
