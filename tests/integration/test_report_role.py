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

ERROR = {"code": "disk_space", "reason": "No room."}


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


def run_role(folder: Path, records: list[dict[str, Any]], host_path: str, *arguments: str) -> str:
    """Run the role for each of the records in one play, and return what was printed."""
    (folder / "hosts").write_text(LOCAL_HOST)
    tasks = []
    for index, record in enumerate(records):
        (folder / f"{index}.json").write_text(json.dumps(record))
        read = f"{{{{ lookup('ansible.builtin.file', '{folder}/{index}.json') | from_json }}}}"
        variables = {"lifeboat_report_record": read, "lifeboat_report_host_path": host_path}
        role = {"ansible.builtin.include_role": {"name": "lifeboat.frappe.report"}}
        tasks.append({"name": "Report", "vars": variables, **role})
    play = {"name": "Report", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (folder / "report.yml").write_text(json.dumps([play]))
    (folder / "here").mkdir(exist_ok=True)
    run = run_playbook(folder / "report.yml", folder / "hosts", arguments=arguments, cwd=folder / "here")
    assert run.exit_code == 0, run.output
    assert not run.complaints, run.output
    return run.output


def written(folder: Path, record: dict[str, Any]) -> dict[str, str]:
    """What the role wrote of a record on the controller, by the format."""
    reports = folder / "here" / "lifeboat-reports" / f"{SITE}-{record['recovery']}"
    return {path.suffix: path.read_text() for path in reports.glob("*")}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The folder of reports on the host."""
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


def test_a_relative_path_begins_where_the_run_was_started(tmp_path: Path, host: Path) -> None:
    record = sample_record()
    run_role(tmp_path, [record], str(host))
    reports = written(tmp_path, record)
    assert json.loads(reports[".json"]) == record
    assert {path.name: path.read_text() for path in host.glob("*")} == {
        f"report{suffix}": reports[suffix] for suffix in (".html", ".md", ".json")
    }
    assert "changed=0" in run_role(tmp_path, [record], str(host)), "a second run changes nothing"


def test_check_mode_writes_nothing(tmp_path: Path, host: Path) -> None:
    run_role(tmp_path, [sample_record()], str(host), "--check")
    assert list(host.iterdir()) == list((tmp_path / "here").iterdir()) == []


def test_text_of_hosts_stays_text(tmp_path: Path) -> None:
    record = sample_record(host=HOSTILE, not_recovered=[HOSTILE], error={"code": "x", "reason": HOSTILE})
    record["set"]["name"] = record["verification"][0]["reason"] = record["checks"][0]["text"] = HOSTILE
    record["recommendations"][0]["text"] = record["assessment"]["summary"][0] = HOSTILE
    record["assessment"]["lost"][0]["doctype"] = record["drained"]["still_running"][0]["job"] = HOSTILE
    record["steps"][0]["name"] = record["rollback_command"] = HOSTILE
    run_role(tmp_path, [record], "")
    reports = written(tmp_path, record)
    page = Elements(reports[".html"])
    assert not {"script", "img", "iframe", "link"} & page.names
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert(1)</script>" in page.text
    outside_of_code = "".join(reports[".md"].split("```")[::2])
    assert "<script" not in outside_of_code
    assert not re.search(r"(?<!\\)[\[`*]\(?(?:a\]|x`|c\*)", outside_of_code)
    assert "49" not in outside_of_code.replace(record["set"]["folder"], "")


def test_every_outcome_has_its_page(tmp_path: Path) -> None:
    records = [
        sample_record(recovery=f"20261120T120000Z-000{index}", outcome=outcome, error=ERROR)
        for index, outcome in enumerate(("recovered", "rolled_back", "failed"))
    ]
    run_role(tmp_path, records, "")
    for record in records:
        page = written(tmp_path, record)[".html"]
        assert "No room." in page
        assert page.count("<h1>") == 1
