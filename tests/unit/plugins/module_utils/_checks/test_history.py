"""What a host remembers of earlier runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks import history as history_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Thresholds, judge
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import (
    HISTORY_NAME,
    SAMPLES_NAME,
    Point,
    read_history,
    remember_run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Measurement

from tests.health_findings import make_check, make_finding

CHECK, OWN = make_check(), Thresholds("10", "20")
SAMPLE = Sample(1000.0, 10.0, {"reads": 5.0})


def test_host_without_a_history_knows_nothing(tmp_path: Path) -> None:
    history = read_history(tmp_path / "state")
    assert history.points("X01", "host") == []
    assert history.fact("X01", "host") == ""
    assert history.sample("host", 1000.0) is None
    assert not (tmp_path / "state").exists()


def test_values_and_facts_are_remembered(tmp_path: Path) -> None:
    for at_seconds, value in ((1000.0, 3.0), (2000.0, 4.0)):
        findings = [
            judge(CHECK, "host", Measurement(value, "/", fact=f"fact of {value}"), OWN),
            make_finding("X02", "unknown", value=None),
        ]
        remember_run(tmp_path / "state", at_seconds, findings, {"host": SAMPLE})
    history = read_history(tmp_path / "state")
    assert history.points("X01", "host", "/") == [Point(1000.0, 3.0), Point(2000.0, 4.0)]
    assert history.points("X01", "host") == history.points("X02", "host") == []
    assert history.fact("X01", "host", "/") == "fact of 4.0"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()} == {0o600}


@pytest.mark.parametrize(("later_seconds", "is_known"), [(0, True), (86_400, True), (86_401, False), (-1, False)])
def test_sample_is_good_for_a_day(tmp_path: Path, later_seconds: float, is_known: bool) -> None:
    remember_run(tmp_path, 1000.0, [], {"host": SAMPLE})
    history = read_history(tmp_path)
    assert history.sample("other", 1000.0) is None
    assert history.sample("host", SAMPLE.at_seconds + later_seconds) == (SAMPLE if is_known else None)


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[1]",
        '{"at_seconds": "x", "values": {"X01|host|": 5}, "facts": {}}',
        '{"at_seconds": 1, "values": 5, "facts": {}}',
        '{"at_seconds": 1, "values": {"X01|host|": 5}, "facts": 5}',
        "\0",
    ],
)
def test_damaged_line_is_no_error(tmp_path: Path, damage: str) -> None:
    remember_run(tmp_path, 1000.0, [make_finding(value=3.0)], {})
    with (tmp_path / HISTORY_NAME).open("a") as stream:
        stream.write(damage + "\n")
    remember_run(tmp_path, 2000.0, [make_finding(value=4.0)], {})
    assert [point.value for point in read_history(tmp_path).points("X01", "host")] == [3.0, 4.0]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"host": 1}', '{"host": {"at_seconds": 1}}', "\udcff"])
def test_damaged_samples_are_no_error(tmp_path: Path, damage: str) -> None:
    (tmp_path / SAMPLES_NAME).write_bytes(damage.encode(errors="surrogateescape"))
    assert read_history(tmp_path).sample("host", 1000.0) is None


def test_history_that_is_no_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / HISTORY_NAME).mkdir()
    assert read_history(tmp_path).points("X01", "host") == []


def test_history_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "HISTORY_LIMIT_BYTES", 1000)
    for number in range(100):
        remember_run(tmp_path, float(number), [make_finding(value=float(number))], {"host": SAMPLE})
    assert sum(path.stat().st_size for path in tmp_path.glob(f"{HISTORY_NAME}*")) <= 2000
    assert read_history(tmp_path).points("X01", "host")[-1] == Point(99.0, 99.0)
    assert set(json.loads((tmp_path / SAMPLES_NAME).read_text())) == {"host"}
