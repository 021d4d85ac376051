"""Every promise has at least one test that bears its number."""

from __future__ import annotations

import re

import pytest

from tests.construction.parts import texts
from tests.tools.checkout import ROOT

MARK = re.compile(r"pytest\.mark\.promise\(([\d, ]+)\)")
DESCRIBED = {
    int(number): text.strip()
    for number, text in re.findall(r"^\| (\d+) \| (.+?) \|$", (ROOT / "docs" / "promises.md").read_text(), re.MULTILINE)
}
TESTED = {
    int(number)
    for text in texts("tests/unit", "tests/integration", "tests/faults").values()
    for numbers in MARK.findall(text)
    for number in numbers.split(",")
}


@pytest.mark.parametrize("number", sorted(DESCRIBED))
def test_promise_is_tested(number: int) -> None:
    assert number in TESTED, f"no test is marked promise({number}): {DESCRIBED[number]}"


def test_every_mark_names_a_promise() -> None:
    assert not TESTED - set(DESCRIBED)
