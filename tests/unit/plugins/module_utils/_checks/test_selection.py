"""Which checks a run takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.selection import read_thresholds, select_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.health_findings import make_check

CHECKS = [make_check("X01"), make_check("X02"), make_check("Y01", subject="site")]


@pytest.mark.parametrize(
    ("subjects", "only", "skip", "chosen"),
    [
        ((), (), (), ["X01", "X02", "Y01"]),
        (("host",), (), (), ["X01", "X02"]),
        ((), ("X02", "Y01"), (), ["X02", "Y01"]),
        (("site",), ("X02", "Y01"), (), ["Y01"]),
        ((), (), ("X01",), ["X02", "Y01"]),
    ],
)
def test_selection(subjects: Any, only: Any, skip: Any, chosen: list[str]) -> None:
    assert [check.id for check in select_checks(CHECKS, subjects, only, skip)] == chosen


@pytest.mark.parametrize("arguments", [((), ("X9",), ()), ((), (), ("x01",))])
def test_unknown_id_is_refused(arguments: Any) -> None:
    with pytest.raises(LifeboatError) as error:
        select_checks(CHECKS, *arguments)
    assert error.value.error_code == "check_unknown"


def test_thresholds_are_read() -> None:
    given = {"X01": {"warning": "5:", "critical": None}, "X02": {"critical": ""}, "Y01": {"warning": 3}}
    assert read_thresholds(given, {"X01", "X02", "Y01"}) == {
        "X01": {"warning": "5:"},
        "X02": {"critical": ""},
        "Y01": {"warning": "3"},
    }


@pytest.mark.parametrize(
    ("given", "error_code"),
    [
        ({"X9": {"warning": "1"}}, "check_unknown"),
        ({"X01": {"warning": "many"}}, "threshold_invalid"),
        ({"X01": {"warn": "1"}}, "threshold_invalid"),
        ({"X01": ["warning"]}, "threshold_invalid"),
    ],
)
def test_thresholds_that_cannot_be_meant_are_refused(given: Any, error_code: str) -> None:
    with pytest.raises(LifeboatError) as error:
        read_thresholds(given, {"X01"})
    assert error.value.error_code == error_code
