"""What three audits say: of hosts that are well, of the same hosts with faults in them, and of the mended ones."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

BENCH, DATABASE, LOST = "lifeboat-bench", "lifeboat-store", "lifeboat-lost"
testinfra_hosts = [f"ssh://{BENCH}"]
AUDITS = ("well", "broken", "mended")
SCHEMA = Path(__file__).parents[3] / "docs" / "audit-report.schema.json"

# For each fault of molecule/files/faults.py: where it is seen, and as what, before and while it is there.
# H14, H15 and H23 ask systemd and its journal, which nothing but a host that systemd runs can show.
FAULTS = {
    "workers are stopped": (BENCH, "Q01", "default", "ok", "critical"),
    "unit fails": (BENCH, "H14", "nightly-export.service", "", "warning"),
    "timer is stopped": (BENCH, "H15", "dpkg-db-backup.timer", "", "warning"),
    "journal is full of errors": (BENCH, "H23", "errors", "ok", "warning"),
    "maintenance is forgotten": (BENCH, "F12", "maintenance_mode", "ok", "critical"),
    "backup is old": (BENCH, "B01", "", "ok", "critical"),
    "certificate expires": (BENCH, "W02", "", "warning", "critical"),
    "account is open to the world": (DATABASE, "S01", "", "warning", "critical"),
    "commits are not written": (DATABASE, "D33", "innodb_flush_log_at_trx_commit", "ok", "warning"),
}
SITE = "alpha.localhost"
TARGETS = {"B01": SITE, "W02": SITE, "F12": SITE}


@pytest.fixture(scope="module")
def folders() -> dict[str, Path]:
    """The folder of each audit."""
    every = sorted((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports").glob("audit-*"))
    found = every[-len(AUDITS) :]  # a run that was interrupted leaves its reports to the next one
    assert len(found) == len(AUDITS)
    return dict(zip(AUDITS, found))


@pytest.fixture(scope="module")
def reports(folders: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """The data of each audit."""
    return {name: json.loads((folder / "report.json").read_text()) for name, folder in folders.items()}


def finding_of(report: dict[str, Any], host: str, check: str, item: str) -> dict[str, Any]:
    """The finding of a fault, empty where there is none."""
    found = [
        finding
        for finding in report["findings"]
        if (finding["host"], finding["id"], finding["item"]) == (host, check, item)
        and finding["target"] == TARGETS.get(check, finding["target"])
    ]
    assert len(found) <= 1, found
    return found[0] if found else {}


@pytest.mark.parametrize("audit", AUDITS)
def test_report_is_what_its_schema_says(reports: dict[str, dict[str, Any]], audit: str) -> None:
    jsonschema.validate(reports[audit], json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("audit", AUDITS)
def test_lost_host_is_in_each_report_and_lowers_the_coverage(reports: dict[str, dict[str, Any]], audit: str) -> None:
    hosts = {host["name"]: host for host in reports[audit]["hosts"]}
    assert {name: host["state"] for name, host in hosts.items()} == {
        LOST: "unreachable",
        BENCH: "answered",
        DATABASE: "answered",
    }
    assert hosts[LOST]["reason"]
    assert reports[audit]["summary"]["hosts"]["unreachable"] == 1
    coverages = [host["coverage"] for host in hosts.values()]
    assert reports[audit]["summary"]["coverage"] <= sum(coverages) / len(coverages) + 1
    assert min(hosts[name]["coverage"] for name in (BENCH, DATABASE)) > 80


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_seen_while_it_is_there(reports: dict[str, dict[str, Any]], fault: str) -> None:
    host, check, item, before, during = FAULTS[fault]
    severities = [finding_of(reports[audit], host, check, item).get("severity", "") for audit in AUDITS]
    assert severities[:2] == [before, during]
    assert severities[2] in {before, "ok"}


@pytest.mark.parametrize("fault", FAULTS)
def test_report_says_what_is_new_what_is_worse_and_what_was_mended(
    reports: dict[str, dict[str, Any]], fault: str
) -> None:
    host, check, item, before, _during = FAULTS[fault]
    broken = finding_of(reports["broken"], host, check, item)
    assert broken["change"] == ("worse" if before == "warning" else "new")
    mended = finding_of(reports["mended"], host, check, item)
    if mended.get("severity") == "warning":
        assert mended["change"] == "better"
    else:
        fixed = [(gone["host"], gone["id"], gone["item"]) for gone in reports["mended"]["fixed"]]
        assert (host, check, item) in fixed


def test_what_was_so_before_is_not_new(reports: dict[str, dict[str, Any]]) -> None:
    """The other site never had a backup."""
    lacking = [
        [finding for finding in reports[audit]["findings"] if finding["id"] == "B01" and finding["target"] != SITE]
        for audit in AUDITS
    ]
    assert [[finding["change"] for finding in findings] for findings in lacking] == [[""], ["same"], ["same"]]
    assert len({findings[0]["since"] for findings in lacking}) == 1


def test_summary_counts_and_compares(reports: dict[str, dict[str, Any]]) -> None:
    well, broken, mended = (reports[audit]["summary"] for audit in AUDITS)
    assert broken["score"] < well["score"]
    assert mended["score"] > broken["score"]
    assert broken["changes"]["new"] >= 7
    assert broken["changes"]["worse"] >= 2
    assert mended["changes"]["fixed"] >= 7
    for audit, earlier in (("broken", "well"), ("mended", "broken")):
        assert reports[audit]["compared_with"] == reports[earlier]["generated_at"]


def test_query_selects_what_turned_critical(reports: dict[str, dict[str, Any]]) -> None:
    selected = reports["broken"]["selected"]
    assert {"Q01", "F12", "B01", "W02", "S01"} <= {finding["id"] for finding in selected}
    assert {finding["severity"] for finding in selected} == {"critical"}
    assert "same" not in {finding["change"] for finding in selected}


def test_database_is_audited_on_its_own_host(reports: dict[str, dict[str, Any]]) -> None:
    """Although no bench on that host says how to reach it."""
    checked = {finding["id"] for finding in reports["well"]["findings"] if finding["host"] == DATABASE}
    assert {"D03", "D11", "D14"} <= checked
    facts = {host["name"]: host["facts"] for host in reports["well"]["hosts"]}
    assert facts[DATABASE]["databases"]


@pytest.mark.parametrize("audit", AUDITS)
def test_report_for_people_needs_nothing_else_and_shows_every_host(folders: dict[str, Path], audit: str) -> None:
    page = (folders[audit] / "report.html").read_text()
    assert "<script" not in page
    assert "default-src 'none'" in page
    summary = (folders[audit] / "report.md").read_text()
    for host in (BENCH, DATABASE, LOST):
        assert host in page
    assert LOST in summary


def test_table_has_a_row_a_finding(folders: dict[str, Path], reports: dict[str, dict[str, Any]]) -> None:
    with (folders["broken"] / "report.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["host"], row["id"]) for row in rows if row["id"]] == [
        (finding["host"], finding["id"]) for finding in reports["broken"]["findings"]
    ]


def test_continuous_integration_sees_failures_and_the_lost_host(folders: dict[str, Path]) -> None:
    tree = ElementTree.parse(folders["broken"] / "junit.xml")  # noqa: S314 - we wrote it
    suites = {suite.get("name"): suite for suite in tree.iter("testsuite")}
    assert set(suites) >= {BENCH, DATABASE, LOST}
    assert int(suites[BENCH].get("failures", "0")) > 0
    assert int(suites[LOST].get("errors", "0")) > 0


def test_code_scanning_sees_what_is_new_and_what_is_gone(folders: dict[str, Path]) -> None:
    states = {}
    for audit in ("broken", "mended"):
        (run,) = json.loads((folders[audit] / "report.sarif").read_text())["runs"]
        states[audit] = {(result["ruleId"], result.get("baselineState")) for result in run["results"]}
    assert ("Q01", "new") in states["broken"]
    assert ("Q01", "absent") in states["mended"]
