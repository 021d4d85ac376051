from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.texts import clock_text, progress_text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (14.2, "0:14"), (61, "1:01"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


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
