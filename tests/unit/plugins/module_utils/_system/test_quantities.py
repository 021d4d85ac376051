from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.quantities import (
    bytes_text,
    count_text,
    duration_text,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (412 * 2**20, "412.0 MiB"), (3 * 2**40, "3.0 TiB")],
)
def test_bytes(count: int, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0574, "57 ms"),
        (0.4213, "0.42 s"),
        (5.0, "5 s"),
        (14.6, "15 s"),
        (59.7, "1 min"),
        (123, "2 min 3 s"),
        (3600, "1 h"),
        (11_520, "3 h 12 min"),
        (86_400, "1 day"),
        (5 * 86_400 + 7_300, "5 days 2 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_count() -> None:
    assert (count_text(1, "table"), count_text(1204, "table")) == ("1 table", "1,204 tables")
