"""Every format of the report: what it says, and that text from hosts stays text in each of them."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.cleaning import clean_text, clean_value
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.comparison import earlier_audit
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.csv_table import (
    COLUMNS,
    FORMULA_STARTS,
    csv_table,
)
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.html import HOSTS_SHOWN, ROWS_SHOWN, html
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.json_text import json_text
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.junit import junit
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.markdown import markdown, plain
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.formats.sarif import fingerprint, sarif
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.audit.answers import (
    ACCEPTED,
    BEFORE,
    away,
    document,
    host,
    raw_finding,
    whole_facts,
)

ATTACKS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</style></title></textarea><svg onload=alert(3)>",
    "javascript:alert(4)",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "]]><!-- --><?xml?>&lt;&#x3c;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1",
    "@SUM(A1)",
    " =1+1",
    "\t=1",
    'a,b;"c"\r\nd',
    "[x](javascript:y) ![i](http://evil.example) www.evil.example `c` **b** | # h <b>",
    "\x00\x07\x1b[31m\x7f\u202e\u2028\ud800",
    "",
)
hostile = st.one_of(st.sampled_from(ATTACKS), st.text(max_size=60))
severities = st.sampled_from(("ok", "warning", "critical", "unknown", "skipped"))


class Page(HTMLParser):
    """Collects the elements, the attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """An audit in which hosts, and whoever writes to their logs, say whatever they like."""

    def hostile_host(name: str) -> Any:
        texts = draw(st.lists(hostile, min_size=9, max_size=9))
        accepted = {**ACCEPTED, "reason": texts[0], "owner": texts[1]} if draw(st.booleans()) else None
        found = raw_finding(
            "H01",
            draw(severities),
            target=texts[2],
            item=texts[3],
            text=texts[4],
            evidence=[texts[5]],
            accepted=accepted,
        )
        other = raw_finding("H02", draw(severities), title=texts[6], remediation=texts[7], playbook=texts[8])
        return host(name, found, other, facts=_hostile_facts(texts))

    # An inventory names a host once: names that differ only in what cannot be shown are one.
    silent, *names = draw(st.lists(hostile, min_size=2, max_size=4, unique_by=clean_text))
    earlier = earlier_audit(document(*map(hostile_host, names), now=BEFORE)) if draw(st.booleans()) else None
    built = document(*map(hostile_host, names), away(silent, draw(hostile)), earlier=earlier)
    return {**built, "selected": clean_value(draw(st.lists(hostile, max_size=2)))}


def _hostile_facts(texts: list[str]) -> dict[str, Any]:
    facts = whole_facts(texts[0])
    facts["system"]["os"] = texts[1]
    facts["software"][0].update(name=texts[2], version=texts[3])
    facts["databases"][0]["accounts"][1].update(account=texts[4], databases=[texts[5]])
    facts["problems"] = [{"part": texts[6], "reason": texts[7]}]
    return facts


def page_of(built: dict[str, Any]) -> tuple[str, Page]:
    text = "".join(html(built))
    return text, Page(text)


@settings(max_examples=25, deadline=None)
@given(documents())
def test_the_page_has_no_element_that_a_host_wrote(built: dict[str, Any]) -> None:
    text, page = page_of(built)
    own = {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "div",
            "p",
            "h1",
            "h2",
            "ul",
            "li",
            "svg",
        ),
        *("circle", "polyline", "text", "b", "br", "a", "span", "small", "section", "fieldset", "legend", "label"),
        *("input", "details", "summary", "code", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "i"),
        "footer",
    }
    assert set(page.tags) <= own
    assert not {name for name, _value in page.attributes if name.startswith("on") or name in ("src", "style")}
    assert all(value and value.startswith("#") for name, value in page.attributes if name == "href")
    assert text.count("<style>") == text.count("</style>") == 1


@settings(max_examples=25, deadline=None)
@given(documents())
def test_xml_is_well_formed_and_says_what_hosts_said(built: dict[str, Any]) -> None:
    suites = ElementTree.fromstring("".join(junit(built)))  # noqa: S314 (it is our own)
    assert [suite.get("name") for suite in suites] == [one["name"] for one in built["hosts"]]
    assert len(suites.findall(".//testcase")) == len(built["findings"]) + 1


@settings(max_examples=25, deadline=None)
@given(documents())
def test_no_cell_of_the_table_is_a_formula(built: dict[str, Any]) -> None:
    rows = list(csv.reader(io.StringIO("".join(csv_table(built)), newline="")))
    assert rows[0] == list(COLUMNS)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert len(rows) == len(built["findings"]) + 2
    value = COLUMNS.index("value")
    for row in rows:
        assert not [
            cell for index, cell in enumerate(row) if index != value and cell.lstrip().startswith(FORMULA_STARTS)
        ]


