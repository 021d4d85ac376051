"""What systemd and supervisor say of their services, on hosts made of files and answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests.fake_host import NOW_SECONDS, FakeHost

FAILED = "● nginx.service loaded failed failed A web server\nbackup.service loaded failed failed Copy\n"


class Systemd(FakeHost):
    """A host on which systemctl tells of failed units and of restarts."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (root / "run/systemd/system").mkdir(parents=True)
        self.failed = ""
        self.restarts: dict[str, int] = {}

    def run(self, arguments: object) -> CommandResult:
        words = list(arguments)  # type: ignore[call-overload]
        if words[:2] == ["systemctl", "list-units"]:
            return CommandResult(tuple(words), 0, self.failed, "")
        if words[:2] == ["systemctl", "show"]:
            blocks = [f"Id={name}\nNRestarts={count}\n" for name, count in self.restarts.items()]
            return CommandResult(tuple(words), 0, "\n".join([*blocks, "Id=old.service\n"]), "")
        return super().run(words)


@pytest.fixture
def host(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path / "root")


def severities(host: FakeHost, history: History | None = None) -> dict[str, str]:
    found = host.findings("H14", history=history or History())
    return {item: finding.severity for item, finding in found.items()}


def test_a_host_without_a_manager_is_skipped(tmp_path: Path) -> None:
    assert severities(FakeHost(tmp_path)) == {"": "skipped"}


def test_failed_units_are_named_and_those_of_a_bench_are_critical(host: Systemd) -> None:
    assert severities(host) == {"systemd": "ok", "restarts": "ok"}
    host.write("/home/frappe/frappe-bench/sites/common_site_config.json", "{}")
    host.failed = FAILED + "frappe-bench-frappe-web.service loaded failed failed Web\n"
    assert severities(host) == {
        "nginx.service": "critical",
        "backup.service": "warning",
        "frappe-bench-frappe-web.service": "critical",
        "restarts": "ok",
    }


def restarts_seen(seconds_ago: float, **restarts: int) -> History:
    fact = json.dumps({"at_seconds": NOW_SECONDS - seconds_ago, "restarts": restarts})
    return History([{"at_seconds": 1.0, "values": {}, "facts": {"H14|host|restarts": fact}}])


@pytest.mark.parametrize(
    ("seconds_ago", "before", "severity"),
    [(3600, 4, "critical"), (3600, 5, "ok"), (1, 8, "ok"), (600, 7, "critical"), (36_000, 0, "ok")],
    ids=["six in an hour", "five in an hour", "two a moment ago", "three in ten minutes", "ten in ten hours"],
)
def test_restarts_are_compared_with_the_last_run(host: Systemd, seconds_ago: int, before: int, severity: str) -> None:
    host.restarts = {"web": 10}
    assert severities(host, restarts_seen(seconds_ago, web=before))["restarts"] == severity


def test_the_service_that_restarts_is_named_and_remembered(host: Systemd) -> None:
    host.restarts = {"web": 10, "calm": 0}
    finding = host.findings("H14", history=restarts_seen(3600))["restarts"]
    assert finding.text == "systemd restarts web (10 times an hour)"
    assert json.loads(finding.fact) == {"at_seconds": NOW_SECONDS, "restarts": {"web": 10}}


@pytest.fixture
def supervised(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path / "root")
    host.process(10, "/usr/bin/python3", "/usr/bin/supervisord", "-n")
    host.write("/home/frappe/frappe-bench/sites/common_site_config.json", "{}")
    return host


def test_programs_that_do_not_start_are_critical(supervised: FakeHost) -> None:
    status = """frappe-bench-web:frappe-bench-frappe-web      RUNNING   pid 11, uptime 1:00:00
frappe-bench-workers:frappe-bench-short-0     FATAL     Exited too quickly
other                                         BACKOFF   Exited too quickly
once                                          EXITED    Nov 21 02:00 AM
stopped                                       STOPPED   Nov 21 02:00 AM
"""
    supervised.answer("supervisorctl", status, exit_code=3)
    assert severities(supervised) == {
        "frappe-bench-workers:frappe-bench-short-0": "critical",
        "other": "warning",
        "once": "warning",
    }


def test_programs_that_run_are_right(supervised: FakeHost) -> None:
    supervised.answer("supervisorctl", "a RUNNING pid 11, uptime 1:00:00\n")
    finding = supervised.findings("H14")["supervisor"]
    assert (finding.severity, finding.text) == ("ok", "no program of supervisor failed (1 are known)")


def test_a_supervisor_that_does_not_answer_is_unknown(supervised: FakeHost) -> None:
    supervised.hang("supervisorctl")
    assert severities(supervised) == {"supervisor": "unknown"}


def test_systemd_that_does_not_answer_hides_nothing_of_supervisor(supervised: FakeHost) -> None:
    (supervised.root / "run/systemd/system").mkdir(parents=True)
    supervised.answer("supervisorctl", "a FATAL x\n")
    supervised.hang("systemctl")
    assert severities(supervised) == {"a": "warning", "": "unknown"}
