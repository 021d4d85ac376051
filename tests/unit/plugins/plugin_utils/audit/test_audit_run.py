"""From what the tasks of a play returned to the files of a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit import run as audit_run
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.run import (
    FORMATS,
    AuditOutcome,
    AuditRequest,
    run_audit,
)

from tests.unit.plugins.plugin_utils.audit.answers import BEFORE, NOW, raw_finding


def answer(folder: Path, severity: str) -> dict[str, Any]:
    """What audit_host returns of a host with one finding."""
    health = {"findings": [raw_finding("H01", severity)], "summary": {"score": 90, "coverage": 100.0}}
    path = folder / f"{severity}.json"
    path.write_text(json.dumps({"health": health, "info": {"facts": {}}}))
    return {"document": str(path)}


def audit(folder: Path, severity: str = "critical", now: str = NOW, **request: Any) -> AuditOutcome:
    collected = request.pop("collected", {"a": answer(folder, severity)})
    return run_audit(AuditRequest(collected=collected, folder=folder / "reports", title="T", now=now, **request))


def test_writes_every_format_for_the_group_alone(tmp_path: Path) -> None:
    written = Path(audit(tmp_path).path)
    assert written.name == "audit-20261121T060000Z"
    assert {path.name for path in written.iterdir()} == set(FORMATS)
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o640}
    assert written.stat().st_mode & 0o007 == 0


def test_hosts_without_an_answer_are_in_it(tmp_path: Path) -> None:
    collected = {
        "away": {"unreachable": True, "msg": "Task failed: no route"},
        "broken": {"failed": True, "msg": "no python"},
        "lost": {"document": str(tmp_path / "gone.json")},
        "given up": {},
    }
    built = audit(tmp_path, collected=collected).document
    assert {one["name"]: (one["state"], one["reason"][:12]) for one in built["hosts"]} == {
        "away": ("unreachable", "no route"),
        "broken": ("failed", "no python"),
        "lost": ("failed", "its answer w"),
        "given up": ("failed", "it was not a"),
    }


def test_compares_with_the_newest_report_of_the_folder(tmp_path: Path) -> None:
    audit(tmp_path, "ok", now="2026-11-01T06:00:00Z")
    audit(tmp_path, "warning", now=BEFORE)
    outcome = audit(tmp_path, "critical")
    assert outcome.document["compared_with"] == BEFORE
    assert outcome.document["summary"]["changes"]["worse"] == 1
    again = audit(tmp_path, "critical")
    assert again.document["compared_with"] == BEFORE, "not with itself"


def test_compares_with_the_report_that_is_given(tmp_path: Path) -> None:
    first = audit(tmp_path, "ok", now="2026-11-01T06:00:00Z")
    audit(tmp_path, "critical", now=BEFORE)
    outcome = audit(tmp_path, "critical", compare_with=f"{first.path}/report.json")
    assert outcome.document["summary"]["changes"]["new"] == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 1}', '{"schema_version": 0}'])
def test_a_report_that_cannot_be_compared_with_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "last.json").write_text(content)
    outcome = audit(tmp_path, compare_with=str(tmp_path / "last.json"))
    assert outcome.document["compared_with"] == ""
    assert "is compared with" in outcome.notes[0]


def test_writes_nothing_in_check_mode(tmp_path: Path) -> None:
    assert audit(tmp_path, writes=False).document["summary"]["score"] == 90
    assert not (tmp_path / "reports").exists()


def test_a_query_that_cannot_be_used_does_not_cost_the_report(tmp_path: Path) -> None:
    outcome = audit(tmp_path, query="findings[?")
    assert outcome.error is not None
    assert outcome.error.error_code == "query_invalid"
    assert (Path(outcome.path) / "report.html").is_file()


def test_what_the_query_selects_is_in_the_report(tmp_path: Path) -> None:
    outcome = audit(tmp_path, query="findings[?severity=='critical'].host")
    assert json.loads((Path(outcome.path) / "report.json").read_text())["selected"] == ["a"]


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_document: Any) -> Any:
        yield "half"
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(audit_run.FORMATS, "report.html", broken)
    with pytest.raises(RuntimeError):
        audit(tmp_path)
    assert [path.name for path in (tmp_path / "reports").glob("*/*")] == ["report.json"]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(LifeboatError) as caught:
        audit(tmp_path)
    assert caught.value.error_code == "report_unwritable"
    assert "Choose another folder" in caught.value.message
