"""The health of hosts as lines, and as one small document."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.filter import health_lines as lines_filter
from ansible_collections.lifeboat.frappe.plugins.filter import health_stats as stats_filter
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Remediation
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import MOST_BYTES, summarise
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.health_text import health_lines, health_stats

from tests.health_findings import make_finding


def result(*findings: Finding, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"summary": summarise(findings), "notes": list(notes)}


def test_verdict_comes_first_and_then_what_to_do() -> None:
    lines = health_lines(
        result(
            make_finding("X01", "warning", item="/", text="a bit"),
            make_finding("X02", "critical", text="a lot", remediation=Remediation("Restart it.")),
            make_finding("X03"),
            notes=("No bench was found.",),
        ),
        "app1",
    )
    assert lines == [
        "app1: CRITICAL. 1 critical, 1 warning, 1 ok.",
        "Score 91 of 100; 100 % of what applies here could be judged.",
        "CRITICAL  X02 Something made up (host): a lot",
        "          Restart it.",
        "WARNING   X01 Something made up (host /): a bit",
        "          Do something. Or run lifeboat.frappe.recover.",
        "Note: No bench was found.",
    ]


def test_what_is_well_is_said_in_two_lines() -> None:
    assert health_lines(result(make_finding()), "app1")[0] == "app1: OK. 1 ok."
    assert len(health_lines(result(make_finding()), "app1")) == 2
    assert health_lines(result(), "app1")[0] == "app1: OK. Nothing was checked."


def test_more_than_ten_are_counted() -> None:
    lines = health_lines(result(*(make_finding(f"X{number:02}", "unknown") for number in range(12))), "app1")
    assert lines[0].startswith("app1: UNKNOWN.")
    assert lines[-1].startswith("2 more are in")


def test_statistics_are_of_all_hosts() -> None:
    bad = summarise([make_finding("X01", "critical"), make_finding("X02")])
    good = summarise([make_finding("X01", "warning"), make_finding("X02")])
    stats = health_stats([["good", good], ["bad", bad], ["gone", {}]])
    assert stats["counts"] == {"critical": 1, "warning": 1, "unknown": 0, "ok": 2, "skipped": 0, "accepted": 0}
    assert (stats["hosts"], stats["unreachable"], stats["unreachable_hosts"]) == (3, 1, ["gone"])
    assert (stats["score"], stats["coverage"]) == (94, 66.7)
    assert [(finding["host"], finding["severity"]) for finding in stats["worst"]] == [
        ("bad", "critical"),
        ("good", "warning"),
    ]


def test_statistics_of_no_host() -> None:
    assert health_stats([["gone", {}]])["score"] == 0
    assert health_stats([])["coverage"] == 0


def test_statistics_are_small_whatever_was_found() -> None:
    huge = "😱" * 10_000
    summary = summarise([make_finding(f"X{number:02}", "critical", text=huge, target=huge) for number in range(20)])
    stats = health_stats([(f"{number}{huge}", summary) for number in range(300)])
    assert len(json.dumps(stats)) <= MOST_BYTES
    assert stats["worst"]
    silent = health_stats([(f"{number}.example.com", {}) for number in range(300)])
    assert (silent["unreachable"], len(silent["unreachable_hosts"])) == (300, 10)


def test_filters_are_offered_by_their_names() -> None:
    assert lines_filter.FilterModule().filters() == {"health_lines": health_lines}
    assert stats_filter.FilterModule().filters() == {"health_stats": health_stats}
