from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.fixes import FixPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.problems import (
    ALSO_SEEN,
    STAGES,
    Problem,
    diagnose,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.report_lines import report_lines


def finding(check: str, severity: str, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "id": check,
        "name": "a.b",
        "title": "",
        "subject": "site",
        "target": "a.example",
        "item": "",
        "severity": severity,
        "value": 1.0,
        "unit": "count",
        "warning": "",
        "critical": "",
        "text": f"{check} says so",
        "evidence": (),
        "impact": "high",
        "remediation": f"mend {check}",
        "playbook": "",
    }
    return Finding(**{**values, **changes})


ALL_OK = [finding(check, "ok") for checks in STAGES.values() for check in checks]


def but(*changed: Finding) -> list[Finding]:
    """All is well but for these."""
    ids = {each.id for each in changed}
    return [*(each for each in ALL_OK if each.id not in ids), *changed]


def test_the_checks_exist() -> None:
    known = {check.id: check for check in all_checks()}
    wanted = {check for checks in STAGES.values() for check in checks} | set(ALSO_SEEN)
    assert wanted <= set(known)
    assert not [check for checks in STAGES.values() for check in checks if known[check].is_sampled]


def test_all_well_is_healthy() -> None:
    diagnosis = diagnose(ALL_OK, {})
    assert diagnosis.is_healthy
    assert diagnosis.first is None
    assert diagnosis.as_dict()["broken"] == {}


def test_first_is_the_earliest_stage_and_not_the_first_finding() -> None:
    diagnosis = diagnose(but(finding("W01", "critical"), finding("R01", "critical"), finding("D01", "critical")), {})
    assert [problem.stage for problem in diagnosis.broken] == ["database", "redis", "web"]
    assert diagnosis.states["database"] == "broken"
    assert diagnosis.states["apps"] == "ok"
    assert not diagnosis.is_healthy


def test_forgotten_maintenance_comes_before_the_switches_that_it_turns() -> None:
    diagnosis = diagnose(but(finding("F05", "critical"), finding("F12", "warning")), {})
    assert [problem.check for problem in diagnosis.broken] == ["F12", "F05"]


@pytest.mark.parametrize(
    ("check", "severity", "is_broken"),
    [
        ("Q01", "warning", True),
        ("F12", "warning", True),
        ("F04", "warning", False),
        ("W01", "warning", False),
        ("H01", "critical", False),
        ("F15", "critical", False),
    ],
)
def test_what_breaks_a_site(check: str, severity: str, is_broken: bool) -> None:
    diagnosis = diagnose(but(finding(check, severity)), {})
    assert bool(diagnosis.broken) is is_broken
    assert [problem.check for problem in diagnosis.also] == ([] if is_broken else [check])


def test_what_was_not_looked_at_is_not_well() -> None:
    diagnosis = diagnose(but(finding("F03", "unknown")), {})
    assert diagnosis.states["apps"] == "unknown"
    assert not diagnosis.is_healthy
    assert [problem.check for problem in diagnosis.also] == ["F03"]
    without = diagnose([each for each in ALL_OK if each.id != "F03"], {})
    assert without.states["apps"] == "unknown"


def test_what_is_unknown_because_of_what_is_broken_is_not_told() -> None:
    assert not diagnose(but(finding("D01", "critical"), finding("F03", "unknown")), {}).also


def test_what_does_not_apply_is_well() -> None:
    assert diagnose(but(finding("R05", "skipped")), {}).is_healthy


def test_command_is_that_of_the_situation_or_the_remedy() -> None:
    broken = finding("D01", "critical")
    assert diagnose(but(broken), {broken.key: "start it"}).broken[0].command == "start it"
    assert diagnose(but(broken), {}).broken[0].command == "mend D01"


def test_problem_that_no_check_sees_comes_first_in_its_stage() -> None:
    own = Problem("configuration", "", "critical", "a.example", "", "nobody may read it", "chmod", "")
    diagnosis = diagnose(but(finding("F01", "critical")), {}, [own])
    assert diagnosis.first == own
    assert own.as_dict()["text"] == "nobody may read it"


def test_lines_name_the_first_then_the_rest() -> None:
    also = [finding(check, "warning") for check in ALSO_SEEN[:10]]
    diagnosis = diagnose([*but(finding("D01", "critical"), finding("Q01", "warning", item="long")), *also], {})
    lines = report_lines("a.example", diagnosis, diagnosis, FixPlan((), ["pause_scheduler is on."]), [], fix=False)
    assert lines[:3] == [
        "a.example IS BROKEN at database   (configuration > DATABASE > redis > apps > migrations > SERVICES > web)",
        "  what: D01 says so",
        "  mend: mend D01",
    ]
    assert "Not mended: pause_scheduler is on." in lines
    assert "  services: long: Q01 says so" in lines
    assert lines[-1] == "  and 2 more"


def test_lines_of_what_is_well_and_of_what_is_not_known() -> None:
    well = diagnose(ALL_OK, {})
    assert report_lines("a", well, well, FixPlan((), ()), [], fix=False) == ["a: nothing keeps it from working."]
    unknown = diagnose(but(finding("F03", "unknown")), {})
    assert "not known how these are: apps" in report_lines("a", unknown, unknown, FixPlan((), ()), [], fix=False)[0]


def test_stage_that_was_left_out_on_purpose_is_no_fault() -> None:
    diagnosis = diagnose([each for each in ALL_OK if each.id != "F04"], {}, skip=["F04"])
    assert diagnosis.states["migrations"] == "skipped"
    assert diagnosis.is_healthy
    assert report_lines("a", diagnosis, diagnosis, FixPlan((), ()), [], fix=False) == [
        "a: nothing keeps it from working."
    ]
