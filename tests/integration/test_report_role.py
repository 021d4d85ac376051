"""The role lifeboat.frappe.report: what is written where, and that text of hosts stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbook_runs import LOCAL_HOST, run_playbook
from tests.unit.plugins.plugin_utils.records import SITE, sample_record

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }} | `x` [a](javascript:b) *c*\n# d"


class Elements(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _value in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def report(folder: Path, record: dict[str, Any], *arguments: str) -> dict[str, str]:
    """Run the role and return what it wrote on the controller, by the format."""
    (folder / "hosts").write_text(LOCAL_HOST)
    (folder / "record.json").write_text(json.dumps(record))
    role = {"ansible.builtin.include_role": {"name": "lifeboat.frappe.report"}}
    variables = {
        "lifeboat_report_record": f"{{{{ lookup('ansible.builtin.file', '{folder}/record.json') | from_json }}}}",
        "lifeboat_report_host_path": str(folder / "host"),
    }
    play = {"name": "Report", "hosts": "localhost", "gather_facts": False, "tasks": [{"name": "Report", **role}]}
    (folder / "report.yml").write_text(json.dumps([{**play, "vars": variables}]))
    (folder / "host").mkdir(exist_ok=True)
    (folder / "here").mkdir(exist_ok=True)
    run = run_playbook(folder / "report.yml", folder / "hosts", arguments=arguments, cwd=folder / "here")
    assert run.exit_code == 0, run.output
    assert not run.complaints, run.output
    written = folder / "here" / "lifeboat-reports" / f"{SITE}-{record['recovery']}"
    return {path.suffix: path.read_text() for path in written.glob("*")} | {"run": run.output}


def test_a_relative_path_begins_where_the_run_was_started(tmp_path: Path) -> None:
    record = sample_record()
    written = report(tmp_path, record)
    assert json.loads(written[".json"]) == record
    assert {path.name: path.read_text() for path in (tmp_path / "host").glob("*")} == {
        f"report{suffix}": written[suffix] for suffix in (".html", ".md", ".json")
    }
    assert "changed=0" in report(tmp_path, record)["run"], "a second run changes nothing"


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    report(tmp_path, sample_record(), "--check")
    assert list((tmp_path / "host").iterdir()) == list((tmp_path / "here").iterdir()) == []


def test_text_of_hosts_stays_text(tmp_path: Path) -> None:
    record = sample_record(host=HOSTILE, not_recovered=[HOSTILE], error={"code": "x", "reason": HOSTILE})
    record["set"]["name"] = record["verification"][0]["reason"] = record["checks"][0]["text"] = HOSTILE
    record["recommendations"][0]["text"] = record["assessment"]["summary"][0] = HOSTILE
    record["assessment"]["lost"][0]["doctype"] = record["drained"]["still_running"][0]["job"] = HOSTILE
    record["steps"][0]["name"] = record["rollback_command"] = HOSTILE
    written = report(tmp_path, record)
    page = Elements(written[".html"])
    assert not {"script", "img", "iframe", "link"} & page.names
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert(1)</script>" in page.text
    outside_of_code = "".join(written[".md"].split("```")[::2])
    assert "<script" not in outside_of_code
    assert not re.search(r"(?<!\\)[\[`*]\(?(?:a\]|x`|c\*)", outside_of_code)
    assert "49" not in outside_of_code.replace(record["set"]["folder"], "")


@pytest.mark.parametrize("outcome", ["recovered", "rolled_back", "failed"])
def test_every_outcome_has_its_page(tmp_path: Path, outcome: str) -> None:
    page = report(tmp_path, sample_record(outcome=outcome, error={"code": "disk_space", "reason": "No room."}))[".html"]
    assert "No room." in page
    assert page.count("<h1>") == 1
