from __future__ import annotations

from dataclasses import replace

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance, Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.advice import (
    CHECKS,
    advice_lines,
    work_out,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_plan import CountProposal
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.redis_plan import RedisChange
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_plan import RestartStep


def finding(check_id: str, severity: str = "warning") -> Finding:
    return Finding(
        id=check_id,
        name="x",
        title="X",
        subject="host",
        target="host",
        item="",
        severity=severity,
        value=1.0,
        unit="bool",
        warning="0",
        critical="",
        text="it is wrong",
        evidence=(),
        impact="low",
        remediation="Mend it.",
        playbook="",
    )


def test_checks_are_checks() -> None:
    assert set(CHECKS) <= {check.id for check in all_checks()}


def test_steps_go_from_the_smallest_to_the_one_that_touches_most() -> None:
    found = work_out(
        [finding("D20"), finding("H25"), finding("H05", "ok")],
        [RedisChange("queue", "save", "", "60 1", "jobs are lost")],
        [CountProposal("gunicorn_workers", 2, 3, "they wait"), CountProposal("background_workers", 1, 1, "idle")],
        [RestartStep("web", "web", 1, "reload", "its code was changed")],
    )
    assert advice_lines(found) == [
        "redis: queue save: from nothing to 60 1, jobs are lost.",
        "kernel: H25 host: it is wrong.",
        "workers: gunicorn_workers from 2 to 3: they wait.",
        "restart: web web: its code was changed.",
        "advice: D20 host: it is wrong. Mend it.",
        "To have it done: -e apply=redis,kernel,workers,restart   (only restarts need no asking)",
    ]
    restarts = [each for each in found if each.action == "restart"]
    assert advice_lines(restarts) == ["restart: web web: its code was changed."]


def test_what_another_step_mends_is_said_once() -> None:
    changes = [RedisChange("queue", "save", "", "60 1", "jobs are lost")]
    found = work_out([finding("R02"), finding("R05")], changes, [], [])
    assert [each.action for each in found] == ["redis", "advice"]
    assert found[1].reason.startswith("R02 ")


def test_restart_that_is_refused_is_nothing_to_ask_for() -> None:
    found = work_out([], [], [], [RestartStep("refused", "/bench", 0, "", "Refused to restart it")])
    assert advice_lines(found) == ["advice: Refused to restart it."]


def test_nothing_wrong_is_said() -> None:
    accepted = replace(finding("D20"), accepted=Acceptance("D20", "so be it", "a@b.c", "2030-01-01"))
    assert advice_lines(work_out([accepted], [], [], [])) == [
        "Nothing that was measured is slow or wrong: nothing is to be changed."
    ]
