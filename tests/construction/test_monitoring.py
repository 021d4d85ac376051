"""Alerting rules and dashboard: every check is in them, and they ask for nothing that a run does not publish."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import summarise
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.textfile import MOST_ITEMS, STATUS, textfile

from tests.health_findings import make_finding
from tests.tools.checkout import ROOT
from tests.tools.pages.checks import LEFT_OUT

RULES = ROOT / "extensions" / "monitoring" / "prometheus_rules.yml"
DASHBOARD = ROOT / "extensions" / "monitoring" / "grafana_dashboard.json"
IDS = {check.id for check in all_checks()}
OF_PROMETHEUS = {"instance", "job"}
# What the node_exporter says of its textfile collector.
OF_NODE_EXPORTER: dict[str, set[str]] = {"node_textfile_scrape_error": set()}
METRIC = re.compile(r"\b((?:lifeboat|node)_\w+)(?:\{([^}]*)\})?")
LISTED_LABELS = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
PANELS_OF_GRAFANA = {"row", "stat", "state-timeline", "table", "timeseries"}


def published() -> dict[str, set[str]]:
    """The metrics of a run, each with its labels, as the exporter's file has them."""
    findings = [make_finding(item=f"/{number}") for number in range(MOST_ITEMS + 1)]
    findings.append(replace(make_finding("X02", "warning"), accepted=Acceptance("X02", "why", "who", "2027-01-31")))
    samples: dict[str, set[str]] = {}
    for line in textfile(findings, summarise(findings), 1.0, 1.0).splitlines():
        if not line.startswith("#"):
            name, _brace, labels = line.partition("{")
            samples.setdefault(name.split(" ")[0], set()).update(re.findall(r'(\w+)="', labels))
    return {**samples, **OF_NODE_EXPORTER}


PUBLISHED = published()
LABELS = set().union(*PUBLISHED.values()) | OF_PROMETHEUS


