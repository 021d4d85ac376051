"""The document of an audit: what is counted, grouped and ordered how, and what silent hosts do to it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.html import html
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.hosts import FAILED, answered_host
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.run import FORMATS
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.checkout import ROOT
from tests.unit.plugins.plugin_utils.audit.answers import ACCEPTED, away, document, host, raw_finding, whole_facts

SCHEMA = json.loads((ROOT / "docs" / "audit-report.schema.json").read_text())


def test_a_host_that_is_away_lowers_the_coverage_and_not_the_score() -> None:
    summary = document(host("a", score=80), host("b", score=60), away("c"))["summary"]
    assert (summary["score"], summary["coverage"]) == (70, 66.6)
    assert summary["hosts"] == {"total": 3, "answered": 2, "unreachable": 1, "failed": 0}
    assert summary["lowest"] == {"host": "b", "score": 60}


def test_without_an_answer_nothing_is_known() -> None:
    built = document(away("a"), away("b", ""))
    assert built["summary"]["score"] is None
    assert built["summary"]["coverage"] == 0.0
    assert built["summary"]["headline"] == "No host answered: nothing is known"
    assert [one["reason"] for one in built["hosts"]] == ["no route to host", "no reason was given"]


def test_no_host_at_all() -> None:
    assert document()["summary"]["coverage"] == 0.0


def test_a_module_that_failed_is_a_host_that_did_not_answer() -> None:
    audited = answered_host("a", {"failed": True, "msg": "Cannot find a bench."}, {})
    assert (audited.state, audited.reason) == (FAILED, "Cannot find a bench.")


def test_failed_facts_are_a_problem_of_a_host_that_answered() -> None:
    health = {"findings": [raw_finding()], "summary": {"score": 100, "coverage": 100.0}}
    audited = answered_host("a", health, {"failed": True, "msg": "No PyMySQL."})
    assert audited.state == "answered"
    assert audited.problems == ["The facts could not be read: No PyMySQL."]


def test_coverage_is_rounded_down() -> None:
    """That all was checked is said only where it is so."""
    assert document(host("a", coverage=99.99))["summary"]["coverage"] == 99.9


def test_findings_of_many_hosts_are_one_group() -> None:
    built = document(
        host("a", raw_finding("H01", "warning"), raw_finding("H03", "ok")),
        host("b", raw_finding("H01", "critical"), raw_finding("H03", "unknown")),
        host("c", raw_finding("H01", "warning", item="/srv"), raw_finding("H01", "warning", item="/")),
    )
    (group,) = built["groups"]
    assert (group["id"], group["severity"], group["counts"]) == ("H01", "critical", {"critical": 1, "warning": 3})
    assert (group["hosts"], group["worst_hosts"]) == (["a", "b", "c"], ["b"])
    assert [one["id"] for one in built["unknown"]] == ["H03"]
    assert built["summary"]["hosts_with"] == {"critical": 1, "warning": 2}


def test_groups_are_ordered_by_what_matters() -> None:
    built = document(
        host(
            "a",
            raw_finding("H05", "warning", impact="low"),
            raw_finding("H06", "warning", impact="critical"),
            raw_finding("H07", "critical", impact="low"),
        ),
        host("b", raw_finding("H05", "warning", impact="low"), raw_finding("H08", "warning", impact="low")),
    )
    assert [group["id"] for group in built["groups"]] == ["H07", "H06", "H05", "H08"]


def test_what_is_accepted_is_counted_apart() -> None:
    built = document(host("a", raw_finding("H01", "critical", accepted=ACCEPTED), raw_finding("H03", "ok")))
    assert built["groups"] == []
    assert built["summary"]["counts"]["accepted"] == 1
    assert built["summary"]["counts"]["critical"] == 0
    assert built["summary"]["headline"] == "All is well"


@pytest.mark.parametrize(
    ("findings", "tone", "words"),
    [
        (["critical", "warning"], "bad", "The host needs help now"),
        (["warning"], "warning", "The host should be looked at; nothing is urgent"),
        (["unknown"], "warning", "not everything could be looked at"),
        (["ok", "skipped"], "good", "All is well"),
    ],
)
def test_headline(findings: list[str], tone: str, words: str) -> None:
    found = [raw_finding(f"H{number:02}", severity) for number, severity in enumerate(findings)]
    summary = document(host("a", *found))["summary"]
    assert summary["tone"] == tone
    assert words in summary["headline"]


def test_headline_names_hosts_that_are_away() -> None:
    summary = document(host("a"), away("b"))["summary"]
    assert summary["headline"] == "1 of 2 hosts did not answer; nothing urgent was seen on the others"


def test_hosts_are_ordered_by_what_matters() -> None:
    built = document(
        host("well", raw_finding("H01", "ok")),
        host("warned", raw_finding("H01", "warning")),
        host("ill", raw_finding("H01", "critical")),
        away("gone"),
    )
    assert [one["name"] for one in built["hosts"]] == ["gone", "ill", "warned", "well"]


def test_an_owner_is_told_what_counts() -> None:
    facts = {**whole_facts(), "rehearsals": []}
    old = {**facts["backups"][0], "site": "old", "recovery_point": "2026-11-01T00:00:00Z"}
    none = {**facts["backups"][0], "site": "none", "recovery_point": "", "verdict": ""}
    facts["backups"] = [*facts["backups"], old, none]
    built = document(host("a", raw_finding("H01", "critical"), coverage=90.0, facts=facts), away("b"))
    said = " ".join(built["summary"]["sentences"])
    assert "1 problem should be mended now" in said
    assert 'First to mend: "Title of H01" on a.' in said
    assert "b did not answer, so nothing is known about it." in said
    assert "45 % of what there is to check could be checked." in said
    assert "Without a usable backup: none." in said
    assert "The newest backup is older than a day: old." in said
    assert "No restore was ever rehearsed" in said
    assert "Its makers mend no more faults in: MariaDB 10.6." in said


def test_an_owner_of_a_fleet_in_order_is_told_so() -> None:
    facts = whole_facts()
    facts["backups"] = [*facts["backups"], {**facts["backups"][0], "site": "second"}]
    said = " ".join(document(host("a", facts=facts))["summary"]["sentences"])
    assert "No problem was found in what could be looked at." in said
    assert "Each of the 2 sites has a backup of the last day." in said
    assert "A restore was rehearsed for 1 of 2 sites." in said


def test_versions_say_how_long_they_are_mended() -> None:
    rows = document(host("a", facts=whole_facts()), host("b", facts=whole_facts()))["versions"]
    assert [(row["name"], row["support"]) for row in rows] == [
        ("MariaDB", "ended"),
        ("Redis", "soon"),
        ("frappe", "supported"),
        ("own_app", "unknown"),
    ]
    assert rows[0]["hosts"] == ["a", "b"]


def test_certificates_come_from_the_check_of_their_end() -> None:
    expiring = raw_finding("W02", "warning", value=10 * 86400.0, target="erp.example.com", text="expires in 10 days")
    assert document(host("a", expiring))["certificates"] == [
        {
            "host": "a",
            "site": "erp.example.com",
            "days_left": 10,
            "severity": "warning",
            "text": "expires in 10 days",
        }
    ]


def test_the_document_fits_its_schema() -> None:
    peers = [{"kind": "kernel", "name": "host", "identity": "", "values": {"vm.swappiness": 60}}]
    odd = [{**peers[0], "values": {"vm.swappiness": 1}}]
    built = document(
        host("a", raw_finding("H01", "critical"), facts={**whole_facts(), "peers": peers}),
        host("b", raw_finding("H01", "unknown", accepted=ACCEPTED), facts={"peers": peers}),
        host("c", raw_finding("W02", "warning"), facts={"peers": odd}),
        host("d", facts={"peers": peers}),
        away("e"),
    )
    assert built["drift"]
    jsonschema.validate(built, SCHEMA)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"severity": "fine"},
        {"impact": "none"},
        {"value": "many"},
        {"evidence": "text"},
        {"accepted": {"reason": "no owner"}},
        {"accepted": "yes"},
        {"id": None},
    ],
)
def test_an_answer_that_was_tampered_with_is_none(spoilt: dict[str, Any]) -> None:
    audited = host("a", raw_finding("H01", "ok"), raw_finding("H03", **{"severity": "ok", **spoilt}))
    assert audited.state == FAILED
    assert "cannot be used" in audited.reason


def test_a_finding_without_a_field_is_no_answer() -> None:
    finding = raw_finding()
    del finding["accepted"]
    assert host("a", finding).state == FAILED


@pytest.mark.parametrize("facts", ["text", None, [1]])
def test_facts_that_are_none(facts: Any) -> None:
    audited = answered_host("a", {"findings": [], "summary": {"score": 1, "coverage": 1}}, {"facts": facts})
    assert (audited.state, audited.facts) == ("answered", {})
    assert audited.problems


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(whole_facts())), st.one_of(anything, st.lists(anything, max_size=2))))
def test_no_facts_of_a_host_cost_the_report(strange: dict[str, Any]) -> None:
    built = document(host("a", facts={**whole_facts(), **strange}), host("b", facts=whole_facts()))
    assert [one["state"] for one in built["hosts"]] == ["answered", "answered"]
    assert "".join(html(built))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(raw_finding())), anything)
def test_no_finding_of_a_host_costs_the_report(field: str, strange: Any) -> None:
    built = document(host("a", {**raw_finding("H01", "warning"), field: strange}), host("b", raw_finding()))
    assert len(built["hosts"]) == 2
    for pieces in FORMATS.values():
        assert "".join(pieces(built))
