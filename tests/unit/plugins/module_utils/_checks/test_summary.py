"""What a run comes to."""

from __future__ import annotations

import json
from datetime import date

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.acceptance import apply_acceptances
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import (
    MOST_BYTES,
    coverage_percent,
    score,
    summarise,
    worst_first,
)

from tests.health_findings import make_finding

ACCEPTED = Acceptance("X01", "why", "who", "2027-01-31")


def test_nothing_is_no_health() -> None:
    assert summarise([]) == {
        "counts": {"critical": 0, "warning": 0, "unknown": 0, "ok": 0, "skipped": 0, "accepted": 0},
        "score": 100,
        "coverage": 0.0,
        "worst": [],
    }


def test_accepted_findings_count_apart() -> None:
    findings = apply_acceptances(
        [make_finding("X01", "critical"), make_finding("X02", "critical")], [ACCEPTED], date(2027, 1, 1)
    )
    summary = summarise(findings)
    assert (summary["counts"]["critical"], summary["counts"]["accepted"]) == (1, 1)
    assert summary["score"] == 94
    assert [finding["id"] for finding in summary["worst"]] == ["X02"]


def test_score_takes_the_worst_finding_of_each_check() -> None:
    sites = [make_finding("X01", severity, target=f"{number}") for number, severity in enumerate(["warning", "ok"] * 9)]
    assert score(sites) == 97
    assert score([*sites, make_finding("X01", "critical", target="last")]) == 94
    assert score([make_finding("X01", "critical", impact="critical"), make_finding("X02", "warning")]) == 87
    assert score([make_finding("X01", "critical", impact="info")]) == 100


def test_what_is_not_known_takes_nothing() -> None:
    assert score([make_finding("X01", "unknown"), make_finding("X02", "skipped")]) == 100


def test_one_subject_takes_forty_at_most_and_the_score_ends_at_nothing() -> None:
    def dead(subject: str) -> list:
        return [make_finding(f"X{number:02}", "critical", subject=subject, impact="critical") for number in range(9)]

    assert score(dead("mariadb")) == 60
    assert score([*dead("mariadb"), *dead("redis")]) == 20
    assert score([*dead("mariadb"), *dead("redis"), *dead("site")]) == 0


def test_coverage_leaves_out_what_does_not_apply() -> None:
    severities = ["ok", "critical", "warning", "unknown", "skipped"]
    assert coverage_percent(make_finding(severity=severity) for severity in severities) == 75.0
    assert coverage_percent([make_finding(severity="skipped")]) == 0.0


def test_the_worst_come_first() -> None:
    findings = [
        make_finding("X01", "ok"),
        make_finding("X02", "unknown", impact="critical"),
        make_finding("X03", "warning", impact="low"),
        make_finding("X04", "warning", impact="high"),
        make_finding("X06", "critical", impact="low"),
        make_finding("X05", "critical", impact="low", target="b"),
        make_finding("X05", "critical", impact="low", target="a"),
        make_finding("X07", "skipped"),
    ]
    assert [(finding.id, finding.target) for finding in worst_first(findings)] == [
        ("X05", "a"),
        ("X05", "b"),
        ("X06", "host"),
        ("X04", "host"),
        ("X03", "host"),
        ("X02", "host"),
    ]
    assert len(summarise(findings * 3)["worst"]) == 10


def test_summary_is_small_whatever_the_texts() -> None:
    huge = "😱" * 50_000
    findings = [make_finding(f"X{number:02}", "critical", target=huge, item=huge, text=huge) for number in range(40)]
    summary = summarise(findings)
    assert len(json.dumps(summary)) <= MOST_BYTES == 8192
    assert summary["worst"]
    usual = summarise([make_finding(f"X{number:02}", "critical", text="x" * 500) for number in range(40)])
    assert len(usual["worst"]) == 10
