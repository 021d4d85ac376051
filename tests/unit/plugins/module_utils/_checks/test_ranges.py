"""Threshold ranges."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.ranges import parse_range
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("10", (0, 5, 10), (-1, 10.1)),
        ("10:", (10, 1e9), (9.9, -5)),
        (":10", (0, 10), (-1, 11)),
        ("~:10", (-1e9, 10), (11,)),
        ("10:20", (10, 15, 20), (9, 21)),
        ("@10:20", (9, 21), (10, 15, 20)),
        ("-5.5:-1", (-5.5, -1), (-6, 0)),
        (" 0 ", (0,), (1, -1)),
    ],
)
def test_range(text: str, right: tuple[float, ...], wrong: tuple[float, ...]) -> None:
    parsed = parse_range(text)
    assert not [value for value in right if parsed.is_breached_by(value)]
    assert not [value for value in wrong if not parsed.is_breached_by(value)]


@pytest.mark.parametrize("text", ["", "~", "@", "a", "20:10", "10;20", "1:2:3", "-", "1e3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(LifeboatError) as error:
        parse_range(text)
    assert error.value.error_code == "threshold_invalid"
