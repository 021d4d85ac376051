"""The line for Nagios."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import summarise
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.nagios import MOST_BYTES, nagios_line

from tests.health_findings import make_finding

PERFORMANCE = re.compile(r"(?:'[^'=]*'|[a-z]+)=-?[\d.e+-]+(?:%|s|B)?;[\d.:@~-]*;[\d.:@~-]*(?:;[\d.]*;[\d.]*)?")


def line_of(findings: list[Finding]) -> tuple[str, int]:
    return nagios_line(findings, summarise(findings))


@pytest.mark.parametrize(
    ("severities", "word", "exit_code"),
    [
        (["ok", "critical", "warning"], "CRITICAL", 2),
        (["ok", "warning", "unknown"], "WARNING", 1),
        (["ok", "unknown", "skipped"], "UNKNOWN", 3),
        (["ok", "skipped"], "OK", 0),
        (["skipped"], "UNKNOWN", 3),
        ([], "UNKNOWN", 3),
    ],
)
def test_exit_code_is_that_of_the_worst(severities: list[str], word: str, exit_code: int) -> None:
    line, code = line_of([make_finding(severity=severity) for severity in severities])
    assert code == exit_code
    assert line.startswith(f"LIFEBOAT {word}: ")


def test_line_tells_the_worst_first_and_its_numbers() -> None:
    line, _code = line_of(
        [
            make_finding("X01", "warning", text="a bit", value=12.5, unit="percent", item="/"),
            make_finding("X02", "critical", text="a lot", value=3, unit="seconds", target="erp", warning="1:"),
            make_finding("X03", text="fine", value=None),
        ]
    )
    assert line == (
        "LIFEBOAT CRITICAL: 1 critical, 1 warning, 1 ok, score 91; X02 erp: a lot; X01 host /: a bit | "
        "score=91;;;0;100 coverage=100%;;;0;100 'X02 erp'=3s;1:;20 'X01 host /'=12.5%;10;20"
    )


def test_texts_cannot_break_the_line() -> None:
    hostile = "a|b\nc'd=e 😱"
    line, _code = line_of([make_finding("X01", "critical", text=hostile, item=hostile, target=hostile)])
    assert "\n" not in line
    text, _bar, performance = line.partition(" | ")
    assert "|" not in text + performance
    rest = PERFORMANCE.sub("", performance)
    assert rest.strip() == "", rest


def test_line_is_bounded_whatever_was_found() -> None:
    findings = [
        make_finding(f"X{number:02}", severity, item="😱" * 300, text="é" * 1000)
        for number in range(99)
        for severity in ("critical", "ok")
    ]
    line, code = line_of(findings)
    assert len(line.encode()) <= MOST_BYTES == 4096
    assert code == 2
    assert " | score=" in line
    rest = PERFORMANCE.sub("", line.partition(" | ")[2])
    assert rest.strip() == "", "no part is cut in the middle"
