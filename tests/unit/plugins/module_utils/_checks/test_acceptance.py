"""Findings that somebody accepted."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.acceptance import (
    apply_acceptances,
    days_expired,
    read_acceptances,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.health_findings import make_finding

GIVEN = {"id": "X01", "reason": "It is known", "owner": "ops", "expires": "2027-01-31", "target": None}
ACCEPTED = Acceptance("X01", "It is known", "ops", "2027-01-31")
TODAY = date(2027, 1, 31)


def test_acceptance_is_read() -> None:
    assert read_acceptances([GIVEN], {"X01"}) == (ACCEPTED,)
    assert read_acceptances([], set()) == ()


@pytest.mark.parametrize(
    ("changes", "error_code"),
    [
        ({"id": "X99"}, "check_unknown"),
        ({"id": "A01"}, "acceptance_invalid"),
        ({"expires": "soon"}, "acceptance_invalid"),
        ({"expires": "2027-02-30"}, "acceptance_invalid"),
        ({"expires": ""}, "acceptance_invalid"),
        ({"owner": " "}, "acceptance_invalid"),
        ({"reason": ""}, "acceptance_invalid"),
    ],
)
def test_acceptance_that_cannot_be_meant_is_refused(changes: dict[str, str], error_code: str) -> None:
    with pytest.raises(LifeboatError) as error:
        read_acceptances([{**GIVEN, **changes}], {"X01", "A01"})
    assert error.value.error_code == error_code


@pytest.mark.parametrize("severity", ["critical", "warning", "unknown"])
def test_it_covers_every_target_until_its_day(severity: str) -> None:
    findings = [make_finding("X01", severity, target="a"), make_finding("X02", severity)]
    assert [finding.accepted for finding in apply_acceptances(findings, [ACCEPTED], TODAY)] == [ACCEPTED, None]
    assert not any(finding.accepted for finding in apply_acceptances(findings, [ACCEPTED], date(2027, 2, 1)))


@pytest.mark.parametrize("severity", ["ok", "skipped"])
def test_what_is_not_wrong_needs_none(severity: str) -> None:
    (finding,) = apply_acceptances([make_finding("X01", severity)], [ACCEPTED], TODAY)
    assert finding.accepted is None


def test_it_may_be_about_one_target() -> None:
    only = Acceptance("X01", "why", "who", "2027-01-31", "a")
    findings = [make_finding("X01", "critical", target=target) for target in ("a", "b")]
    assert [bool(finding.accepted) for finding in apply_acceptances(findings, [only], TODAY)] == [True, False]


def test_days_are_counted_from_the_day_after() -> None:
    assert [days_expired(ACCEPTED, date(2027, month, 1)) for month in (1, 2, 3)] == [0, 1, 29]
