"""The role lifeboat.frappe.report, with ``report_files``: what is written where, and that text of hosts stays text."""

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


def prepare_role(folder: Path, records: list[dict[str, Any]], host_path: str) -> Path:
    """Write a playbook that uses the role for each of the records."""
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
    return folder / "report.yml"


def run_role(folder: Path, records: list[dict[str, Any]], host_path: str, *arguments: str) -> str:
    """Run the role for each of the records in one play, and return what was printed."""
    play = prepare_role(folder, records, host_path)
    run = run_playbook(play, folder / "hosts", arguments=arguments, cwd=folder / "here")
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
    shown = run_role(tmp_path, [record], str(host), "--check", "--diff")
    assert "+# erp.example.com was recovered" in shown
    assert [line for line in shown.splitlines() if line.startswith("+++ after: ")] == [
        f"+++ after: {folder}/report.{kind}"
        for folder in (tmp_path / "here" / "lifeboat-reports" / f"{SITE}-{record['recovery']}", host)
        for kind in ("html", "md", "json")
    ]
    assert list(host.iterdir()) == list((tmp_path / "here").iterdir()) == []
    assert "changed=1" in run_role(tmp_path, [record], str(host))
    reports = written(tmp_path, record)
    assert json.loads(reports[".json"]) == record
    assert {path.name: path.read_text() for path in host.glob("*")} == {
        f"report{suffix}": reports[suffix] for suffix in (".html", ".md", ".json")
    }
    assert "changed=0" in run_role(tmp_path, [record], str(host)), "a second run changes nothing"


def test_a_host_that_cannot_be_written_to_says_so_after_the_report(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    play = prepare_role(tmp_path, [sample_record()], str(tmp_path / "file"))
    run = run_playbook(play, tmp_path / "hosts", cwd=tmp_path / "here")
    assert run.exit_code != 0
    assert f"Cannot write the report to {tmp_path}/file: Not a directory." in run.output
    assert set(written(tmp_path, sample_record())) == {".html", ".md", ".json"}


def test_every_outcome_has_its_page_and_text_of_hosts_stays_text(tmp_path: Path) -> None:
    ended = [
        sample_record(recovery=f"20261120T120000Z-000{index}", outcome=outcome, error=ERROR)
        for index, outcome in enumerate(("recovered", "rolled_back", "failed"))
    ]
    hostile = sample_record(host=HOSTILE, not_recovered=[HOSTILE], error={"code": "x", "reason": HOSTILE})
    hostile["set"]["name"] = hostile["verification"][0]["reason"] = hostile["checks"][0]["text"] = HOSTILE
    hostile["recommendations"][0]["text"] = hostile["assessment"]["summary"][0] = HOSTILE
    hostile["assessment"]["lost"][0]["doctype"] = hostile["drained"]["still_running"][0]["job"] = HOSTILE
    hostile["steps"][0]["name"] = hostile["rollback_command"] = HOSTILE
    run_role(tmp_path, [*ended, hostile], "")
    for record in ended:
        page = written(tmp_path, record)[".html"]
        assert "No room." in page
        assert page.count("<h1>") == 1
    stays_text(hostile, written(tmp_path, hostile))


def stays_text(record: dict[str, Any], reports: dict[str, str]) -> None:
    """Make sure that hostile text is in the reports of its record as text alone."""
    page = Elements(reports[".html"])
    assert not {"script", "img", "iframe", "link"} & page.names
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert(1)</script>" in page.text
    outside_of_code = "".join(reports[".md"].split("```")[::2])
    assert "<script" not in outside_of_code
    assert not re.search(r"(?<!\\)[\[`*]\(?(?:a\]|x`|c\*)", outside_of_code)
    assert "49" not in outside_of_code.replace(record["set"]["folder"], "")
    assert json.loads(reports[".json"]) == record
