from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.fixes import Facts, Fix, plan_fixes
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.ownership import Correction
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.problems import Diagnosis, Problem, diagnose
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.report_lines import report_lines

HOUR = 3600


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "services": (),
        "own_switches": ("maintenance_mode",),
        "held_by": "",
        "forgotten_seconds": 12 * HOUR,
        "cached_keys": 7,
        "cleared_before_seconds": None,
        "corrections": (),
    }
    return Facts(**{**values, **changes})


def maintenance(hours: float) -> Finding:
    return Finding(
        "F12",
        "a.b",
        "",
        "site",
        "a.example",
        "maintenance_mode",
        "critical",
        hours * HOUR,
        "seconds",
        "",
        "",
        "x",
        (),
        "high",
        "",
        "",
    )


def web_broken(text: str) -> Diagnosis:
    return Diagnosis({}, [Problem("web", "W01", "critical", "a.example", "bench", text, "look", "")], ())


def planned(diagnosis: Diagnosis | None = None, findings: Sequence[Finding] = (), **changes: Any) -> list[Fix]:
    return list(plan_fixes(diagnosis or diagnose([], {}), findings, facts(**changes)).fixes)


def test_services_that_their_manager_does_not_run_are_started() -> None:
    services = [
        Service("a", "supervisor", "worker", "stopped", None),
        Service("b", "systemd", "web", "stopped", None),
        Service("c", "supervisor", "worker", "running", 5),
        Service("d", "process", "worker", "stopped", None),
    ]
    fixes = planned(services=services)
    assert [(fix.kind, fix.subject, fix.before, fix.after) for fix in fixes] == [
        ("start_service", "a", "stopped", "running"),
        ("start_service", "b", "stopped", "running"),
    ]
    assert [fix.undo for fix in fixes] == ["supervisorctl stop a", "systemctl stop b"]


def test_forgotten_maintenance_is_ended() -> None:
    (fix,) = planned(findings=[maintenance(13)])
    assert (fix.kind, fix.subject, fix.before, fix.after) == ("resume", "maintenance_mode", "on", "off")


@pytest.mark.parametrize(
    ("hours", "changes", "reason"),
    [
        (11, {}, "somebody may be at work"),
        (13, {"held_by": "the recovery X"}, "the recovery X holds the site"),
        (13, {"own_switches": ()}, "for all sites of the bench"),
    ],
)
def test_other_maintenance_is_left_with_the_reason(hours: float, changes: dict[str, Any], reason: str) -> None:
    plan = plan_fixes(diagnose([], {}), [maintenance(hours)], facts(**changes))
    assert not plan.fixes
    assert reason in plan.refused[0]


def test_switch_that_is_off_is_not_worth_a_word() -> None:
    plan = plan_fixes(diagnose([], {}), [maintenance(0)], facts())
    assert not plan.fixes
    assert not plan.refused


def test_cache_is_cleared_only_where_it_may_help_and_not_again() -> None:
    error, down = web_broken("status 500: not what a site answers"), web_broken("nothing answers")
    assert [fix.kind for fix in planned(error)] == ["clear_cache"]
    assert not planned(down)
    assert not planned(error, cached_keys=0)
    assert not planned(error, cached_keys=None)
    assert not planned(error, cleared_before_seconds=HOUR - 1)
    assert planned(error, cleared_before_seconds=HOUR)


def test_permissions_come_first_and_unwanted_kinds_are_left_out() -> None:
    services = [Service("a", "supervisor", "worker", "stopped", None)]
    corrections = [Correction("/x", "owner root", "owner 1000")]
    assert [fix.kind for fix in planned(services=services, corrections=corrections)] == ["permissions", "start_service"]
    plan = plan_fixes(diagnose([], {}), [], facts(services=services, corrections=corrections), ["permissions"])
    assert [fix.kind for fix in plan.fixes] == ["permissions"]


def test_lines_of_what_may_be_and_of_what_was_mended() -> None:
    services = [Service(f"w{number}", "supervisor", "worker", "stopped", None) for number in range(12)]
    broken = web_broken("nothing answers")
    plan = plan_fixes(broken, [], facts(services=services))
    lines = report_lines("a", broken, broken, plan, [], fix=False)
    assert "This may be mended with -e fix=true:" in lines
    assert "  and 2 more to mend" in lines
    assert "Would be mended:" in report_lines("a", broken, broken, plan, [], fix=True)
    after = report_lines("a", broken, diagnose([], {}), plan, [fix.ended("running") for fix in plan.fixes], fix=True)
    assert after[:2] == ["It was broken at web: bench: nothing answers", "  mended: w0: stopped -> running"]
    assert "  and 2 more mended" in after


def test_thousands_of_corrections_are_not_all_named() -> None:
    fixes = planned(corrections=[Correction(f"/{number}", "owner root", "owner 1000") for number in range(1000)])
    assert len(fixes) == 20
    assert fixes[-1].subject == "/19 and 980 more"
