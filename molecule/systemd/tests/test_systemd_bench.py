"""What a host is like whose bench systemd manages, after a recovery, a rolling restart and other numbers of workers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

BENCH_HOSTS = testinfra_hosts = ["ssh://lifeboat-systemd"]

SITE = "alpha.localhost"
WEB = "frappe-bench-frappe-web.service"
SCHEDULE = "frappe-bench-frappe-schedule.service"
WORKERS = ("frappe-bench-frappe-long-worker@{}.service", "frappe-bench-frappe-short-worker@{}.service")


@pytest.fixture(scope="module")
def changed(host: Host) -> dict[str, Any]:
    """The bench with the other numbers of workers, before the numbers of before were put back."""
    return json.loads(host.file("/root/changed.json").content_string)


def running(snapshot: dict[str, Any]) -> set[str]:
    """The units of the bench that run."""
    return {unit for unit, pid in snapshot["services"].items() if unit.startswith("frappe-bench-") and pid != "0"}


def test_site_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any], record: dict[str, Any]) -> None:
    for kind in ("tables", "public", "private"):
        assert after["sites"][SITE][kind] == before["sites"][SITE][kind]
    assert record["outcome"] == "recovered"
    outcomes = {check["name"]: check["outcome"] for check in record["verification"]}
    assert (outcomes["login"], outcomes["job"]) == ("passed", "passed")


def test_no_request_for_the_other_site_failed(traffic: dict[str, list[dict[str, Any]]]) -> None:
    (answers,) = traffic.values()
    assert [answer for answer in answers if answer["status"] != 200] == []
    assert len(answers) > 100


def test_what_ran_old_code_was_restarted_once_and_nothing_else(before: dict[str, Any], changed: dict[str, Any]) -> None:
    old = {WEB, SCHEDULE, *(worker.format(1) for worker in WORKERS)}
    ids = {unit: (pid, changed["services"][unit]) for unit, pid in before["services"].items()}
    assert {unit for unit, (pid, now) in ids.items() if pid != now} == old


def test_numbers_of_workers_were_those_that_were_asked_for(before: dict[str, Any], changed: dict[str, Any]) -> None:
    assert running(changed) - running(before) == {worker.format(2) for worker in WORKERS}
    assert (before["web_workers"], changed["web_workers"]) == (2, 3)


def test_numbers_of_workers_are_those_of_before(host: Host, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert running(after) == running(before)
    assert after["web_workers"] == 2
    host.check_output("sha256sum --check --quiet /root/units.sha256")
    stale = host.check_output("systemctl show --property=NeedDaemonReload --value 'frappe-bench-*'")
    assert set(stale.split()) == {"no"}
    assert not host.file("/run/systemd/system").exists or "frappe" not in host.check_output("ls /run/systemd/system")


def test_restart_is_on_record(host: Host) -> None:
    records = [json.loads(line) for line in host.check_output("cat /var/lib/lifeboat/records.jsonl").splitlines()]
    (restarted,) = [record["restarted"] for record in records if record["module"] == "rolling_restart"]
    assert restarted[0] == WEB
    assert {SCHEDULE, *(worker.format(1) for worker in WORKERS)} <= set(restarted)
