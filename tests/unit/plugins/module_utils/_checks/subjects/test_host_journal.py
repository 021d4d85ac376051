"""Errors in the journal, from the answers of journalctl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History

from tests.fake_host import FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    (host.root / "run/systemd/system").mkdir(parents=True)
    (host.root / "var/log/journal").mkdir(parents=True)
    return host


def lines(count: int, **fields: str) -> str:
    return f"{json.dumps(fields)}\n" * count


def usual(per_hour: float, runs: int = 12) -> History:
    run = {"at_seconds": 1.0, "values": {"H23|host|errors": per_hour}, "facts": {}}
    return History([run] * runs)


def test_a_host_without_systemd_is_skipped(tmp_path: Path) -> None:
    assert FakeHost(tmp_path).findings("H23")[""].severity == "skipped"


def test_the_journal_should_outlive_a_boot(host: FakeHost) -> None:
    host.answer("journalctl", "")
    assert host.findings("H23", history=usual(0))["storage"].severity == "ok"
    (host.root / "var/log/journal").rmdir()
    assert host.findings("H23", history=usual(0))["storage"].severity == "warning"


@pytest.mark.parametrize(
    ("count", "per_hour", "severity"),
    [(30, 0, "ok"), (31, 0, "warning"), (101, 0, "critical"), (300, 100, "ok"), (301, 100, "warning")],
)
def test_errors_are_compared_with_what_is_usual(host: FakeHost, count: int, per_hour: int, severity: str) -> None:
    host.answer("journalctl", lines(count, _SYSTEMD_UNIT="nginx.service"))
    finding = host.findings("H23", history=usual(per_hour))["errors"]
    assert (finding.severity, finding.value) == (severity, count)
    assert finding.text == f"{count} errors in the last hour; {per_hour} are usual"


def test_the_units_that_wrote_most_are_named(host: FakeHost) -> None:
    host.answer(
        "journalctl", lines(1, SYSLOG_IDENTIFIER="sudo") + lines(3, _SYSTEMD_UNIT="a.service") + "no JSON\n" + lines(1)
    )
    finding = host.findings("H23", history=usual(1))["errors"]
    assert finding.evidence == ("a.service: 3 messages", "unknown: 2 messages", "sudo: 1 messages")


def test_what_is_usual_must_be_known_first(host: FakeHost) -> None:
    host.answer("journalctl", "")
    finding = host.findings("H23", history=usual(1, runs=11))["errors"]
    assert (finding.severity, finding.value) == ("unknown", 0)
    assert "known after 12 runs (11 so far)" in finding.text
