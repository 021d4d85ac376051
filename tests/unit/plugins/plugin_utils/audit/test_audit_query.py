"""Selecting findings by an expression, and what an audit publishes to its job."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit import query
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.artifact import (
    MOST_BYTES,
    artifact_lines,
    audit_artifact,
)

from tests.unit.plugins.plugin_utils.audit.answers import away, document, host, raw_finding

DOCUMENT = document(host("a", raw_finding("H01", "critical"), raw_finding("H03", "ok")), host("b"), away("c"))


@pytest.mark.parametrize(
    ("expression", "lines"),
    [
        ("findings[?severity=='critical']", ["a: H01 host: H01 is critical"]),
        ("findings[?severity=='critical'].[host, id]", ["a, H01"]),
        ("findings[?severity=='critical'].{where: host}", ["where: a"]),
        ("hosts[?state!='answered'].name", ["c"]),
        ("summary.score < `90`", ["True"]),
        ("summary.score > `90`", []),
        ("findings[?severity=='warning']", []),
        ("nothing.of.the.kind", []),
    ],
)
def test_select(expression: str, lines: list[str]) -> None:
    assert [query.selected_line(one) for one in query.select(DOCUMENT, expression)] == lines


def test_an_expression_that_is_none() -> None:
    with pytest.raises(LifeboatError) as caught:
        query.select(DOCUMENT, "findings[?")
    assert caught.value.error_code == "query_invalid"
    assert "The report was written without it" in caught.value.message


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "HAS_JMESPATH", False)
    with pytest.raises(LifeboatError) as caught:
        query.select(DOCUMENT, "findings")
    assert caught.value.error_code == "library_missing"


def test_the_artifact_says_what_counts() -> None:
    artifact = audit_artifact({**DOCUMENT, "selected": DOCUMENT["findings"]}, "/srv/reports/audit-1")
    assert artifact["headline"] == "1 of 3 hosts needs help now"
    assert artifact["worst"] == [
        {"id": "H01", "severity": "critical", "title": "Title of H01", "hosts": 1, "where": "a"},
    ]
    assert artifact_lines(artifact) == ["critical  H01 Title of H01 (a)", "did not answer: c"]
    assert artifact_lines({**artifact, "silent": ""}) == ["critical  H01 Title of H01 (a)"]
    assert (artifact["silent"], artifact["selected_count"], artifact["path"]) == ("c", 2, "/srv/reports/audit-1")


def test_the_artifact_stays_small() -> None:
    """Its texts come from hosts, and a host may send whatever it likes."""
    findings: list[dict[str, Any]] = [
        raw_finding(f"H{number:02}", "critical", title="💥" * 5000, text="ü" * 9000) for number in range(60)
    ]
    built = document(*(host(f"{number}-" + "n" * 3000, *findings) for number in range(4)))
    artifact = audit_artifact({**built, "selected": built["findings"]}, "/srv")
    assert len(json.dumps(artifact).encode()) <= MOST_BYTES
    assert artifact["counts"]["critical"] == 240