def foreign_names(query: str) -> set[str]:
    """The metrics and labels of a query that nobody publishes."""
    foreign = set(re.findall(r"\w+", " ".join(LISTED_LABELS.findall(query)))) - LABELS
    for name, matchers in METRIC.findall(query):
        foreign |= {name} - set(PUBLISHED)
        foreign |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) - PUBLISHED.get(name, set()) - OF_PROMETHEUS
    return foreign


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    assert len({group["name"] for group in groups}) == len(groups)
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[dict[str, Any]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries() -> dict[str, str]:
    return {
        f"{panel['id']} {panel['title']}": target["expr"] for panel in panels() for target in panel.get("targets", [])
    }


def test_foreign_names_are_seen() -> None:
    assert foreign_names('lifeboat_check_status{severity="x"}') == {"severity"}
    assert foreign_names("sum by (host) (lifeboat_check_state)") == {"host", "lifeboat_check_state"}
    assert not foreign_names('max by (check) (lifeboat_check_status{target!~"a.*", instance="b"})')


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_rule_has_its_form(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Lifeboat[A-Za-z0-9]+", rule["alert"])
    assert re.fullmatch(r"\d+[mhd]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert {"summary", "description", "remedy"} <= set(rule["annotations"])
    assert not foreign_names(rule["expr"])
    texts = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", texts)) <= LABELS
    assert texts.count("{{") == texts.count("}}")


def test_each_check_has_an_alert_for_each_severity() -> None:
    alerted: dict[str, list[str]] = {}
    for rule in rules():
        for check_id, compared in re.findall(r'check="(\w+)"\} (.*) unless lifeboat_check_accepted$', rule["expr"]):
            alerted.setdefault(check_id, []).append(compared)
    assert set(alerted) == IDS
    each = [f"== {STATUS['critical']}", f"== {STATUS['warning']}"]
    assert all(compared in (each, ["> 0 < 3"]) for compared in alerted.values())


def test_no_alert_is_there_twice() -> None:
    named = [(rule["alert"], rule["labels"]["severity"]) for rule in rules()]
    assert sorted(set(named)) == sorted(named)


def test_runs_that_stopped_are_seen() -> None:
    asked = " ".join(rule["expr"] for rule in rules() if rule["labels"].get("subject") == "run")
    assert {"lifeboat_health_last_run_timestamp_seconds", "lifeboat_health_score"} <= {
        name for name, _labels in METRIC.findall(asked)
    }


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (package prometheus): the form of the rules is tested without it")
    return found


def test_promtool_accepts_the_rules(promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "rules", RULES], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# By alert and host, what a Prometheus sees of some hosts, and from when on (in minutes) it is an alert.
OF_HOST = '{instance="%s", job="node"%s}'
DISK = ', check="H01", name="disk.available", subject="host", target="host", item="/"'
SEEN = {
    "lifeboat_check_status" + OF_HOST % ("full", DISK): "0x10 2x500",
    "lifeboat_check_status" + OF_HOST % ("accepted", DISK): "2x510",
    "lifeboat_check_accepted" + OF_HOST % ("accepted", DISK): "1x510",
    "lifeboat_check_status" + OF_HOST % ("unknown", DISK): "3x510",
    "lifeboat_health_last_run_timestamp_seconds" + OF_HOST % ("stopped", ""): "0x510",
    "lifeboat_health_last_run_timestamp_seconds" + OF_HOST % ("full", ""): "0+60x510",
    "lifeboat_health_score" + OF_HOST % ("gone", ""): "90x60",
    "lifeboat_health_score" + OF_HOST % ("full", ""): "90x510",
}
RAISED = [
    ("LifeboatDiskAvailable", 9, []),
    ("LifeboatDiskAvailable", 30, ["full"]),
    ("LifeboatCheckUnknown", 60, []),
    ("LifeboatCheckUnknown", 130, ["unknown"]),
    ("LifeboatHealthStale", 55, []),
    ("LifeboatHealthStale", 80, ["stopped"]),
    ("LifeboatHealthMissing", 60, []),
    ("LifeboatHealthMissing", 120, ["gone"]),
    ("LifeboatHealthAbsent", 500, []),
]


def test_alerts_are_raised_for_what_is_wrong_and_for_nothing_else(promtool: str, tmp_path: Path) -> None:
    """promtool asks the rules for each alert at its minute; what it got, it prints with the labels."""
    series = [{"series": name, "values": values} for name, values in SEEN.items()]
    for alert, minute, hosts in RAISED:
        # The texts are not compared, so promtool fails where an alert is raised, and prints it.
        wanted = {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": []}
        given = {"interval": "1m", "input_series": series, "alert_rule_test": [wanted]}
        (tmp_path / "test.yml").write_text(json.dumps({"rule_files": [str(RULES)], "tests": [given]}))
        ran = subprocess.run(
            [promtool, "test", "rules", tmp_path / "test.yml"], check=False, capture_output=True, text=True
        )
        raised = re.findall(r'instance="(\w+)"', (ran.stdout + ran.stderr).partition("got:")[2])
        assert sorted(set(raised)) == hosts, f"{alert} after {minute} minutes:\n{ran.stdout}{ran.stderr}"
        assert (ran.returncode == 0) == (not hosts)


@pytest.mark.parametrize("query", queries().values(), ids=queries())
def test_dashboard_asks_for_what_is_published(query: str) -> None:
    assert METRIC.search(query)
    assert not foreign_names(query)


def test_dashboard_is_whole() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert not foreign_names(variables["instance"]["query"]["query"])
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["type"] in PANELS_OF_GRAFANA, "a panel that needs a plugin"
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for asked in panel.get("targets", []):
            assert asked["datasource"]["uid"] == "${datasource}"
            assert set(re.findall(r"\{\{(\w+)\}\}", asked.get("legendFormat", ""))) <= LABELS | {"severity"}


def test_dashboard_has_a_panel_for_each_measured_check() -> None:
    asked = " ".join(queries().values())
    measured = {check.id for check in all_checks() if check.unit != "bool"}
    assert set(re.findall(r'lifeboat_check_value\{check="(\w+)"', asked)) == measured


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line) for column in range(place["w"]) for line in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_what_is_left_out_is_not_there() -> None:
    assert not IDS & set(LEFT_OUT)
