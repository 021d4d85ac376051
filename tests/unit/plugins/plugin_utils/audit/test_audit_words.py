"""The words of an audit, and the texts that are made harmless."""

from __future__ import annotations

import math

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.cleaning import (
    LONGEST_TEXT,
    clean_text,
    clean_value,
)
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.overview import support_of
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.words import day_text, hours_between, names_text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_names(names: list[str], text: str) -> None:
    assert names_text(names) == text


def test_days() -> None:
    assert day_text("2026-11-01T06:00:00Z") == "1 Nov 2026"
    assert day_text("never") == "never"


def test_hours() -> None:
    assert hours_between("2026-11-20T06:00:00Z", "2026-11-21T07:30:00+00:00") == 25.5
    assert hours_between("", "2026-11-21T06:00:00Z") is None
    assert hours_between("2026-11-20T06:00:00", "2026-11-21T06:00:00Z") is None


@pytest.mark.parametrize(
    ("end_of_life", "support"),
    [
        ("2026-11-20", "ended"),
        ("2026-11-21", "soon"),
        ("2028-01-01", "supported"),
        ("", "unknown"),
        ("some day", "unknown"),
    ],
)
def test_support(end_of_life: str, support: str) -> None:
    assert support_of(end_of_life, "2026-11-21T06:00:00Z") == support


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain ünïcödé ✓", "plain ünïcödé ✓"),
        ("two\nlines\tand\x00\x1b[31m", "two lines and\ufffd\ufffd[31m"),
        ("abc\u202edcba", "abcdcba"),
        ("क्\u200dष", "क्\u200dष"),
        ("\ud800", "\ufffd"),
        ("a\u00a0b", "a b"),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_long_texts_are_cut() -> None:
    assert len(clean_text("x" * 10 * LONGEST_TEXT)) == LONGEST_TEXT


def test_clean_value_reaches_everything() -> None:
    dirty = {"a\n": ["b\x00", ("c", 1, True, None)], "n": math.inf, "o": {1, 2}.__class__}
    cleaned = clean_value(dirty)
    assert cleaned["a "] == ["b\ufffd", ["c", 1, True, None]]
    assert cleaned["n"] is None
    assert isinstance(cleaned["o"], str)
