"""The host that checks itself: its program, its timer, what they write, and what a scheduler is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from testinfra.host import Host

testinfra_hosts = ["ssh://lifeboat-bench"]

STATE = "/var/lib/lifeboat"
METRICS = "/var/lib/node_exporter/textfile/lifeboat.prom"
WORDS = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
RUNS = 2 + 12 + 1  # of the role, into the journal, of the timer; an audit leaves nothing on a host


@pytest.fixture(scope="module")
def started(host: Host) -> str:
    """A run as the timer starts it; the metrics that it wrote."""
    host.run_expect([0], f"rm {METRICS}")
    host.run_expect([0], "systemctl start lifeboat-health.service")
    return str(host.file(METRICS).content_string)


def test_timer_runs_and_comes_back_after_a_boot(host: Host) -> None:
    timer = host.service("lifeboat-health.timer")
    assert timer.is_running
    assert timer.is_enabled
    planned = host.check_output("systemctl list-timers --output=json lifeboat-health.timer")
    assert json.loads(planned)[0]["next"]


def test_run_of_the_timer_writes_metrics(started: str) -> None:
    assert re.search(r'^lifeboat_check_status\{check="H14",.*\} 0$', started, re.MULTILINE)
    assert re.search(r"^lifeboat_health_score \d+$", started, re.MULTILINE)


@pytest.mark.usefixtures("started")
def test_run_of_the_timer_is_no_failed_unit_and_its_line_is_in_the_journal(host: Host) -> None:
    result = host.check_output("systemctl show --property=Result,ActiveState lifeboat-health.service")
    assert set(result.split()) == {"Result=success", "ActiveState=inactive"}
    assert "LIFEBOAT " in host.check_output("journalctl --unit=lifeboat-health.service --output=cat")


def test_metrics_are_for_every_collector_and_the_configuration_is_not(host: Host, started: str) -> None:
    assert started
    assert host.file(METRICS).mode == 0o644
    assert host.file("/etc/lifeboat/health.json").mode == 0o600
    assert [name for name in host.file("/var/lib/node_exporter/textfile").listdir() if name != "lifeboat.prom"] == []


def test_nagios_gets_one_line_and_the_exit_code_of_its_word(host: Host) -> None:
    done = host.run("lifeboat-health --only-look")
    assert done.stdout.startswith(f"LIFEBOAT {WORDS[done.rc]}")
    assert done.stdout.count("\n") == 1
    assert re.search(r"\| score=\d+;;;0;100 coverage=", done.stdout)
    assert done.rc == 2, "the other site has no backup"


@pytest.mark.parametrize(
    ("check", "threshold", "exit_code"),
    [
        ("H25", {"warning": "", "critical": ""}, 0),
        ("H10", {"warning": "101:", "critical": ""}, 1),
        ("H10", {"warning": "", "critical": "101:"}, 2),
        ("D26", {}, 3),  # which takes a month to tell
    ],
)
def test_exit_code_is_that_of_the_worst(host: Host, check: str, threshold: dict[str, str], exit_code: int) -> None:
    options = {"checks": [check], "sample_seconds": 0, "thresholds": {check: threshold} if threshold else {}}
    host.run_expect([0], f"echo '{json.dumps(options)}' > /root/health.json")
    done = host.run("lifeboat-health --configuration /root/health.json")
    assert (done.rc, done.stdout.split()[1].rstrip(":")) == (exit_code, WORDS[exit_code])


@pytest.fixture
def timer_is_stopped(host: Host) -> Iterator[None]:
    """Let nothing add to the history meanwhile."""
    host.run_expect([0], "systemctl stop lifeboat-health.timer lifeboat-health.service")
    yield
    host.run_expect([0], "systemctl start lifeboat-health.timer")


@pytest.mark.usefixtures("started", "timer_is_stopped")
def test_history_is_kept_and_a_look_adds_nothing(host: Host) -> None:
    history = host.file(f"{STATE}/health.jsonl")
    lines = history.content_string.splitlines()
    assert len(lines) >= RUNS
    assert "F12|alpha.localhost|maintenance_mode" in json.loads(lines[-1])["facts"]
    host.run("lifeboat-health --only-look")
    assert len(history.content_string.splitlines()) == len(lines)


def test_no_secret_is_in_the_journal_or_in_what_others_may_read(host: Host) -> None:
    configuration = json.loads(
        host.file("/home/frappe/frappe-bench/sites/alpha.localhost/site_config.json").content_string
    )
    secrets = (configuration["db_password"], "of-these-containers-only")
    journal = host.check_output("journalctl --output=cat")
    written = f"{journal}{host.file(METRICS).content_string}{host.check_output(f'cat {STATE}/health*')}"
    assert not [secret for secret in secrets if secret in written]
