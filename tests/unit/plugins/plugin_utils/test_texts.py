from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.texts import (
    bytes_text,
    clock_text,
    count_text,
    duration_text,
    progress_text,
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


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (14.2, "0:14"), (61, "1:01"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_count() -> None:
    assert (count_text(1, "table"), count_text(1204, "table")) == ("1 table", "1,204 tables")


def progress(**changes: Any) -> dict[str, Any]:
    return {
        "step": "load",
        "done_bytes": 412 * 2**20,
        "total_bytes": 1024 * 2**20,
        "done_items": 188,
        "total_items": 404,
        "item_name": "tabGL Entry",
        "elapsed_seconds": 10.0,
        "remaining_seconds": 14.0,
        **changes,
    }


def test_progress_says_how_far_and_how_long() -> None:
    line = "alpha.localhost: load  412.0 MiB of 1.0 GiB, 188 of 404 tables, tabGL Entry, 0:14 left"
    assert progress_text("alpha.localhost", "tables", progress()) == line


def test_progress_leaves_out_what_is_not_known() -> None:
    unknown = progress(done_bytes=0, total_bytes=0, total_items=0, item_name="", remaining_seconds=None)
    assert progress_text("a", "files", unknown) == "a: load  188 files, 0:10 elapsed"
    nothing = progress(done_bytes=0, total_bytes=0, done_items=0, total_items=0, item_name="", remaining_seconds=None)
    assert progress_text("a", "files", nothing) == "a: load  0:10 elapsed"
