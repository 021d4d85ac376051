"""The metrics for the node_exporter."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance, Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.summary import summarise
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.textfile import (
    MOST_ITEMS,
    textfile,
    write_textfile,
)

from tests.health_findings import make_finding

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.e+]+)')


def metrics(findings: list[Finding]) -> dict[str, list[tuple[str, float]]]:
    """Parse the file as strictly as the exporter does."""
    samples: dict[str, list[tuple[str, float]]] = {}
    described: dict[str, set[str]] = {}
    for line in textfile(findings, summarise(findings), 1_795_230_922.25, 1.5).splitlines():
        if line.startswith("# "):
            _hash, kind, name, _text = line.split(" ", 3)
            assert kind not in described.setdefault(name, set()), f"{kind} of {name} is there twice"
            described[name].add(kind)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert described[match[1]] == {"HELP", "TYPE"}
        assert match[2] not in [labels for labels, _value in samples.get(match[1], [])], "a series is there twice"
        samples.setdefault(match[1], []).append((match[2] or "", float(match[3])))
    return samples


def test_status_value_and_totals() -> None:
    found = metrics(
        [
            make_finding("X01", "warning", item="/", value=12.5, unit="percent"),
            make_finding("X02", "unknown", value=None),
            make_finding("X03", "skipped"),
            make_finding("X04", "critical", value=3, unit="seconds"),
        ]
    )
    labels = 'check="X01",name="made.x01",subject="host",target="host",item="/"'
    assert (labels, 1.0) in found["lifeboat_check_status"]
    assert [value for _labels, value in found["lifeboat_check_status"]] == [1.0, 3.0, 2.0]
    assert found["lifeboat_check_value"][0] == (f'{labels},unit="ratio"', 0.125)
    assert found["lifeboat_check_value"][1][1] == 3.0
    assert found["lifeboat_health_score"] == [("", 91.0)]
    assert found["lifeboat_health_coverage_ratio"][0][1] == pytest.approx(0.667)
    assert found["lifeboat_health_last_run_timestamp_seconds"] == [("", 1795230922.25)]
    assert found["lifeboat_health_run_seconds"] == [("", 1.5)]
    assert ('severity="critical"', 1.0) in found["lifeboat_health_findings"]
    assert "lifeboat_check_accepted" not in found


def test_accepted_findings_keep_their_status() -> None:
    accepted = replace(make_finding("X01", "critical"), accepted=Acceptance("X01", "why", "who", "2027-01-31"))
    found = metrics([accepted])
    assert found["lifeboat_check_status"][0][1] == 2.0
    assert found["lifeboat_check_accepted"][0][1] == 1.0


def test_labels_are_escaped_and_texts_left_out() -> None:
    findings = [make_finding("X01", target="a\nb", item='a"b\\c', text="the row of a customer")]
    content = textfile(findings, summarise(findings), 0.0, 0.0)
    assert 'target="a\\nb",item="a\\"b\\\\c"' in content
    assert "customer" not in content
    assert metrics(findings)


def test_items_are_bounded_and_the_worst_stay() -> None:
    many = [make_finding("X01", "ok", item=f"ok {number}") for number in range(MOST_ITEMS + 5)]
    bad = [make_finding("X01", "critical", item=f"bad {number}") for number in range(3)]
    found = metrics([*many, *bad, make_finding("X02")])
    assert len(found["lifeboat_check_status"]) == MOST_ITEMS + 1
    assert sum(value == 2.0 for _labels, value in found["lifeboat_check_status"]) == 3
    assert found["lifeboat_check_items_dropped"] == [('check="X01"', 8.0)]


def test_same_series_is_never_there_twice() -> None:
    found = metrics([make_finding("X01", "ok"), make_finding("X01", "critical")])
    assert [value for _labels, value in found["lifeboat_check_status"]] == [2.0]


def test_file_is_replaced_at_once_and_readable_by_the_exporter(tmp_path: Path) -> None:
    path = tmp_path / "lifeboat.prom"
    for content in ("a 1\n", "a 2\n"):
        write_textfile(path, content)
    assert path.read_text() == "a 2\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No such file"):
        write_textfile(tmp_path / "missing" / "l.prom", "")
