"""How a measurement becomes a finding."""

from __future__ import annotations

import json
import math

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import (
    CRITICAL,
    OK,
    SKIPPED,
    UNKNOWN,
    WARNING,
    Acceptance,
    Thresholds,
    finding_without_value,
    judge,
    one_line,
    thresholds_of,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Measurement

from tests.health_findings import make_check, make_finding

CHECK = make_check()
OWN = Thresholds("10", "20")


@pytest.mark.parametrize(
    ("value", "severity"),
    [(5, OK), (15, WARNING), (25, CRITICAL), (None, UNKNOWN), (math.inf, CRITICAL)],
)
def test_thresholds_judge_a_value(value: float | None, severity: str) -> None:
    assert judge(CHECK, "host", Measurement(value), OWN).severity == severity


def test_what_no_number_can_say_overrides_the_thresholds() -> None:
    assert judge(CHECK, "host", Measurement(5, severity=CRITICAL), OWN).severity == CRITICAL


def test_thresholds_of_the_user_replace_one_by_one() -> None:
    assert thresholds_of(CHECK, {}) == OWN
    assert thresholds_of(CHECK, {"X01": {"warning": "5"}}) == Thresholds("5", "20")
    off = thresholds_of(CHECK, {"X01": {"warning": "", "critical": ""}})
    assert judge(CHECK, "host", Measurement(1e9), off).severity == OK


def test_json_knows_no_infinity() -> None:
    finding = judge(CHECK, "host", Measurement(math.inf), OWN)
    assert finding.value is None
    assert "Infinity" not in json.dumps(finding.as_dict())


def test_finding_without_a_value_tells_its_reason() -> None:
    finding = finding_without_value(CHECK, "host", SKIPPED, "there is none", OWN)
    assert (finding.severity, finding.text, finding.value) == (SKIPPED, "there is none", None)


def test_texts_of_hosts_are_single_short_lines() -> None:
    hostile = "a\nb\x1b[31m\u2028c\t" + "x" * 5000
    finding = judge(CHECK, "host", Measurement(1, hostile, hostile, (hostile,) * 50), OWN)
    texts = (finding.item, finding.text, *finding.evidence)
    assert all(text.startswith("a b[31m c ") and text.endswith("…") and len(text) == 400 for text in texts)
    assert len(finding.evidence) == 10
    assert one_line("short") == "short"


def test_the_fact_stays_on_the_host() -> None:
    finding = judge(CHECK, "host", Measurement(1, fact="a fingerprint"), OWN)
    assert finding.fact == "a fingerprint"
    assert "a fingerprint" not in json.dumps(finding.as_dict())


def test_dict_holds_the_acceptance() -> None:
    assert make_finding().as_dict()["accepted"] is None
    accepted = Acceptance("X01", "why", "who", "2027-01-31")
    finding = make_finding(item="/", target="host")
    assert finding.key == "X01|host|/"
    assert type(finding)(**{**finding.__dict__, "accepted": accepted}).as_dict()["accepted"]["owner"] == "who"