@settings(max_examples=25, deadline=None)
@given(documents())
def test_json_and_sarif_are_json(built: dict[str, Any]) -> None:
    assert json.loads("".join(json_text(built)).encode()) == built
    (run,) = json.loads("".join(sarif(built)).encode())["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert all(result["message"]["text"] for result in run["results"])


@settings(max_examples=25, deadline=None)
@given(documents())
def test_markdown_has_no_markup_that_a_host_wrote(built: dict[str, Any]) -> None:
    text = "".join(markdown(built))
    assert not re.search(r"(?<!\\)(?:\\\\)*[<\[`]", text)
    assert "http://" not in text
    assert not re.search(r"(?i)www\.", text)
    columns = {}
    for line in text.splitlines():
        if line.startswith("|"):
            pipes = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
            columns.setdefault(pipes, line)
    assert set(columns) <= {5, 6, 7}, columns


def test_the_page_asks_nobody_and_runs_nothing() -> None:
    text, page = page_of(document(host("a", raw_finding("H01", "critical"), facts=whole_facts()), away("b")))
    policy = dict(page.attributes)["content"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert policy is not None
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_page_says_everything() -> None:
    before = document(host("a", raw_finding("H03", "critical"), raw_finding("H05", "warning")), host("b"), now=BEFORE)
    values = {"vm.swappiness": 60, "max_allowed_packet": 2**24}
    peers = {"kind": "kernel", "name": "host", "identity": "", "values": values}
    odd = {**peers, "values": {"vm.swappiness": 1, "max_allowed_packet": 2**20}}
    built = document(
        host(
            "a",
            raw_finding("H01", "warning", evidence=["one line of evidence"], playbook="lifeboat.frappe.cleanup"),
            raw_finding("H05", "critical"),
            raw_finding("H06", "unknown"),
            raw_finding("H07", "warning", accepted=ACCEPTED),
            raw_finding("W02", "warning", value=86400.0, target="erp.example.com"),
            facts={**whole_facts(), "peers": [odd]},
        ),
        host("b", facts={"peers": [peers, peers]}),
        host("c", facts={"peers": [peers]}),
        host("d", facts={"peers": [peers]}),
        away("e"),
        earlier=earlier_audit(before),
    )
    built["selected"] = [built["findings"][0]]
    text, page = page_of(built)
    for said in (
        "Hosts that did not answer",
        "no route to host",
        "Selected by the query",
        "one line of evidence",
        "ansible-playbook lifeboat.frappe.cleanup",
        "What could not be looked at",
        "3 of 4",
        "vm.swappiness of host is 1; 3 of 4 have 60",
        "max_allowed_packet of host is 1.0 MiB; 3 of 4 have 16.0 MiB",
        "ended 6 Jul 2026",
        "Backups and rehearsed restores",
        "Certificates",
        "Since the audit of 14 Nov 2026",
        "a new disk comes in March",
        "MariaDB 10.6.18",
        "on everything: ALL",
        "may only log in",
        "more than 4.0 KiB",
        "database 1.0 GiB",
        "peers of x: it does not answer",
    ):
        assert said in page.text, said
    for change in ("new", "worse"):
        assert f'class="change {change}"' in text


def test_a_large_fleet_is_folded() -> None:
    hosts = [host(f"h{number:03}", raw_finding("H01", "critical")) for number in range(ROWS_SHOWN + 40)]
    text, page = page_of(document(*hosts))
    assert f"The other {ROWS_SHOWN + 40 - HOSTS_SHOWN} hosts" in page.text
    assert "40 more: the pages of the hosts below have them." in page.text
    assert text.count('class="host critical"') == len(hosts)


def test_one_host_has_no_map_and_is_open() -> None:
    text, page = page_of(document(host("a", raw_finding("H01", "ok"))))
    assert "The fleet at a glance" not in page.text
    assert '<details class="host ok" open>' in text
    assert "Nothing: no check found a fault" in page.text


def test_every_anchor_leads_somewhere() -> None:
    page = page_of(
        document(host("a", raw_finding("H01", "critical")), away("b"), earlier=earlier_audit(document(now=BEFORE)))
    )[1]
    identifiers = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href" and value} <= identifiers


def test_skipped_is_not_passed() -> None:
    built = document(
        host(
            "a",
            *(raw_finding(f"H0{number}", severity) for number, severity in enumerate(("ok", "skipped", "unknown"))),
            *(raw_finding(f"H1{number}", severity) for number, severity in enumerate(("warning", "critical"))),
            raw_finding("H20", "critical", accepted=ACCEPTED),
        ),
        away("b"),
    )
    away_suite, suite = ElementTree.fromstring("".join(junit(built)))  # noqa: S314
    said = {case.get("name", "")[:3]: [child.tag for child in case] for case in suite}
    assert said == {
        "H00": [],
        "H01": ["skipped"],
        "H02": ["error"],
        "H10": ["failure"],
        "H11": ["failure"],
        "H20": ["skipped"],
    }
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }
    (error,) = away_suite.findall("testcase/error")
    assert (error.get("type"), error.get("message")) == ("unreachable", "no route to host")


def test_sarif_of_everything_that_can_become_of_a_finding() -> None:
    before = document(
        host("a", *(raw_finding(f"H0{number}", "warning") for number in range(1, 5)), raw_finding("H09", "critical")),
        now=BEFORE,
    )
    built = document(
        host(
            "a",
            raw_finding("H01", "warning"),
            raw_finding("H02", "critical"),
            raw_finding("H03", "warning", accepted=ACCEPTED),
            raw_finding("H04", "unknown"),
            raw_finding("H05", "critical", target="/x y", item="ü"),
        ),
        away("b"),
        earlier=earlier_audit(before),
    )
    (run,) = json.loads("".join(sarif(built)))["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert {name: (one["kind"], one["level"], one.get("baselineState")) for name, one in results.items()} == {
        "H01": ("fail", "warning", "unchanged"),
        "H02": ("fail", "error", "updated"),
        "H03": ("fail", "warning", "unchanged"),
        "H04": ("open", "none", None),
        "H05": ("fail", "error", "new"),
        "H09": ("fail", "error", "absent"),
    }
    (suppression,) = results["H03"]["suppressions"]
    assert suppression["justification"] == "a new disk comes in March (ops, until 2027-03-31)"
    assert results["H05"]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a/%2Fx%20y/%C3%BC"
    assert results["H01"]["partialFingerprints"]["lifeboatFinding/v1"] == fingerprint(before["findings"][1])
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "b is not in the results" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_markdown_says_what_was_found() -> None:
    before = document(host("a", raw_finding("H03", "critical"), raw_finding("H02", "warning")), now=BEFORE)
    peers = {"kind": "kernel", "name": "host", "identity": "", "values": {"vm.swappiness": 60}}
    hosts = [host(f"p{number}", facts={"peers": [peers]}) for number in range(4)]
    odd = {**peers, "values": {"vm.swappiness": 1}}
    built = document(
        host(
            "a",
            raw_finding("H01", "critical"),
            raw_finding("H02", "critical"),
            raw_finding("H09", "warning", accepted=ACCEPTED),
            facts={"peers": [odd]},
        ),
        away("b"),
        *hosts,
        earlier=earlier_audit(before),
    )
    built["selected"] = ["chosen"]
    text = "".join(markdown(built))
    for said in (
        "# Example Ltd: 1 of 6 hosts needs help now",
        "**Score 80 of 100, coverage 83.3 %.**",
        "- **b**: no route to host",
        "| critical | Title of H01 (H01, 1 new) | 1 of 6 hosts: a | Mend H01. |",
        "## New since 14 Nov 2026",
        "## Worse since 14 Nov 2026",
        "## Fixed",
        "Accepted by ops until 2027-03-31: a new disk comes in March",
        "vm.swappiness (kernel): 4 of 5 have 60; a has 1",
        "## Selected by the query",
        "| a | 80 | 100 % | 2 | 0 | 0 |",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("innodb_flush_log at 12.5 % (of 3)", "innodb_flush_log at 12.5 % (of 3)"),
        ("_a_ **b** `c` [d](e)", "\\_a\\_ \\*\\*b\\*\\* \\`c\\` \\[d\\](e)"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("http://evil.example", "http:/\\/evil.example"),
        ("<b> | &amp; @all", "\\<b\\> \\| \\&amp; \\@all"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_markdown_of_a_large_fleet_is_cut() -> None:
    many = [raw_finding(f"H{number:03}", "warning") for number in range(50)]
    text = "".join(markdown(document(*(host(f"h{number}", *many) for number in range(70)))))
    assert "… and 10 more" in text
    assert len(text) < 40_000


@pytest.mark.parametrize("severity", ["ok", "warning"])
def test_the_table_has_every_finding_and_silent_host(severity: str) -> None:
    built = document(host("a", raw_finding("H01", severity, accepted=ACCEPTED, value=-1.5)), away("b"))
    silent, row = list(csv.DictReader(io.StringIO("".join(csv_table(built)), newline="")))
    assert (silent["host"], silent["state"], silent["text"]) == ("b", "unreachable", "no route to host")
    assert row["state"] == ("ok" if severity == "ok" else "accepted")
    assert (row["value"], row["accepted_by"], row["remediation"]) == ("-1.5", "ops", "Mend H01.")


def test_an_outlier_is_held_against_the_median() -> None:
    peers = [{"kind": "k", "name": "db", "identity": "", "values": {"x_size": (100 + n) * 2**20}} for n in range(8)]
    peers.append({**peers[0], "values": {"x_size": 2**20}})
    built = document(*(host(f"h{number}", facts={"peers": [peer]}) for number, peer in enumerate(peers)))
    page = page_of(built)[1]
    assert "the median of 9" in page.text
    assert "x_size of db is 1.0 MiB; half of 9 have 103.0 MiB or less" in page.text
    assert "the median of 9 is" in "".join(markdown(built))


def test_very_many_silent_hosts_are_not_all_listed() -> None:
    assert (
        "50 more are grey in the fleet at a glance." in page_of(document(*(away(f"h{n}") for n in range(150))))[1].text
    )
