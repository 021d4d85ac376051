"""The clock and the timers, from the answers of the programs that keep them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests.fake_host import NOW_SECONDS, FakeHost

TRACKING = "A29FC87B,time.example.com,3,1700000000.1,{offset},0.00001,0.0001,-1.5,0.001,0.02,0.03,0.001,64.2,{state}\n"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


@pytest.mark.parametrize(
    ("offset", "severity"), [("-0.000021", "ok"), ("-0.06", "warning"), ("0.9", "warning"), ("-1.1", "critical")]
)
def test_chrony_tells_the_offset(host: FakeHost, offset: str, severity: str) -> None:
    host.answer("chronyc", TRACKING.format(offset=offset, state="Normal"))
    finding = host.findings("H13")[""]
    assert (finding.severity, finding.value) == (severity, abs(float(offset)))


def test_chrony_without_a_source_is_critical(host: FakeHost) -> None:
    host.answer("chronyc", TRACKING.format(offset="0.0", state="Not synchronised"))
    assert host.findings("H13")[""].severity == "critical"


@pytest.mark.parametrize(
    ("answer", "severity", "words"),
    [
        ("NTP=yes\nNTPSynchronized=yes\n", "ok", "is synchronised"),
        ("NTP=yes\nNTPSynchronized=no\n", "critical", "although that is switched on"),
        ("NTP=no\nNTPSynchronized=no\n", "critical", "nothing keeps the clock right"),
    ],
)
def test_systemd_tells_whether_the_clock_is_right(host: FakeHost, answer: str, severity: str, words: str) -> None:
    host.answer("timedatectl", answer)
    host.answer("chronyc", exit_code=1, error_output="506 Cannot talk to daemon")
    finding = host.findings("H13")[""]
    assert finding.severity == severity
    assert words in finding.text


def test_a_clock_that_nobody_tells_about_is_unknown(host: FakeHost) -> None:
    assert host.findings("H13")[""].severity == "unknown"
    host.answer("timedatectl", exit_code=1, error_output="Failed to connect to bus")
    finding = host.findings("H13")[""]
    assert (finding.severity, "Failed to connect to bus" in finding.text) == ("unknown", True)


def test_a_container_has_no_clock_of_its_own(host: FakeHost) -> None:
    host.write("/run/.containerenv", "")
    assert host.findings("H13")[""].severity == "skipped"


def timer(unit: str, last_ago: float | None, next_ago: float | None) -> dict[str, object]:
    last, after = ((NOW_SECONDS - ago) * 1e6 if ago is not None else None for ago in (last_ago, next_ago))
    return {"unit": unit, "activates": "x.service", "last": last, "next": after, "left": 0, "passed": 0}


def test_timers_are_judged_by_their_periods(host: FakeHost) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    timers = [
        timer("right.timer", 60, -60),
        timer("late.timer", 90, 60),
        timer("very-late.timer", 200, 140),
        timer("never.timer", None, -60),
        timer("boot.timer", 60, None),
        {"unit": "zero.timer", "last": 0, "next": 0},
    ]
    host.answer("systemctl", json.dumps(timers))
    found = {item: finding.severity for item, finding in host.findings("H15").items()}
    assert found == {"right.timer": "ok", "late.timer": "warning", "very-late.timer": "critical"}


def test_a_timer_that_should_run_and_is_stopped_is_seen(host: FakeHost) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    # As `systemctl show` tells of them: state of the file, state, conditions met, when they were looked at.
    states = {
        "stopped.timer": ("enabled", "inactive", "yes", 17),
        "never-started.timer": ("enabled", "inactive", "no", 0),
        "not-here.timer": ("enabled", "inactive", "no", 17),
        "once-after-boot.timer": ("enabled", "active", "yes", 17),
        "switched-off.timer": ("disabled", "inactive", "no", 0),
    }
    properties = ("UnitFileState", "ActiveState", "ConditionResult", "ConditionTimestampMonotonic")
    blocks = [
        "\n".join([f"Id={name}", *(f"{key}={value}" for key, value in zip(properties, values))])
        for name, values in states.items()
    ]
    answers = {"list-timers": json.dumps([timer(name, 60, None) for name in states]), "show": "\n\n".join(blocks)}
    host.surroundings = replace(
        host.surroundings, runner=lambda command: CommandResult(tuple(command), 0, answers[command[1]], "")
    )
    found = {item: finding.severity for item, finding in host.findings("H15").items()}
    assert found == {"stopped.timer": "warning", "never-started.timer": "warning"}


def test_an_old_systemd_is_unknown(host: FakeHost) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.answer("systemctl", "NEXT LEFT LAST PASSED UNIT ACTIVATES\n")
    finding = host.findings("H15")[""]
    assert (finding.severity, "version 249" in finding.text) == ("unknown", True)


@pytest.mark.parametrize("folder", ["/var/spool/cron/crontabs", "/var/spool/cron"])
def test_crontabs_need_cron(host: FakeHost, folder: str) -> None:
    assert host.findings("H15")[""].severity == "skipped"
    host.write(f"{folder}/frappe", "0 */6 * * * bench backup\n")
    finding = host.findings("H15")["cron"]
    assert finding.severity == "critical"
    assert finding.text == "cron does not run, and accounts with a crontab: frappe"
    host.process(10, "/usr/sbin/cron", "-f")
    assert host.findings("H15")["cron"].severity == "ok"


def test_crontabs_that_may_not_be_read_are_unknown(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    (host.root / "var/spool/cron").mkdir(parents=True)

    def refuse(_folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    target = host.target()
    target.processes = []
    finding = host.findings("H15", target)[""]
    assert (finding.severity, finding.text) == ("unknown", "the crontabs cannot be read: Permission denied")
