from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.commands import (
    Situation,
    command_for,
    commands_for,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.stages import Attempt

BENCH = Path("/home/frappe/my bench")
CONFIGURATION = BENCH / "sites/a.example/site_config.json"


def finding(check: str, text: str = "", item: str = "") -> Finding:
    return Finding(
        check,
        "a.b",
        "",
        "site",
        "a.example",
        item,
        "critical",
        1.0,
        "count",
        "",
        "",
        text,
        (),
        "high",
        "the remedy",
        "",
    )


def situation(**changes: Any) -> Situation:
    return Situation(
        "a.example", BENCH, CONFIGURATION, **{"database_host": "127.0.0.1", "account": "'_a'@'localhost'", **changes}
    )


def attempt(stage: str, number: int = 0) -> Attempt:
    return Attempt(failed_stage=stage, error_number=number, reason="x")


@pytest.mark.parametrize(
    ("stage", "number", "host", "telling"),
    [
        ("TCP connection", 0, "127.0.0.1", "systemctl start mariadb"),
        ("socket connection", 0, "localhost", "systemctl start mariadb"),
        ("handshake", 0, "db1", "on db1: systemctl start mariadb"),
        ("login", 1045, "db1", "ALTER USER '_a'@'localhost'"),
        ("login", 4151, "db1", "ACCOUNT UNLOCK"),
        ("database", 1049, "db1", "lifeboat.frappe.recover -e site=a.example"),
        ("table", 1146, "db1", "lifeboat.frappe.recover -e site=a.example"),
        ("name resolution", 0, "db1", "getent hosts db1"),
    ],
)
def test_database(stage: str, number: int, host: str, telling: str) -> None:
    there = situation(attempt=attempt(stage, number), database_host=host)
    assert telling in command_for(finding("D01"), there)


def test_database_that_answers_by_now_has_the_remedy() -> None:
    assert command_for(finding("D01"), situation()) == "the remedy"
    assert command_for(finding("D01"), situation(attempt=Attempt())) == "the remedy"


def test_configuration_has_its_copy_put_back() -> None:
    text = f"Cannot read {CONFIGURATION}: it is not valid JSON"
    copied = command_for(finding("F01", text), situation(configuration_copy=Path("/b/x.json")))
    assert copied == f"cp '{CONFIGURATION}' '{CONFIGURATION}'.broken; cp /b/x.json '{CONFIGURATION}'"
    assert "json.tool" in command_for(finding("F01", text), situation())
    assert "common_site_config.json" in command_for(finding("F01", "common is broken"), situation())


def test_stopped_services_are_started_by_who_manages_them() -> None:
    services = [
        Service("b-redis:cache", "supervisor", "redis", "stopped", None),
        Service("b-redis:queue", "supervisor", "redis", "stopped", None),
        Service("b-web.service", "systemd", "web", "stopped", None),
        Service("b-worker", "systemd-user", "worker", "stopped", None),
        Service("b-worker-2", "supervisor", "worker", "running", 7),
    ]
    there = situation(services=services)
    assert command_for(finding("R01"), there) == "supervisorctl start b-redis:cache b-redis:queue"
    assert command_for(finding("W01", "nothing answers", "bench"), there) == "systemctl start b-web.service"
    assert command_for(finding("Q01", item="long"), there) == "systemctl --user start b-worker"
    assert command_for(finding("R01"), situation()) == "the remedy"


def test_web() -> None:
    assert "set-maintenance-mode off" in command_for(finding("W01", "status 503: the site", "bench"), situation())
    assert "nginx -t" in command_for(finding("W01", "status 502", "front"), situation())
    assert "web.error.log" in command_for(finding("W01", "status 500", "bench"), situation())


def test_scheduler_workers_and_migration() -> None:
    start = "cd '/home/frappe/my bench' && bench --site a.example "
    assert command_for(finding("F12", item="maintenance_mode"), situation()) == f"{start}set-maintenance-mode off"
    assert command_for(finding("F12", item="pause_scheduler"), situation()) == f"{start}scheduler resume"
    assert command_for(finding("F05", "enable_scheduler = 0"), situation()) == f"{start}scheduler enable"
    assert command_for(finding("F04"), situation()) == f"{start}backup && bench --site a.example migrate"
    assert "rq resume" in command_for(finding("Q01", item="suspended"), situation())


def test_other_checks_have_their_own_remedy() -> None:
    other = finding("H01")
    assert commands_for([other], situation()) == {other.key: "the remedy"}
